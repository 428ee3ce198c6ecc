//! Changes of the caller's own account.

use actix_web::HttpRequest;
use entity::{Millis, user};

use super::account_deletion::{delete_account, end_logins};
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::user::OwnProfile;
use crate::protocol::{AboutText, DisplayName, Password, Problem, User};
use crate::store::{ActiveLogin, ProfileChange, parse_notices};
use crate::telemetry::LimitedLine;
use crate::web::accounts::PasswordAttempt;
use crate::web::audit_context::audit_context;
use crate::web::hashing::AttemptSource;
use crate::web::security_log::log_event;
use crate::web::{AppData, AppState, accounts, client_ip};

impl FromFields for ProfileChange {
    const NAMES: &'static [&'static str] = &["display_name", "about"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let name = fields.optional_as("display_name", |text: String| DisplayName::parse(&text));
        let about = fields.optional_as("about", |text: String| AboutText::parse(&text));
        Some(Self {
            display_name: name?,
            about: about?,
        })
    }
}

/// A new password and the current one. `faults` keeps an error of the new one
/// until the current one is verified, so that one response names both errors.
pub(in crate::web) struct ChangePasswordBody {
    current_password: String,
    new_password: Option<Password>,
    faults: FieldFaults,
}

impl FromFields for ChangePasswordBody {
    const NAMES: &'static [&'static str] = &["current_password", "new_password"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let current_password: Option<String> = fields.required("current_password");
        let new_password = fields.required_as("new_password", |it: String| Password::parse(&it));
        Some(Self {
            current_password: current_password?,
            new_password,
            faults: fields.take_faults(),
        })
    }
}

/// The password that confirms the deletion of an account.
pub(in crate::web) struct DeleteAccountBody {
    password: String,
}

impl FromFields for DeleteAccountBody {
    const NAMES: &'static [&'static str] = &["password"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let password = fields.required("password")?;
        Some(Self { password })
    }
}

/// Changes a profile. If the display name changed, the users who see it are
/// notified.
pub(in crate::web) async fn update_profile(
    app: &AppState,
    login: &ActiveLogin,
    change: ProfileChange,
) -> Result<user::Model, Problem> {
    let name = change.display_name.clone().map(DisplayName::into_inner);
    let about = change.about.clone().map(AboutText::into_inner);
    let texts = [name, about].into_iter().flatten();
    let bytes: usize = texts.map(|text| text.len()).sum();
    if bytes > 0 {
        app.engine.reserve_text(login.user.id, bytes)?;
    }
    let changed = app
        .store
        .users()
        .change_profile(login.user.id, change)
        .await?;
    if changed.display_name != login.user.display_name {
        app.engine.rename_user(&User::from(&changed));
    }
    Ok(changed)
}

/// Changes the password and ends every other login.
pub(in crate::web) async fn replace_password(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
    change: ChangePasswordBody,
) -> Result<(), Problem> {
    let mut faults = change.faults;
    // Limit the attempts, so that an unattended browser can't be used to guess
    // the password.
    let origin = client_ip::client_origin(app, request);
    let username = &login.user.username;
    let permit = app.engine.rates().check_login(username, origin);
    let permit = permit.inspect_err(|_| {
        log_event(app, request, LimitedLine::LoginLimited, Some(username));
    })?;
    let source = AttemptSource::new(origin, username, true);
    let (current, hash) = (change.current_password, login.user.password_hash.clone());
    let names = [&*login.user.username, &*login.user.display_name];
    let new = change.new_password.map(|new| new.reject_similar(&names));
    let new = new.and_then(|new| faults.check("new_password", new));
    let hash =
        accounts::verify_and_hash_new(app, PasswordAttempt { permit, source }, current, hash, new)
            .await?;
    if hash.is_none() {
        log_event(app, request, LimitedLine::PasswordWrong, Some(username));
        let name = "current_password";
        faults.add(name, Problem::invalid_field(name, "your current password"));
    }
    let hash = faults.finish(hash.flatten())?;
    let (now, address) = (Millis::now(), origin.address().to_string());
    let ended = app
        .store
        .users()
        .change_password(login, hash, now, &address);
    end_logins(app, login.user.id, ended.await?);
    log_event(app, request, LimitedLine::PasswordChanged, Some(username));
    Ok(())
}

/// Ends every other login of the user.
pub(in crate::web) async fn end_other_logins(
    app: &AppState,
    login: &ActiveLogin,
) -> Result<(), Problem> {
    let ended = app.store.logins().end_others(login, Millis::now()).await?;
    end_logins(app, login.user.id, ended);
    Ok(())
}

/// Deletes the user's account.
///
/// # Errors
///
/// `invalid`, naming `password`, if the password is wrong; `conflict` for the
/// last admin.
pub(in crate::web) async fn delete_own_account(
    app: &AppData,
    login: &ActiveLogin,
    request: &HttpRequest,
    body: DeleteAccountBody,
) -> Result<(), Problem> {
    if !accounts::recheck_password(app, login, request, body.password).await? {
        return Err(Problem::invalid_field("password", "your current password"));
    }
    let context = audit_context(app, login, request);
    delete_account(app, login.user.id, &context).await
}

pub(in crate::web) fn own_account(user: user::Model) -> OwnProfile {
    OwnProfile {
        user: User::from(&user),
        notices: parse_notices(&user),
        about: user.about,
        is_admin: user.is_admin,
    }
}
