//! Opening an account by a form.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use serde::Deserialize;

use super::{FormKey, arrived, form_page, go_on, wrong};
use crate::config::Registration;
use crate::protocol::{Code, Problem};
use crate::web::accounts;
use crate::web::auth::Auth;
use crate::web::body::{Form, read_pairs, text_fields};
use crate::web::decoding::Query;
use crate::web::{App, assets, csrf};

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default)]
    invite: String,
}

#[derive(Default)]
pub(in crate::web) struct Fields {
    username: String,
    password: String,
    display_name: String,
    invite: String,
    csrf_token: String,
    next: String,
}

text_fields!(Fields {
    username,
    password,
    display_name,
    invite,
    csrf_token,
    next,
});

#[derive(Template)]
#[template(path = "register.html")]
struct Page<'a> {
    csrf_token: &'a str,
    fields: &'a Fields,
    problem: Option<&'a Problem>,
    registration: Registration,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        wrong(self.problem, field)
    }
}

/// `GET /register`.
pub(in crate::web) async fn show(
    app: App,
    login: Result<Auth, Problem>,
    request: HttpRequest,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    if login.is_ok() {
        return Ok(go_on(&asked.next, []));
    }
    let asked = asked.into_inner();
    let fields = Fields {
        next: asked.next,
        invite: asked.invite,
        ..Fields::default()
    };
    page(&app, &request, &fields, None)
}

/// `POST /register`.
pub(in crate::web) async fn submit(
    app: App,
    request: HttpRequest,
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    if !FormKey::fits(&app, &request, &fields.csrf_token) {
        return page(&app, &request, &fields, Some(&csrf::failed()));
    }
    let pairs = [
        ("username", &fields.username),
        ("password", &fields.password),
        ("display_name", &fields.display_name),
        ("invite", &fields.invite),
    ];
    // What a form leaves empty isn't there, but for what it needs.
    let is_filled = |(name, text): &(&str, &String)| {
        ["username", "password"].contains(name) || !text.trim().is_empty()
    };
    let pairs: Vec<_> = pairs.into_iter().filter(is_filled).collect();
    let wanted = read_pairs(&pairs);
    let former = accounts::former_login(&app, &request);
    match accounts::register(&app, (&request, former), wanted).await {
        Ok(login) => Ok(arrived(&app, login, &fields.next)),
        // With the header that says when, which a form has no place for.
        Err(problem) if problem.code == Code::RateLimited => Err(problem),
        Err(problem) => page(
            &app,
            &request,
            &fields,
            Some(&accounts::at_its_field(problem)),
        ),
    }
}

fn page(
    app: &App,
    request: &HttpRequest,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let key = FormKey::of(app, request)?;
    let status = problem.map_or(StatusCode::OK, Problem::status_code);
    let csrf_token = key.token.clone();
    let page = Page {
        csrf_token: &csrf_token,
        fields,
        problem,
        registration: app.settings.registration,
    };
    form_page(app, (status, key), &page)
}
