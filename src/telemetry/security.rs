//! Lines of the target `security`: who logs in, fails to, and is refused. They
//! hold an address and an account's name, and never what was typed: somebody
//! may type a password into the field of the name.

use std::net::IpAddr;

use super::limits::{LimitedLine, admit_line};

/// Writes that something happened, by somebody at `address` and to the account
/// of that name, if there is one.
pub fn note_security(event: LimitedLine, address: IpAddr, account: Option<&str>) {
    if admit_line(event) {
        write_security(event, address, account);
    }
}

/// Writes it without asking the limit, for a caller that did.
pub fn write_security(event: LimitedLine, address: IpAddr, account: Option<&str>) {
    let name = event.name();
    let account = account.unwrap_or_default();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(target: "security", event = name, %address, account, "{}", words(event))
        };
    }
    match is_everyday(event) {
        true => line!(info),
        false => line!(warn),
    }
}

fn is_everyday(event: LimitedLine) -> bool {
    matches!(
        event,
        LimitedLine::LoginRight
            | LimitedLine::Registration
            | LimitedLine::PasswordChanged
            | LimitedLine::ResetLinkMade
            | LimitedLine::ResetLinkUsed
    )
}

fn words(event: LimitedLine) -> &'static str {
    match event {
        LimitedLine::LoginRight => "logged in",
        LimitedLine::LoginWrong => "login refused: wrong name or password",
        LimitedLine::LoginLimited => "login refused: too many attempts",
        LimitedLine::LoginDeactivated => "login refused: the account is deactivated",
        LimitedLine::Registration => "account registered",
        LimitedLine::RegistrationLimited => "registration refused: too many of this address",
        LimitedLine::PasswordChanged => "password changed",
        LimitedLine::PasswordWrong => "password refused: it is not the current one",
        LimitedLine::ResetLinkMade => "password link made",
        LimitedLine::ResetLinkUsed => "password set by a link",
        LimitedLine::ResetLinkRefused => "password link refused: it does not hold",
        LimitedLine::CsrfRefused => "request refused: no token of our pages",
        LimitedLine::OriginRefused => "request refused: page of another site",
        LimitedLine::AnswerUnavailable
        | LimitedLine::AnswerFailed
        | LimitedLine::DatabaseFailed
        | LimitedLine::ConnectionRefused => "server fault",
    }
}
