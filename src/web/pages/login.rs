//! Login and logout by forms.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::Millis;
use serde::Deserialize;

use super::{FormCsrfKey, finish_login, render_form};
use crate::config::Registration;
use crate::protocol::{ErrorCode, Problem};
use crate::web::accounts::{self, Credentials};
use crate::web::auth::Authenticated;
use crate::web::body::{FormBody, text_fields};
use crate::web::cookies::CookieKind;
use crate::web::decoding::StrictQuery;
use crate::web::rendering::redirect_to;
use crate::web::{AppData, assets};

/// The header that makes a browser delete data (W3C Clear Site Data).
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[derive(Deserialize)]
pub(in crate::web) struct LoginPageQuery {
    #[serde(default)]
    next: String,
}

#[derive(Default)]
pub(in crate::web) struct LoginForm {
    username: String,
    password: String,
    csrf_token: String,
    next: String,
}

text_fields!(LoginForm {
    username,
    password,
    csrf_token,
    next,
});

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    csrf_token: &'a str,
    username: &'a str,
    next: &'a str,
    problem: Option<&'a Problem>,
    may_register: bool,
}

/// `GET /login`.
pub(in crate::web) async fn show(
    app: AppData,
    login: Result<Authenticated, Problem>,
    request: HttpRequest,
    asked: StrictQuery<LoginPageQuery>,
) -> Result<HttpResponse, Problem> {
    if login.is_ok() {
        return Ok(redirect_to(&asked.next, []));
    }
    let fields = LoginForm {
        next: asked.into_inner().next,
        ..LoginForm::default()
    };
    render_page(&app, &request, &fields, None)
}

/// `POST /login`.
pub(in crate::web) async fn submit(
    app: AppData,
    request: HttpRequest,
    FormBody(fields): FormBody<LoginForm>,
) -> Result<HttpResponse, Problem> {
    if let Err(problem) = FormCsrfKey::verify(&app, &request, &fields.csrf_token) {
        return render_page(&app, &request, &fields, Some(&problem));
    }
    let given = Credentials {
        username: fields.username.trim().to_owned(),
        password: fields.password.clone(),
    };
    let former = accounts::former_login(&app, &request);
    match accounts::log_in(&app, &request, former, given).await {
        Ok(login) => Ok(finish_login(&app, login, &fields.next)),
        // An error response has the `Retry-After` header, which the form can't
        // show.
        Err(problem) if problem.code == ErrorCode::RateLimited => Err(problem),
        Err(problem) => render_page(&app, &request, &fields, Some(&problem)),
    }
}

/// `POST /logout`. Succeeds without a login. The response deletes the cookie
/// only if the request has one: another site's form, which comes without it,
/// must not log the user out.
pub(in crate::web) async fn logout(
    app: AppData,
    request: HttpRequest,
    login: Result<Authenticated, Problem>,
) -> Result<HttpResponse, Problem> {
    match login {
        Ok(Authenticated(login)) => {
            app.store.logins().end(login.id, Millis::now()).await?;
            app.engine.end_login(login.user.id, login.id);
        }
        Err(problem) if problem.code == ErrorCode::Unauthenticated => {}
        Err(problem) => return Err(problem),
    }
    let came = CookieKind::Login.read(&request, &app.settings);
    let emptied = came.map(|_| CookieKind::Login.build_removal(&app.settings));
    let had_cookie = emptied.is_some();
    let mut response = redirect_to("/login", emptied);
    if had_cookie {
        // Drafts and unsent messages belong to the user who logs out.
        let storage = header::HeaderValue::from_static("\"storage\"");
        response.headers_mut().insert(CLEAR_SITE_DATA, storage);
    }
    Ok(response)
}

fn render_page(
    app: &AppData,
    request: &HttpRequest,
    fields: &LoginForm,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let key = FormCsrfKey::load_or_create(app, request)?;
    let status = problem.map_or(StatusCode::OK, Problem::status_code);
    let csrf_token = key.token.clone();
    let page = LoginPage {
        csrf_token: &csrf_token,
        username: &fields.username,
        next: &fields.next,
        problem,
        may_register: app.settings.registration != Registration::Closed,
    };
    render_form(app, status, key, &page)
}
