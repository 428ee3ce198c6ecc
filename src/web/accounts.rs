//! Registration and login, shared by the API and the pages.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header;
use entity::{LoginId, Millis, UserId, user};
use serde::Serialize;

use super::cookies::CookieKind;
use super::hashing::AttemptSource;
use super::security_log::{log_event, log_limited_login};
use super::{AppState, client_ip};
use crate::auth::passwords::{self, PasswordCheck, PasswordHashError};
use crate::auth::random;
use crate::config::Registration;
use crate::engine::rates::{LoginAttempt, RequestOrigin};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{DisplayName, ErrorCode, Password, Problem, User, Username};
use crate::store::{ActiveLogin, NewLogin, NewUser};
use crate::telemetry::LimitedLine;

/// The bytes that a login adds to its user's stored text, besides its device
/// name.
const LOGIN_BYTES: usize = 128;
/// The maximum length of a stored device name, in characters; a longer one is
/// cut off.
const DEVICE_MAX: usize = 200;

/// The fields of a registration.
pub(super) struct RegistrationForm {
    username: Username,
    password: Password,
    display_name: DisplayName,
    invite: Option<String>,
}

impl FromFields for RegistrationForm {
    const NAMES: &'static [&'static str] = &["username", "password", "display_name", "invite"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username = fields.required_as("username", |text: String| Username::parse(text.trim()));
        let password = fields.required_as("password", |text: String| Password::parse(&text));
        let shown = fields.optional_as("display_name", |text: String| DisplayName::parse(&text));
        let invite = fields.optional("invite");
        let username = username?;
        let display_name = match shown? {
            Some(display_name) => display_name,
            None => DisplayName::from(&username),
        };
        let names = [username.as_str(), display_name.as_str()];
        let password = fields.check("password", password?.reject_similar(&names))?;
        Some(Self {
            password,
            username,
            display_name,
            invite: invite?,
        })
    }
}

/// The fields of a login form or request.
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: String,
}

impl FromFields for Credentials {
    const NAMES: &'static [&'static str] = &["username", "password"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let username: Option<String> = fields.required("username");
        let password = fields.required("password");
        Some(Self {
            username: username?.trim().to_owned(),
            password: password?,
        })
    }
}

/// The response to a login or registration.
#[derive(Serialize)]
pub(super) struct LoginResponse {
    pub(super) token: String,
    pub(super) expires_at: Millis,
    pub(super) user: User,
}

/// An attempt to verify a password: its permit of the rate limits, and its
/// source for the queue of hashing.
pub(super) struct PasswordAttempt<'a> {
    pub(super) permit: LoginAttempt<'a>,
    pub(super) source: AttemptSource,
}

/// Creates an account and logs in to it.
///
/// # Errors
///
/// `forbidden` if registration is closed; otherwise the invalid fields.
pub(super) async fn register(
    app: &AppState,
    request: &HttpRequest,
    former: Option<LoginId>,
    wanted: Result<RegistrationForm, Problem>,
) -> Result<LoginResponse, Problem> {
    if app.settings.registration == Registration::Closed {
        let detail = "Registration is closed. An admin can create an account for you.";
        return Err(Problem::new(ErrorCode::Forbidden, detail));
    }
    let RegistrationForm {
        username,
        password,
        display_name,
        invite,
    } = wanted?;
    if username.is_reserved() {
        let detail = "This name is reserved.";
        return Err(Problem::new(ErrorCode::UsernameTaken, detail));
    }
    app.engine.check_space()?;
    let invite = match app.settings.registration {
        Registration::Invite => Some(random::digest(invite.unwrap_or_default().trim())),
        _ => None,
    };
    let origin = client_ip::client_origin(app, request);
    let opening = app
        .engine
        .rates()
        .check_registration(origin)
        .inspect_err(|_| {
            log_event(app, request, LimitedLine::RegistrationLimited, None);
        })?;
    // Hashing is the most expensive step, so the cheaper checks come first.
    let invited = invite.as_deref();
    app.store
        .users()
        .check_creation(&username, invited, Millis::now())
        .await?;
    let attempter = AttemptSource::new(origin, username.as_str(), false);
    let password_hash = match hash_password(app, attempter, password).await {
        Ok(hash) => hash,
        Err(problem) => {
            opening.cancel();
            return Err(problem);
        }
    };
    let new = NewUser {
        display_name,
        username,
        password_hash,
        is_admin: false,
    };
    let now = Millis::now();
    let user = match invite {
        Some(code) => app.store.users().create_invited(new, &code, now).await?,
        None => app.store.users().create(new, now).await?,
    };
    log_event(
        app,
        request,
        LimitedLine::Registration,
        Some(&user.username),
    );
    start_login(app, request, former, &user).await
}

