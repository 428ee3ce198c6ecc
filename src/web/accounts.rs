//! Opening accounts and logging in, as the API and the pages do it alike.

use actix_web::HttpRequest;
use actix_web::http::header;
use entity::{Millis, user};
use serde::Serialize;

use super::{State, peer};
use crate::auth::passwords;
use crate::config::Registration;
use crate::engine::rates::Attempt;
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, DisplayName, Password, Problem, User, Username};
use crate::store::{NewLogin, NewUser};

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
            None => fields.check("display_name", DisplayName::parse(username.as_str()))?,
        };
        Some(Self {
            username,
            password: password?,
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
    request: &HttpRequest,
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
    app.engine.has_space()?;
    // From here on it costs something.
    let from = peer::address(request, &app.settings.trusted_proxies);
    app.engine.rates().register(from)?;
    let new = NewUser {
        display_name,
        username,
        password_hash: hashed(app, password).await?,
        is_admin: false,
    };
    let now = Millis::now();
    let user = match app.settings.registration {
        Registration::Invite => {
            let code = invite.unwrap_or_default();
            app.store.create_invited_user(new, code.trim(), now).await?
        }
        _ => app.store.create_user(new, now).await?,
    };
    start_login(app, request, &user).await
}

/// Logs in.
///
/// # Errors
/// `bad_credentials`, whichever of the two is wrong; `deactivated`;
/// `rate_limited` where too many were wrong, or right; `busy` where too many
/// try theirs at this moment.
pub(super) async fn log_in(
    app: &State,
    request: &HttpRequest,
    given: Credentials,
) -> Result<LoggedIn, Problem> {
    let from = peer::address(request, &app.settings.trusted_proxies);
    let attempt = app.engine.rates().log_in(&given.username, from)?;
    let user = match Username::parse(&given.username) {
        Ok(username) => app.store.user_named(&username).await?,
        Err(_) => None,
    };
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let is_right = is_password(app, attempt, (given.password, hash)).await?;
    let user = user.filter(|_| is_right).ok_or_else(|| {
        Problem::new(
            Code::BadCredentials,
            "The username or the password is wrong.",
        )
    })?;
    if user.deactivated_at.is_some() {
        return Err(Problem::new(
            Code::Deactivated,
            "This account is switched off.",
        ));
    }
    start_login(app, request, &user).await
}

/// A form can show where the fault is, also where the API says it by a code.
pub(super) fn at_its_field(problem: Problem) -> Problem {
    match problem.code {
        Code::UsernameTaken => problem.at("username", "This name is taken. Choose another."),
        _ => problem,
    }
}

/// The hash to keep of a password.
pub(super) async fn hashed(app: &State, password: Password) -> Result<String, Problem> {
    let hash = app.hashing.run(move || passwords::hash(&password)).await?;
    hash.map_err(|error| {
        tracing::error!(%error, "can't hash a password");
        Problem::internal()
    })
}

/// Whether `password` is the one with that hash, which is what the attempt
/// was.
pub(super) async fn is_password(
    app: &State,
    attempt: Attempt<'_>,
    (password, hash): (String, Option<String>),
) -> Result<bool, Problem> {
    let verify = move || passwords::verify(&password, hash.as_deref());
    match app.hashing.run(verify).await {
        Ok(true) => attempt.was_right(),
        Ok(false) => return Ok(false),
        Err(problem) => {
            attempt.was_not_tried();
            return Err(problem);
        }
    }
    Ok(true)
}

async fn start_login(
    app: &State,
    request: &HttpRequest,
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
    };
    let bytes = LOGIN_BYTES + new.device.len();
    let login = app.store.create_login(new, now).await?;
    app.engine.count_text(user.id, bytes);
    let token = app.tokens.issue(user.id, login, now).map_err(|error| {
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
