//! Asks an admin for the password again before an action that can't be undone
//! or shows others' messages. Access to an unlocked browser is not enough for
//! these actions.

use std::collections::HashMap;
use std::time::Duration;

use actix_web::HttpRequest;
use entity::{LoginId, Millis};
use parking_lot::Mutex;

use super::action_form::FormField;
use crate::protocol::Problem;
use crate::store::ActiveLogin;
use crate::web::{AppState, accounts};

/// How long a password check stays valid.
const FRESH_FOR: Duration = Duration::from_secs(600);
/// The name of the forms' password field.
const PASSWORD_FIELD: &str = "password";

/// The time of each login's last password check. A login itself counts as a
/// check, so after a restart an admin has to enter the password at most once
/// more.
#[derive(Debug, Default)]
pub struct PasswordChecks(Mutex<HashMap<LoginId, Millis>>);

impl PasswordChecks {
    fn is_fresh(&self, login: &ActiveLogin, now: Millis) -> bool {
        let checked = self.0.lock().get(&login.id).copied();
        let last = checked.map_or(login.created_at, |at| at.max(login.created_at));
        now.since(last) < FRESH_FOR
    }

    fn record(&self, login: LoginId, now: Millis) {
        let mut checks = self.0.lock();
        checks.retain(|_, at| now.since(*at) < FRESH_FOR);
        checks.insert(login, now);
    }
}

/// Returns the password field, or `None` if the last check is recent enough.
pub(super) fn password_field(app: &AppState, login: &ActiveLogin) -> Option<FormField> {
    let is_fresh = app.password_checks.is_fresh(login, Millis::now());
    (!is_fresh).then(|| FormField {
        name: PASSWORD_FIELD,
        label: "Your password",
        value: String::new(),
        hint: "You logged in more than ten minutes ago.".to_owned(),
        is_required: true,
        longest: 128,
    })
}

/// Checks the password from a form, unless the last check is recent enough.
///
/// # Errors
///
/// `invalid`, naming `password`, if the password is wrong or missing.
pub(super) async fn check_password(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
    password: &str,
) -> Result<(), Problem> {
    if app.password_checks.is_fresh(login, Millis::now()) {
        return Ok(());
    }
    let wrong = || Problem::invalid_field(PASSWORD_FIELD, "your current password");
    if password.is_empty() {
        return Err(wrong());
    }
    let is_right = accounts::recheck_password(app, login, request, password.to_owned()).await?;
    if !is_right {
        return Err(wrong());
    }
    app.password_checks.record(login.id, Millis::now());
    Ok(())
}