/// Logs in with a username and password.
///
/// # Errors
///
/// `bad_credentials` for a wrong username or password alike; `deactivated`;
/// `rate_limited` after too many attempts; `busy` if too many attempts are
/// waiting to be hashed.
pub(super) async fn log_in(
    app: &AppState,
    request: &HttpRequest,
    former: Option<LoginId>,
    given: Credentials,
) -> Result<LoginResponse, Problem> {
    let origin = client_ip::client_origin(app, request);
    let permit = match app.engine.rates().check_login(&given.username, origin) {
        Ok(permit) => permit,
        Err(too_much) => {
            log_limited_login(app, request, &given.username).await;
            return Err(too_much.into());
        }
    };
    let user = match Username::parse(&given.username) {
        Ok(username) => app.store.users().find_by_name(&username).await?,
        Err(_) => None,
    };
    let is_known = is_known_source(app, request, user.as_ref(), origin).await?;
    let source = AttemptSource::new(origin, &given.username, is_known);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let verify = move || match passwords::verify(&given.password, hash.as_deref()) {
        PasswordCheck::Wrong => None,
        PasswordCheck::Correct => Some(Ok(None)),
        PasswordCheck::CorrectButOutdated => {
            let password = Password::from_existing(&given.password);
            Some(passwords::hash(&password).map(Some))
        }
    };
    let right = try_password(app, PasswordAttempt { permit, source }, verify).await?;
    let name = user.as_ref().map(|user| user.username.clone());
    let name = name.as_deref();
    let (mut user, renewed) = user.zip(right).ok_or_else(|| {
        log_event(app, request, LimitedLine::LoginWrong, name);
        Problem::new(ErrorCode::BadCredentials, "Wrong username or password.")
    })?;
    if user.deactivated_at.is_some() {
        log_event(app, request, LimitedLine::LoginDeactivated, name);
        return Err(Problem::new(
            ErrorCode::Deactivated,
            "This account is deactivated.",
        ));
    }
    if let Some(renewed) = renewed.map_err(hashing_failed)? {
        app.store
            .users()
            .replace_password_hash(&user, renewed.clone())
            .await?;
        user.password_hash = renewed;
    }
    let login = start_login(app, request, former, &user).await?;
    log_event(app, request, LimitedLine::LoginRight, name);
    Ok(login)
}

/// Adds a field error for forms to a problem that has only a code in the API.
pub(super) fn to_field_error(problem: Problem) -> Problem {
    match problem.code {
        ErrorCode::UsernameTaken => {
            problem.with_field("username", "This name is taken. Choose another.")
        }
        _ => problem,
    }
}

/// Returns the hash of a password, computed by the hashing pool.
pub(super) async fn hash_password(
    app: &AppState,
    attempter: AttemptSource,
    password: Password,
) -> Result<String, Problem> {
    let hash = move || passwords::hash(&password);
    app.hashing
        .run(attempter, hash)
        .await?
        .map_err(hashing_failed)
}

fn hashing_failed(error: PasswordHashError) -> Problem {
    tracing::error!(%error, "can't hash a password");
    Problem::internal()
}

/// Verifies the current password and hashes the new one, if any. Returns `None`
/// if the current password is wrong.
///
/// One job does both, so that hashing can't fail with `busy` after the
/// verification.
pub(super) async fn verify_and_hash_new(
    app: &AppState,
    attempt: PasswordAttempt<'_>,
    current: String,
    hash: String,
    new: Option<Password>,
) -> Result<Option<Option<String>>, Problem> {
    let work = move || {
        let is_right = passwords::verify(&current, Some(&hash)).is_correct();
        let renewed = || new.as_ref().map(passwords::hash).transpose();
        is_right.then(renewed)
    };
    let hash = try_password(app, attempt, work).await?;
    hash.transpose().map_err(hashing_failed)
}

