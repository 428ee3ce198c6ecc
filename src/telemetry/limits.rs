//! Limits of log lines that others can cause: a flood of requests must not
//! fill the disk. Lines over the limit are counted, and the count is written
//! once a minute.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// The most lines of a kind within [`WINDOW`], whenever it begins.
const LINES: usize = 10;
const WINDOW: Duration = Duration::from_secs(1);
/// How often the lines that were left out are summed up.
const SUM_EVERY: Duration = Duration::from_secs(60);

macro_rules! lines {
    ($($(#[$doc:meta])* $line:ident = $name:literal,)*) => {
        /// A kind of line that others can cause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum LimitedLine {
            $($(#[$doc])* $line,)*
        }

        impl LimitedLine {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$line,)*];

            /// As it is called in the log.
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
    /// A login with the right password.
    LoginRight = "login_right",
    /// A login with a wrong password, or of an unknown account.
    LoginWrong = "login_wrong",
    /// A login that was refused unseen: too many of its account or address.
    LoginLimited = "login_limited",
    /// A right password of a deactivated account.
    LoginDeactivated = "login_deactivated",
    /// A new account.
    Registration = "registration",
    /// A registration over its address's limit.
    RegistrationLimited = "registration_limited",
    /// A new password, set with the current one.
    PasswordChanged = "password_changed",
    /// A wrong password of somebody who is logged in.
    PasswordWrong = "password_wrong",
    /// A link by which an account gets a new password.
    ResetLinkMade = "reset_link_made",
    /// A new password by such a link.
    ResetLinkUsed = "reset_link_used",
    /// A link that doesn't hold.
    ResetLinkRefused = "reset_link_refused",
    /// A request by cookie without its page's token.
    CsrfRefused = "csrf_refused",
    /// A page of another site.
    OriginRefused = "origin_refused",
    /// An answer that the server is too busy, or has no database.
    AnswerUnavailable = "answer_503",
    /// An answer that the server failed.
    AnswerFailed = "answer_500",
    /// A statement that failed.
    DatabaseFailed = "database_failed",
    /// A connection that the server can't serve.
    ConnectionRefused = "connection_refused",
}

/// When lines of a kind were written, and how many were left out.
#[derive(Debug, Default)]
struct LineLimit {
    written: VecDeque<Instant>,
    left_out: u64,
}

impl LineLimit {
    fn admit(&mut self, now: Instant) -> bool {
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < WINDOW;
        if self.written.len() >= LINES {
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

/// Of the process, as the log itself is.
static LIMITS: LazyLock<Vec<Mutex<LineLimit>>> =
    LazyLock::new(|| LimitedLine::ALL.iter().map(|_| Mutex::default()).collect());

fn limit(line: LimitedLine) -> Option<&'static Mutex<LineLimit>> {
    LIMITS.get(line as usize)
}

/// Whether one more line of this kind may be written now. If not, it is
/// counted for the next sum.
#[must_use]
pub fn admit_line(line: LimitedLine) -> bool {
    limit(line).is_none_or(|limit| limit.lock().admit(Instant::now()))
}

/// Writes how many lines were left out since the last time.
pub fn sum_up_lines() {
    for line in LimitedLine::ALL {
        let left_out = limit(*line).map_or(0, |limit| limit.lock().take_left_out());
        if left_out > 0 {
            let event = line.name();
            tracing::warn!(target: "security", event, left_out, "log lines were left out");
        }
    }
}

/// Sums up once a minute, without an end.
pub async fn sum_up_each_minute() {
    let mut minutes = tokio::time::interval(SUM_EVERY);
    loop {
        minutes.tick().await;
        sum_up_lines();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_second_has_few_lines() {
        let mut limit = LineLimit::default();
        let start = Instant::now();
        let moments = (0..500_u64).map(|tick| start + Duration::from_millis(tick * 7));
        let written: Vec<Instant> = moments.filter(|now| limit.admit(*now)).collect();
        for window in written.windows(LINES + 1) {
            assert!(window[LINES] - window[0] >= WINDOW);
        }
        assert!(written.len() >= 3 * LINES, "each second has its lines");
        let left_out = limit.take_left_out();
        assert_eq!(u64::try_from(written.len()).unwrap() + left_out, 500);
        assert_eq!(limit.take_left_out(), 0);
    }

    #[test]
    fn every_line_has_its_own_limit() {
        assert!(LimitedLine::ALL.iter().all(|line| limit(*line).is_some()));
    }
}
