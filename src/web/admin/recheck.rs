//! Asking an admin for the password again, before acts that can't be undone
//! or show others' messages: a browser that was left open is not enough.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::HttpRequest;
use entity::{LoginId, Millis};
use parking_lot::Mutex;

use super::sheet::Field;
use crate::protocol::Problem;
use crate::store::Login;
use crate::web::{State, accounts};

/// How long a password counts as checked.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// The form's field.
const FIELD: &str = "password";

/// When the passwords of logins were checked again. A login itself is a check,
/// too, so that a restart costs an admin one more question.
#[derive(Debug, Default)]
pub struct PasswordChecks(Mutex<HashMap<LoginId, Millis>>);

impl PasswordChecks {
    fn is_fresh(&self, login: &Login, now: Millis) -> bool {
        let checked = self.0.lock().get(&login.id).copied();
        let last = checked.map_or(login.created_at, |at| at.max(login.created_at));
        now.since(last) < FRESH_FOR
    }

    fn note(&self, login: LoginId, now: Millis) {
        let mut checks = self.0.lock();
        checks.retain(|_, at| now.since(*at) < FRESH_FOR);
        checks.insert(login, now);
    }
}

/// The field for the password, if it has to be asked for.
pub(super) fn field(app: &State, login: &Login) -> Option<Field> {
    let is_fresh = app.password_checks.is_fresh(login, Millis::now());
    (!is_fresh).then(|| Field {
        name: FIELD,
        label: "Your password",
        value: String::new(),
        hint: "You logged in more than ten minutes ago.".to_owned(),
        is_required: true,
        longest: 128,
    })
}

/// Checks the password that a form brought, if it has to be.
///
/// # Errors
/// `invalid`, naming `password`, if it is wrong or missing.
pub(super) async fn check(
    app: &State,
    (login, request): (&Login, &HttpRequest),
    password: &str,
) -> Result<(), Problem> {
    if app.password_checks.is_fresh(login, Millis::now()) {
        return Ok(());
    }
    let wrong = || Problem::field(FIELD, "your password as it is now");
    if password.is_empty() {
        return Err(wrong());
    }
    let is_right = accounts::check_again(app, (login, request), password.to_owned()).await?;
    if !is_right {
        return Err(wrong());
    }
    app.password_checks.note(login.id, Millis::now());
    Ok(())
}