/// Returns whether `password` is the password of the logged-in user.
pub(super) async fn recheck_password(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
    password: String,
) -> Result<bool, Problem> {
    let origin = client_ip::client_origin(app, request);
    let username = &login.user.username;
    let permit = app.engine.rates().check_login(username, origin);
    let permit = permit.inspect_err(|_| {
        log_event(app, request, LimitedLine::LoginLimited, Some(username));
    })?;
    let source = AttemptSource::new(origin, username, true);
    let hash = login.user.password_hash.clone();
    let verify = move || {
        let check = passwords::verify(&password, Some(&hash));
        check.is_correct().then_some(())
    };
    let is_right = try_password(app, PasswordAttempt { permit, source }, verify)
        .await?
        .is_some();
    if !is_right {
        log_event(app, request, LimitedLine::PasswordWrong, Some(username));
    }
    Ok(is_right)
}

/// Returns whether this browser or its network has logged in to the account
/// before.
///
/// An unknown name runs the same queries, so that response times don't reveal
/// which names exist.
async fn is_known_source(
    app: &AppState,
    request: &HttpRequest,
    user: Option<&user::Model>,
    origin: RequestOrigin,
) -> Result<bool, Problem> {
    let id = user.map_or(UserId(0), |user| user.id);
    let device = CookieKind::Device.read(request, &app.settings);
    if device.is_some_and(|token| app.devices.verify(id, &token)) {
        return Ok(true);
    }
    let known = app.store.logins().list_addresses(id).await?;
    let known = known.iter().filter_map(|text| text.parse().ok());
    let mut homes = known.map(|address: IpAddr| RequestOrigin::of(Some(address)).home_network());
    Ok(homes.any(|home| home == origin.home_network()))
}

/// Runs `verify` in the hashing pool and records the attempt's outcome.
/// `verify` returns `None` if the password is wrong.
async fn try_password<T: Send + 'static>(
    app: &AppState,
    attempt: PasswordAttempt<'_>,
    verify: impl FnOnce() -> Option<T> + Send + 'static,
) -> Result<Option<T>, Problem> {
    match app.hashing.run(attempt.source, verify).await {
        Ok(Some(right)) => {
            attempt.permit.mark_successful();
            Ok(Some(right))
        }
        Ok(None) => Ok(None),
        Err(problem) => {
            attempt.permit.cancel();
            Err(problem)
        }
    }
}

/// Returns the login in this browser's cookie, which a new login replaces. Only
/// form handlers call this; a login through the API replaces no other.
pub(super) fn former_login(app: &AppState, request: &HttpRequest) -> Option<LoginId> {
    let token = CookieKind::Login.read(request, &app.settings)?;
    app.tokens.read(&token).map(|claims| claims.sid)
}

async fn start_login(
    app: &AppState,
    request: &HttpRequest,
    replaces: Option<LoginId>,
    user: &user::Model,
) -> Result<LoginResponse, Problem> {
    let now = Millis::now();
    let expires_at = app.tokens.expiry(now);
    let address = client_ip::client_address(request, &app.settings.trusted_proxies);
    let new = NewLogin {
        user,
        device: device_name(request),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        expires_at,
        replaces,
    };
    let bytes = LOGIN_BYTES + new.device.len();
    let started = app.store.logins().create(new, now).await?;
    app.engine.count_text(user.id, bytes);
    for (owner, ended) in started.ended {
        app.engine.end_login(owner, ended);
    }
    let token = app
        .tokens
        .issue(user.id, started.id, now)
        .map_err(|error| {
            tracing::error!(%error, "can't create a login token");
            Problem::internal()
        })?;
    Ok(LoginResponse {
        token,
        expires_at,
        user: User::from(user),
    })
}

fn device_name(request: &HttpRequest) -> String {
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    agent.chars().take(DEVICE_MAX).collect()
}
