//! Logging in and out by forms.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::Millis;
use serde::Deserialize;

use super::{FormKey, arrived, form_page, go_on};
use crate::config::Registration;
use crate::protocol::{Code, Problem};
use crate::web::accounts::{self, Credentials};
use crate::web::auth::Auth;
use crate::web::body::{Form, text_fields};
use crate::web::cookies::Jar;
use crate::web::decoding::Query;
use crate::web::{App, assets, csrf};

/// What a browser is to forget (the W3C's Clear Site Data).
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    #[serde(default)]
    next: String,
}

#[derive(Default)]
pub(in crate::web) struct Fields {
    username: String,
    password: String,
    csrf_token: String,
    next: String,
}

text_fields!(Fields {
    username,
    password,
    csrf_token,
    next,
});

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    csrf_token: &'a str,
    username: &'a str,
    next: &'a str,
    problem: Option<&'a Problem>,
    may_register: bool,
}

/// `GET /login`.
pub(in crate::web) async fn show(
    app: App,
    login: Result<Auth, Problem>,
    request: HttpRequest,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    if login.is_ok() {
        return Ok(go_on(&asked.next, []));
    }
    let fields = Fields {
        next: asked.into_inner().next,
        ..Fields::default()
    };
    page(&app, &request, &fields, None)
}

/// `POST /login`.
pub(in crate::web) async fn submit(
    app: App,
    request: HttpRequest,
    Form(fields): Form<Fields>,
) -> Result<HttpResponse, Problem> {
    if !FormKey::fits(&app, &request, &fields.csrf_token) {
        return page(&app, &request, &fields, Some(&csrf::failed()));
    }
    let given = Credentials {
        username: fields.username.trim().to_owned(),
        password: fields.password.clone(),
    };
    let former = accounts::former_login(&app, &request);
    match accounts::log_in(&app, (&request, former), given).await {
        Ok(login) => Ok(arrived(&app, login, &fields.next)),
        // With the header that says when, which a form has no place for.
        Err(problem) if problem.code == Code::RateLimited => Err(problem),
        Err(problem) => page(&app, &request, &fields, Some(&problem)),
    }
}

/// `POST /logout`. Who isn't logged in any more wanted just that. A cookie is
/// emptied only where it came along: other sites' forms come without it, and
/// would log people out.
pub(in crate::web) async fn logout(
    app: App,
    request: HttpRequest,
    login: Result<Auth, Problem>,
) -> Result<HttpResponse, Problem> {
    match login {
        Ok(Auth(login)) => {
            app.store.end_login(login.id, Millis::now()).await?;
            app.engine.end_login(login.user.id, login.id);
        }
        Err(problem) if problem.code == Code::Unauthenticated => {}
        Err(problem) => return Err(problem),
    }
    let came = Jar::Login.of(&request, &app.settings);
    let emptied = came.map(|_| Jar::Login.emptied(&app.settings));
    let had_cookie = emptied.is_some();
    let mut response = go_on("/login", emptied);
    if had_cookie {
        // Drafts and unsent messages are the user's who leaves.
        let storage = header::HeaderValue::from_static("\"storage\"");
        response.headers_mut().insert(CLEAR_SITE_DATA, storage);
    }
    Ok(response)
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
        username: &fields.username,
        next: &fields.next,
        problem,
        may_register: app.settings.registration != Registration::Closed,
    };
    form_page(app, (status, key), &page)
}
