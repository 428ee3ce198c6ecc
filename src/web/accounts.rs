//! Opening accounts and logging in, as the API and the pages do it alike.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header;
use entity::{LoginId, Millis, UserId, user};
use serde::Serialize;

use super::cookies::Jar;
use super::hashing::Attempter;
use super::security_lines::{note, note_limited};
use super::{State, peer};
use crate::auth::passwords::{self, HashError, PasswordCheck};
use crate::auth::random;
use crate::config::Registration;
use crate::engine::rates::{Attempt, Origin};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, DisplayName, Password, Problem, User, Username};
use crate::store::{Login, NewLogin, NewUser};
use crate::telemetry::LimitedLine;

/// What a login's row weighs beside its device, in bytes.
const LOGIN_BYTES: usize = 128;
/// Longer names of devices are cut.
const DEVICE_MAX: usize = 200;

/// An account to be opened.
pub(super) struct Register {
    username: Username,
    password: Password,
    display_name: DisplayName,
    invite: Option<String>,
}

impl FromFields for Register {
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
        let password = fields.check("password", password?.unlike(&names))?;
        Some(Self {
            password,
            username,
            display_name,
            invite: invite?,
        })
    }
}

/// What somebody logs in with.
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

/// What login and registration answer.
#[derive(Serialize)]
pub(super) struct LoggedIn {
    pub(super) token: String,
    pub(super) expires_at: Millis,
    pub(super) user: User,
}

