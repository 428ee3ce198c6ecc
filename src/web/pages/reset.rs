//! Choosing a new password by a code that an admin gave.
//!
//! The code is never in a URL that a server sees, since those get into logs: it
//! is typed, or a script takes it from behind the `#` of the admin's link.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{Millis, user};

use super::{FormKey, form_page, wrong};
use crate::auth::random;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::{Code, Password, Problem};
use crate::telemetry::LimitedLine;
use crate::web::body::Form;
use crate::web::hashing::Attempter;
use crate::web::security_lines::note;
use crate::web::{App, State, accounts, assets, csrf, peer};

#[derive(Default)]
pub(in crate::web) struct Fields {
    token: String,
    /// None where only the code was typed so far.
    new_password: Option<String>,
    csrf_token: String,
}

impl FromFields for Fields {
    const NAMES: &'static [&'static str] = &["token", "new_password", "csrf_token"];

    fn from_fields(fields: &mut FieldReader<'_>) -> Option<Self> {
        let token = fields.text("token");
        let new_password = fields.optional("new_password");
        let csrf_token = fields.text("csrf_token");
        Some(Self {
            token: token?,
            new_password: new_password?,
            csrf_token: csrf_token?,
        })
    }
}

/// How far it has come.
enum Stage {
    /// The code is asked for.
    Asked,
    /// It is there to be used.
    Open { username: String },
    /// It isn't, any more.
    Gone,
    /// It was used just now.
    Done,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct Page<'a> {
    csrf_token: &'a str,
    token: &'a str,
    stage: Stage,
    problem: Option<&'a Problem>,
}

impl Page<'_> {
    fn wrong(&self) -> Option<&str> {
        wrong(self.problem, "new_password")
    }
}

/// `GET /reset`.
pub(in crate::web) async fn show(app: App, request: HttpRequest) -> Result<HttpResponse, Problem> {
    page(&app, &request, ("", Stage::Asked), None)
}

/// `POST /reset`.
pub(in crate::web) async fn submit(
    app: App,
    request: HttpRequest,
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let token = &*fields.token;
    let is_ours = FormKey::fits(&app, &request, &fields.csrf_token);
    let refused = match (&fields.new_password, is_ours) {
        (Some(password), true) => renew(&app, &request, (token, password)).await.err(),
        (Some(_), false) => Some(csrf::failed()),
        (None, true) => {
            let stage = stage(&app, token).await?;
            return page(&app, &request, (token, stage), None);
        }
        (None, false) => {
            return page(&app, &request, ("", Stage::Asked), Some(&csrf::failed()));
        }
    };
    match refused {
        None => page(&app, &request, (token, Stage::Done), None),
        Some(problem) if problem.code == Code::NotFound => {
            page(&app, &request, (token, Stage::Gone), None)
        }
        Some(problem) => {
            let stage = stage(&app, token).await?;
            page(&app, &request, (token, stage), Some(&problem))
        }
    }
}

async fn stage(app: &State, token: &str) -> Result<Stage, Problem> {
    Ok(match user_of(app, token).await? {
        Some(user) => Stage::Open {
            username: user.username,
        },
        None => Stage::Gone,
    })
}

/// The user whose link this is, while it is valid.
async fn user_of(app: &State, token: &str) -> Result<Option<user::Model>, Problem> {
    let Some(code) = random::typed_code(token) else {
        return Ok(None);
    };
    let digest = random::digest(&code);
    Ok(app.store.reset_of(&digest, Millis::now()).await?)
}

/// Sets the password; whoever was logged in isn't any more.
async fn renew(
    app: &State,
    request: &HttpRequest,
    (token, password): (&str, &str),
) -> Result<(), Problem> {
    let digest = random::digest(&random::typed_code(token).ok_or_else(Problem::not_found)?);
    // Hashing a password costs: only for a code that is valid.
    let Some(user) = user_of(app, token).await? else {
        note(app, request, (LimitedLine::ResetLinkRefused, None));
        return Err(Problem::not_found());
    };
    let names = [&*user.username, &*user.display_name];
    let password = Password::parse(password);
    let mut faults = FieldFaults::default();
    let password = faults.check("new_password", password.and_then(|it| it.unlike(&names)));
    let password = faults.finish(password)?;
    let origin = peer::origin(app, request);
    let address = origin.address().to_string();
    let attempter = Attempter::new(origin, &user.username, true);
    let hash = accounts::hashed(app, attempter, password).await?;
    let (id, ended) = app
        .store
        .use_reset(&digest, hash, (Millis::now(), address))
        .await?;
    for login in ended {
        app.engine.end_login(id, login);
    }
    let username = Some(&*user.username);
    note(app, request, (LimitedLine::ResetLinkUsed, username));
    Ok(())
}

fn page(
    app: &State,
    request: &HttpRequest,
    (token, stage): (&str, Stage),
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let key = FormKey::of(app, request)?;
    let csrf_token = key.token.clone();
    let status = match (&stage, problem) {
        (Stage::Gone, _) => StatusCode::NOT_FOUND,
        (_, Some(problem)) => problem.status_code(),
        _ => StatusCode::OK,
    };
    let page = Page {
        csrf_token: &csrf_token,
        token,
        stage,
        problem,
    };
    let mut response = form_page(app, (status, key), &page)?;
    // The link opens an account: its address goes nowhere from here.
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        header::HeaderValue::from_static("no-referrer"),
    );
    Ok(response)
}
