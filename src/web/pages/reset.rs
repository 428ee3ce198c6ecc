//! Choosing a new password by a link that an admin gave.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::Millis;
use serde::Deserialize;

use super::super::body::{Form, text_fields};
use super::super::{App, State, accounts, assets, csrf};
use super::{FormKey, form_page, wrong};
use crate::auth::random;
use crate::protocol::fields::FieldFaults;
use crate::protocol::{Code, Password, Problem};
use crate::web::decoding::Query;

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    token: String,
}

#[derive(Default)]
pub(in crate::web) struct Fields {
    token: String,
    new_password: String,
    csrf_token: String,
}

text_fields!(Fields {
    token,
    new_password,
    csrf_token,
});

/// How far it has come.
enum Stage {
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
pub(in crate::web) async fn show(
    app: App,
    request: HttpRequest,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let stage = stage(&app, &asked.token).await?;
    page(&app, &request, (&asked.token, stage), None)
}

/// `POST /reset`.
pub(in crate::web) async fn submit(
    app: App,
    request: HttpRequest,
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    let token = &*fields.token;
    let refused = match FormKey::fits(&app, &request, &fields.csrf_token) {
        true => renew(&app, &fields).await.err(),
        false => Some(csrf::failed()),
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
    let found = app
        .store
        .reset_of(&random::digest(token), Millis::now())
        .await?;
    Ok(match found {
        Some(user) => Stage::Open {
            username: user.username,
        },
        None => Stage::Gone,
    })
}

/// Sets the password; whoever was logged in isn't any more.
async fn renew(app: &State, fields: &Fields) -> Result<(), Problem> {
    let digest = random::digest(&fields.token);
    // Hashing a password costs: only for a link that holds.
    if let Stage::Gone = stage(app, &fields.token).await? {
        return Err(Problem::not_found());
    }
    let mut faults = FieldFaults::default();
    let password = faults.check("new_password", Password::parse(&fields.new_password));
    let password = faults.finish(password)?;
    let hash = accounts::hashed(app, password).await?;
    let (user, ended) = app.store.use_reset(&digest, hash, Millis::now()).await?;
    for login in ended {
        app.engine.end_login(user, login);
    }
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