/// Opens an account, and logs in to it.
///
/// # Errors
/// `forbidden` where nobody may; what is wrong with a field.
pub(super) async fn register(
    app: &State,
    (request, former): (&HttpRequest, Option<LoginId>),
    wanted: Result<Register, Problem>,
) -> Result<LoggedIn, Problem> {
    if app.settings.registration == Registration::Closed {
        return Err(Problem::new(
            Code::Forbidden,
            "Accounts are opened by an admin here.",
        ));
    }
    let Register {
        username,
        password,
        display_name,
        invite,
    } = wanted?;
    if username.is_reserved() {
        return Err(Problem::new(Code::UsernameTaken, "This name is reserved."));
    }
    app.engine.has_space()?;
    let invite = match app.settings.registration {
        Registration::Invite => Some(random::digest(invite.unwrap_or_default().trim())),
        _ => None,
    };
    let origin = peer::origin(app, request);
    let opening = app.engine.rates().register(origin).inspect_err(|_| {
        note(app, request, (LimitedLine::RegistrationLimited, None));
    })?;
    // Hashing costs the most, so it comes after all that can be refused.
    let invited = invite.as_deref();
    app.store
        .can_create_user(&username, invited, Millis::now())
        .await?;
    let attempter = Attempter::new(origin, username.as_str(), false);
    let password_hash = match hashed(app, attempter, password).await {
        Ok(hash) => hash,
        Err(problem) => {
            opening.was_not_tried();
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
        Some(code) => app.store.create_invited_user(new, &code, now).await?,
        None => app.store.create_user(new, now).await?,
    };
    note(
        app,
        request,
        (LimitedLine::Registration, Some(&user.username)),
    );
    start_login(app, (request, former), &user).await
}

/// Logs in.
///
/// # Errors
/// `bad_credentials`, whichever of the two is wrong; `deactivated`;
/// `rate_limited` where too many were wrong, or right; `busy` where too many
/// try theirs at this moment.
pub(super) async fn log_in(
    app: &State,
    (request, former): (&HttpRequest, Option<LoginId>),
    given: Credentials,
) -> Result<LoggedIn, Problem> {
    let origin = peer::origin(app, request);
    let attempt = match app.engine.rates().log_in(&given.username, origin) {
        Ok(attempt) => attempt,
        Err(too_much) => {
            note_limited(app, request, &given.username).await;
            return Err(too_much.into());
        }
    };
    let user = match Username::parse(&given.username) {
        Ok(username) => app.store.user_named(&username).await?,
        Err(_) => None,
    };
    let is_known = is_known(app, request, (user.as_ref(), origin)).await?;
    let attempter = Attempter::new(origin, &given.username, is_known);
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let verify = move || match passwords::verify(&given.password, hash.as_deref()) {
        PasswordCheck::Wrong => None,
        PasswordCheck::Right => Some(Ok(None)),
        PasswordCheck::RightButOutdated => {
            let password = Password::existing(&given.password);
            Some(passwords::hash(&password).map(Some))
        }
    };
    let right = tried(app, (attempt, attempter), verify).await?;
    let name = user.as_ref().map(|user| user.username.clone());
    let name = name.as_deref();
    let (mut user, renewed) = user.zip(right).ok_or_else(|| {
        note(app, request, (LimitedLine::LoginWrong, name));
        Problem::new(
            Code::BadCredentials,
            "The username or the password is wrong.",
        )
    })?;
    if user.deactivated_at.is_some() {
        note(app, request, (LimitedLine::LoginDeactivated, name));
        return Err(Problem::new(
            Code::Deactivated,
            "This account is switched off.",
        ));
    }
    if let Some(renewed) = renewed.map_err(not_hashed)? {
        app.store.renew_hash(&user, renewed.clone()).await?;
        user.password_hash = renewed;
    }
    let login = start_login(app, (request, former), &user).await?;
    note(app, request, (LimitedLine::LoginRight, name));
    Ok(login)
}

/// A form can show where the fault is, also where the API says it by a code.
pub(super) fn at_its_field(problem: Problem) -> Problem {
    match problem.code {
        Code::UsernameTaken => problem.at("username", "This name is taken. Choose another."),
        _ => problem,
    }
}

/// The hash to keep of a password.
pub(super) async fn hashed(
    app: &State,
    attempter: Attempter,
    password: Password,
) -> Result<String, Problem> {
    let hash = move || passwords::hash(&password);
    app.hashing.run(attempter, hash).await?.map_err(not_hashed)
}

fn not_hashed(error: HashError) -> Problem {
    tracing::error!(%error, "can't hash a password");
    Problem::internal()
}

/// Whether the current password is right, by some answer: with the hash of a
/// new one, if there is one. Both are hashed in one turn, so that the server is
/// not too busy for the second.
pub(super) async fn exchanged(
    app: &State,
    (attempt, attempter): (Attempt<'_>, Attempter),
    (current, hash): (String, String),
    new: Option<Password>,
) -> Result<Option<Option<String>>, Problem> {
    let work = move || {
        let is_right = passwords::verify(&current, Some(&hash)).is_right();
        let renewed = || new.as_ref().map(passwords::hash).transpose();
        is_right.then(renewed)
    };
    let hash = tried(app, (attempt, attempter), work).await?;
    hash.transpose().map_err(not_hashed)
}

/// Whether somebody who is logged in knows the account's password.
pub(super) async fn check_again(
    app: &State,
    (login, request): (&Login, &HttpRequest),
    password: String,
) -> Result<bool, Problem> {
    let origin = peer::origin(app, request);
    let username = &login.user.username;
    let attempt = app.engine.rates().log_in(username, origin);
    let attempt = attempt.inspect_err(|_| {
        note(app, request, (LimitedLine::LoginLimited, Some(username)));
    })?;
    let attempter = Attempter::new(origin, username, true);
    let hash = login.user.password_hash.clone();
    let verify = move || {
        let check = passwords::verify(&password, Some(&hash));
        check.is_right().then_some(())
    };
    let is_right = tried(app, (attempt, attempter), verify).await?.is_some();
    if !is_right {
        note(app, request, (LimitedLine::PasswordWrong, Some(username)));
    }
    Ok(is_right)
}

/// Whether a browser or its network is known to have logged in to an account.
/// An unknown name takes the same questions, so that time doesn't tell which
/// names exist.
async fn is_known(
    app: &State,
    request: &HttpRequest,
    (user, origin): (Option<&user::Model>, Origin),
) -> Result<bool, Problem> {
    let id = user.map_or(UserId(0), |user| user.id);
    let device = Jar::Device.of(request, &app.settings);
    if device.is_some_and(|token| app.devices.is_of(id, &token)) {
        return Ok(true);
    }
    let known = app.store.login_addresses(id).await?;
    let known = known.iter().filter_map(|text| text.parse().ok());
    let mut homes = known.map(|address: IpAddr| Origin::of(Some(address)).home());
    Ok(homes.any(|home| home == origin.home()))
}

/// Tries a password: `verify` answers something if it was right.
async fn tried<T: Send + 'static>(
    app: &State,
    (attempt, attempter): (Attempt<'_>, Attempter),
    verify: impl FnOnce() -> Option<T> + Send + 'static,
) -> Result<Option<T>, Problem> {
    match app.hashing.run(attempter, verify).await {
        Ok(Some(right)) => {
            attempt.was_right();
            Ok(Some(right))
        }
        Ok(None) => Ok(None),
        Err(problem) => {
            attempt.was_not_tried();
            Err(problem)
        }
    }
}

/// The login that a browser had until now. It is taken from the cookie alone,
/// so that a caller who logs in by a form of ours says so.
pub(super) fn former_login(app: &State, request: &HttpRequest) -> Option<LoginId> {
    let token = Jar::Login.of(request, &app.settings)?;
    app.tokens.read(&token).map(|claims| claims.sid)
}

async fn start_login(
    app: &State,
    (request, replaces): (&HttpRequest, Option<LoginId>),
    user: &user::Model,
) -> Result<LoggedIn, Problem> {
    let now = Millis::now();
    let expires_at = app.tokens.expiry(now);
    let address = peer::address(request, &app.settings.trusted_proxies);
    let new = NewLogin {
        user,
        device: device(request),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        expires_at,
        replaces,
    };
    let bytes = LOGIN_BYTES + new.device.len();
    let started = app.store.create_login(new, now).await?;
    app.engine.count_text(user.id, bytes);
    for (owner, ended) in started.ended {
        app.engine.end_login(owner, ended);
    }
    let token = app
        .tokens
        .issue(user.id, started.id, now)
        .map_err(|error| {
            tracing::error!(%error, "can't make a token");
            Problem::internal()
        })?;
    Ok(LoggedIn {
        token,
        expires_at,
        user: User::from(user),
    })
}

fn device(request: &HttpRequest) -> String {
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or("");
    agent.chars().take(DEVICE_MAX).collect()
}
