//! Log lines of the target `security`: logins, failed logins and refusals. They
//! hold an address and an account's name, but no typed text: a user may type a
//! password into the username field.

use std::net::IpAddr;

use super::line_limits::{LimitedLine, admit_line};

/// Logs an event from `address`, with the name of the account that it concerns,
/// if there is one.
pub fn log_security_event(event: LimitedLine, address: IpAddr, account: Option<&str>) {
    if admit_line(event) {
        write_security_event(event, address, account);
    }
}

/// Logs an event that the caller has already checked against the limit.
pub fn write_security_event(event: LimitedLine, address: IpAddr, account: Option<&str>) {
    let name = event.name();
    let account = account.unwrap_or_default();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "security", event = name, %address, account, "{}", event_text(event))
        };
    }
    if is_routine(event) {
        line!(info)
    } else {
        line!(warn)
    }
}

fn is_routine(event: LimitedLine) -> bool {
    matches!(
        event,
        LimitedLine::LoginRight
            | LimitedLine::Registration
            | LimitedLine::PasswordChanged
            | LimitedLine::ResetLinkMade
            | LimitedLine::ResetLinkUsed
    )
}

fn event_text(event: LimitedLine) -> &'static str {
    match event {
        LimitedLine::LoginRight => "logged in",
        LimitedLine::LoginWrong => "login refused: wrong name or password",
        LimitedLine::LoginLimited => "login refused: too many attempts",
        LimitedLine::LoginDeactivated => "login refused: the account is deactivated",
        LimitedLine::Registration => "account registered",
        LimitedLine::RegistrationLimited => "registration refused: too many from this address",
        LimitedLine::PasswordChanged => "password changed",
        LimitedLine::PasswordWrong => "password refused: not the current password",
        LimitedLine::ResetLinkMade => "password link created",
        LimitedLine::ResetLinkUsed => "password set with a password link",
        LimitedLine::ResetLinkRefused => "password link refused: invalid or expired",
        LimitedLine::CsrfRefused => "request refused: CSRF token missing or invalid",
        LimitedLine::OriginRefused => "request refused: origin not allowed",
        LimitedLine::AnswerUnavailable
        | LimitedLine::AnswerFailed
        | LimitedLine::DatabaseFailed
        | LimitedLine::ConnectionRefused => "server fault",
    }
}
