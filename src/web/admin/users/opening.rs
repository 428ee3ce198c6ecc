//! Opening an account for somebody: they choose their password by a link.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::{Millis, UserId, user};

use crate::auth::random;
use crate::protocol::fields::FieldFaults;
use crate::protocol::{DisplayName, Password, Problem, Username};
use crate::store::{Act, Login, NewReset, NewUser};
use crate::telemetry::LimitedLine;
use crate::web::admin::recheck;
use crate::web::admin::sheet::{Field, Sheet};
use crate::web::admin::words;
use crate::web::auth::Admin;
use crate::web::body::{Form, text_fields};
use crate::web::hashing::Attempter;
use crate::web::pages::page_as;
use crate::web::security_lines::note;
use crate::web::{App, State, accounts, assets, made, peer};

/// How long a link holds.
const LINK_TTL: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(in crate::web) struct Fields {
    username: String,
    display_name: String,
    password: String,
}

text_fields!(Fields {
    username,
    display_name,
    password,
});

/// What somebody is called.
pub(super) type Names = (Username, DisplayName);

#[derive(Template)]
#[template(path = "admin/link.html")]
struct LinkPage<'a> {
    csrf_token: String,
    here: &'static str,
    id: UserId,
    name: &'a str,
    username: &'a str,
    link: String,
    page: String,
    code: &'a str,
    until: String,
}

/// `GET /admin/users/new`.
pub(in crate::web) async fn show(app: App, Admin(login): Admin) -> Result<HttpResponse, Problem> {
    let password = recheck::field(&app, &login);
    sheet(&Fields::default(), password).page(&app, &login, None)
}

/// `POST /admin/users/new`.
pub(in crate::web) async fn submit(
    app: App,
    Admin(login): Admin,
    request: HttpRequest,
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let act = crate::web::admin::act(&app, &login, &request);
    match open(&app, (&login, &request), &fields, &act).await {
        Ok(user) => offer(&app, &login, (&request, &act), &user).await,
        Err(problem) => {
            let password = recheck::field(&app, &login);
            let problem = accounts::at_its_field(problem);
            sheet(&fields, password).page(&app, &login, Some(&problem))
        }
    }
}

fn sheet(fields: &Fields, password: Option<Field>) -> Sheet {
    let mut asked = names(&fields.username, &fields.display_name);
    asked.extend(password);
    Sheet {
        here: "users",
        title: "Open an account".to_owned(),
        lead: vec![
            "Next you get a link, to give to whoever it is for: they choose their password by it."
                .to_owned(),
        ],
        fields: asked,
        submit: "Open it",
        is_grave: false,
        action: "/admin/users/new".to_owned(),
        back: "/admin/users".to_owned(),
    }
}

/// What somebody is called.
pub(super) fn names(username: &str, display_name: &str) -> Vec<Field> {
    let username = Field {
        name: "username",
        label: "Username",
        value: username.to_owned(),
        hint: "3 to 30 letters, digits, _ . or -, a letter first.".to_owned(),
        is_required: true,
        longest: 30,
    };
    let display_name = Field {
        name: "display_name",
        label: "Name",
        value: display_name.to_owned(),
        hint: "What others see.".to_owned(),
        is_required: true,
        longest: 60,
    };
    vec![username, display_name]
}

/// Checks what somebody is to be called.
pub(super) fn names_of(
    faults: &mut FieldFaults,
    username: &str,
    display_name: &str,
) -> Option<Names> {
    let username = faults.check("username", Username::parse(username.trim()));
    let display_name = faults.check("display_name", DisplayName::parse(display_name));
    Some((username?, display_name?))
}

async fn open(
    app: &State,
    (login, request): (&Login, &HttpRequest),
    fields: &Fields,
    act: &Act,
) -> Result<user::Model, Problem> {
    recheck::check(app, (login, request), &fields.password).await?;
    let mut faults = FieldFaults::default();
    let names = names_of(&mut faults, &fields.username, &fields.display_name);
    let (username, display_name) = faults.finish(names)?;
    // Nobody knows it: the link is the only way in.
    let password = Password::parse(&made::word()?)?;
    let origin = peer::origin(app, request);
    let attempter = Attempter::new(origin, &login.user.username, true);
    app.store.can_create_user(&username, None, act.at).await?;
    let new = NewUser {
        username,
        display_name,
        password_hash: accounts::hashed(app, attempter, password).await?,
        is_admin: false,
    };
    Ok(app.store.admit(new, act).await?)
}

/// Makes a link for somebody, and shows it: only here, and only now.
pub(super) async fn offer(
    app: &State,
    login: &Login,
    (request, act): (&HttpRequest, &Act),
    user: &user::Model,
) -> Result<HttpResponse, Problem> {
    let code = made::code()?;
    let expires_at = Millis::now().after(LINK_TTL);
    let new = NewReset {
        token_hash: random::digest(&code),
        expires_at,
    };
    app.store.offer_reset(user.id, new, act).await?;
    note(
        app,
        request,
        (LimitedLine::ResetLinkMade, Some(&user.username)),
    );
    let page = LinkPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "users",
        id: user.id,
        name: &user.display_name,
        username: &user.username,
        // What follows `#` stays in the browser: no log on the way has it.
        link: format!("{}/reset#{code}", site(app, request)),
        page: format!("{}/reset", site(app, request)),
        code: &code,
        until: words::exact(expires_at),
    };
    page_as(StatusCode::OK, &page)
}

/// Where browsers find us: what was set, else where this one did.
fn site(app: &State, request: &HttpRequest) -> String {
    if let Some(public) = &app.settings.public_url {
        return public.origin().to_owned();
    }
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}")
}
