//! Limits for log lines that clients can cause: a flood of requests must not
//! fill the disk. Lines over the limit are counted, and the count is logged
//! once a minute.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The maximum number of lines of a kind within any [`LIMIT_WINDOW`].
const LINES_PER_WINDOW: usize = 10;
const LIMIT_WINDOW: Duration = Duration::from_secs(1);
/// Interval at which the number of suppressed lines is logged.
const SUMMARY_EVERY: Duration = Duration::from_secs(60);

macro_rules! lines {
    ($($(#[$doc:meta])* $line:ident = $name:literal,)*) => {
        /// A kind of log line that clients can cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum LimitedLine {
            $($(#[$doc])* $line,)*
        }

        impl LimitedLine {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$line,)*];

            /// Returns the name of the kind in the log.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$line => $name,)*
                }
            }
        }
    };
}

lines! {
    /// A login with the correct password.
    LoginRight = "login_right",
    /// A login with a wrong password or an unknown username.
    LoginWrong = "login_wrong",
    /// A login that was refused without a check of its password: too many for
    /// its account or address.
    LoginLimited = "login_limited",
    /// A correct password of a deactivated account.
    LoginDeactivated = "login_deactivated",
    /// A new account.
    Registration = "registration",
    /// A registration over its address's limit.
    RegistrationLimited = "registration_limited",
    /// A new password, set with the current one.
    PasswordChanged = "password_changed",
    /// A wrong password of a user who is logged in.
    PasswordWrong = "password_wrong",
    /// A new password link.
    ResetLinkMade = "reset_link_made",
    /// A new password, set with a password link.
    ResetLinkUsed = "reset_link_used",
    /// A password link that is invalid or has expired.
    ResetLinkRefused = "reset_link_refused",
    /// A request by cookie without the CSRF token of its page.
    CsrfRefused = "csrf_refused",
    /// A request of another site's page.
    OriginRefused = "origin_refused",
    /// A 503 response: the server is too busy, or has no database.
    AnswerUnavailable = "answer_503",
    /// A 500 response: the server failed.
    AnswerFailed = "answer_500",
    /// A database statement that failed.
    DatabaseFailed = "database_failed",
    /// A connection that the server can't serve.
    ConnectionRefused = "connection_refused",
}

/// The times of the recent lines of a kind, and the number of suppressed ones.
#[derive(Debug, Default)]
struct LineLimit {
    written: VecDeque<Instant>,
    left_out: u64,
}

impl LineLimit {
    fn admit(&mut self, now: Instant) -> bool {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < LIMIT_WINDOW;
        if self.written.len() >= LINES_PER_WINDOW {
            if self.written.front().is_some_and(is_recent) {
                self.left_out += 1;
                return false;
            }
            self.written.pop_front();
        }
        self.written.push_back(now);
        true
    }

    fn take_left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

/// Shared by the process, like the log itself.
static LINE_LIMITS: LazyLock<Vec<Mutex<LineLimit>>> =
    LazyLock::new(|| LimitedLine::ALL.iter().map(|_| Mutex::default()).collect());

fn line_limit(line: LimitedLine) -> Option<&'static Mutex<LineLimit>> {
    LINE_LIMITS.get(line as usize)
}

/// Returns whether one more line of this kind may be written now. If not, it is
/// counted as suppressed.
#[must_use]
pub fn admit_line(line: LimitedLine) -> bool {
    line_limit(line).is_none_or(|limit| limit.lock().admit(Instant::now()))
}

/// Logs the number of lines suppressed since the last call.
pub fn log_suppressed_lines() {
    for line in LimitedLine::ALL {
        let left_out = line_limit(*line).map_or(0, |limit| limit.lock().take_left_out());
        if left_out > 0 {
            let event = line.name();
            tracing::warn!(target: "security", event, left_out, "log lines were suppressed");
        }
    }
}

/// Logs suppressed lines once a minute, for ever.
pub async fn log_suppressed_periodically() {
    let mut minutes = tokio::time::interval(SUMMARY_EVERY);
    loop {
        minutes.tick().await;
        log_suppressed_lines();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_per_second_are_bounded() {
        let mut limit = LineLimit::default();
        let start = Instant::now();
        let moments = (0..500_u64).map(|tick| start + Duration::from_millis(tick * 7));
        let written: Vec<Instant> = moments.filter(|now| limit.admit(*now)).collect();
        for window in written.windows(LINES_PER_WINDOW + 1) {
            assert!(window[LINES_PER_WINDOW] - window[0] >= LIMIT_WINDOW);
        }
        assert!(
            written.len() >= 3 * LINES_PER_WINDOW,
            "each second admits lines"
        );
        let left_out = limit.take_left_out();
        assert_eq!(u64::try_from(written.len()).unwrap() + left_out, 500);
        assert_eq!(limit.take_left_out(), 0);
    }

    #[test]
    fn line_kinds_have_separate_limits() {
        assert!(
            LimitedLine::ALL
                .iter()
                .all(|line| line_limit(*line).is_some())
        );
    }
}
