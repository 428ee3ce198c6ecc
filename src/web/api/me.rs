//! One's own account.

use actix_web::{HttpRequest, HttpResponse};
use entity::{Millis, user};

use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::user::Me;
use crate::protocol::{About, DisplayName, Password, Problem, User};
use crate::store::{Login, ProfileChange, notices_of};
use crate::telemetry::LimitedLine;
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::hashing::Attempter;
use crate::web::security_lines::note;
use crate::web::{App, State, accounts, peer};

impl FromFields for ProfileChange {
    const NAMES: &'static [&'static str] = &["display_name", "about"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let name = fields.optional_as("display_name", |text: String| DisplayName::parse(&text));
        let about = fields.optional_as("about", |text: String| About::parse(&text));
        Some(Self {
            display_name: name?,
            about: about?,
        })
    }
}

/// A new password, and the one it takes the place of. Whether the present one
/// is right takes a hash to find out: until then, what is wrong with the new
/// one waits in `faults`.
pub(in crate::web) struct ChangePassword {
    current_password: String,
    new_password: Option<Password>,
    faults: FieldFaults,
}

impl FromFields for ChangePassword {
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

/// `GET /api/me/`.
pub(in crate::web) async fn show(Auth(login): Auth) -> HttpResponse {
    HttpResponse::Ok().json(me(login.user))
}

/// `PATCH /api/me/`: what isn't named stays.
pub(in crate::web) async fn change(
    app: App,
    Auth(login): Auth,
    Body(change): Body<ProfileChange>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(me(apply(&app, &login, change).await?)))
}

/// Changes what is named, and tells those whom it concerns.
pub(in crate::web) async fn apply(
    app: &State,
    login: &Login,
    change: ProfileChange,
) -> Result<user::Model, Problem> {
    let name = change.display_name.clone().map(DisplayName::into_inner);
    let about = change.about.clone().map(About::into_inner);
    let texts = [name, about].into_iter().flatten();
    let bytes: usize = texts.map(|text| text.len()).sum();
    if bytes > 0 {
        app.engine.store_text(login.user.id, bytes)?;
    }
    let changed = app.store.change_profile(login.user.id, change).await?;
    if changed.display_name != login.user.display_name {
        app.engine.renamed(&User::from(&changed));
    }
    Ok(changed)
}

/// `POST /api/me/password/`: ends every other login.
pub(in crate::web) async fn change_password(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    Body(body): Body<ChangePassword>,
) -> Result<HttpResponse, Problem> {
    renew(&app, (&login, &request), body).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password, and ends every other login.
pub(in crate::web) async fn renew(
    app: &State,
    (login, request): (&Login, &HttpRequest),
    change: ChangePassword,
) -> Result<(), Problem> {
    let mut faults = change.faults;
    // Whoever has found a login open shouldn't find the password by it.
    let origin = peer::origin(app, request);
    let username = &login.user.username;
    let attempt = app.engine.rates().log_in(username, origin);
    let attempt = attempt.inspect_err(|_| {
        note(app, request, (LimitedLine::LoginLimited, Some(username)));
    })?;
    let attempter = Attempter::new(origin, username, true);
    let current = (change.current_password, login.user.password_hash.clone());
    let names = [&*login.user.username, &*login.user.display_name];
    let new = change.new_password.map(|new| new.unlike(&names));
    let new = new.and_then(|new| faults.check("new_password", new));
    let hash = accounts::exchanged(app, (attempt, attempter), current, new).await?;
    if hash.is_none() {
        note(app, request, (LimitedLine::PasswordWrong, Some(username)));
        let name = "current_password";
        faults.add(name, Problem::field(name, "your password as it is now"));
    }
    let hash = faults.finish(hash.flatten())?;
    let (now, address) = (Millis::now(), origin.address().to_string());
    let ended = app.store.change_password(login, hash, (now, &address));
    for other in ended.await? {
        app.engine.end_login(login.user.id, other);
    }
    note(app, request, (LimitedLine::PasswordChanged, Some(username)));
    Ok(())
}

pub(in crate::web) fn me(user: user::Model) -> Me {
    Me {
        user: User::from(&user),
        notices: notices_of(&user),
        about: user.about,
        is_admin: user.is_admin,
    }
}
