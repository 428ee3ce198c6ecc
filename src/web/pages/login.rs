//! Login and logout by forms.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::Millis;
use serde::Deserialize;

use super::{FormCsrfKey, finish_login, render_form};
use crate::config::{Registration, SupportContact};
use crate::protocol::{ErrorCode, Problem};
use crate::web::accounts::{self, Credentials};
use crate::web::auth::Authenticated;
use crate::web::body::{FormBody, text_fields};
use crate::web::cookies::CookieKind;
use crate::web::decoding::StrictQuery;
use crate::web::rendering::redirect_to;
use crate::web::{AppData, AppState, assets};

/// The header that makes a browser delete data (W3C Clear Site Data).
const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct LoginPageQuery {
    next: String,
    /// Why the user is here: the client's login or their account has ended.
    ended: String,
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
    ended: &'a str,
    problem: Option<&'a Problem>,
    may_register: bool,
    contact: Option<&'a SupportContact>,
}

impl LoginPage<'_> {
    /// Returns a notice about what has ended.
    fn ended(&self) -> Option<&'static str> {
        match self.ended {
            "1" => Some("You were logged out on this device."),
            "deleted" => Some("Your account was deleted."),
            _ => None,
        }
    }

    /// Returns the fault of the two fields: which of them is wrong stays
    /// secret.
    fn wrong(&self) -> Option<&str> {
        let problem = self.problem?;
        (problem.code == ErrorCode::BadCredentials).then_some(&*problem.detail)
    }
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
    let LoginPageQuery { next, ended } = asked.into_inner();
    let fields = LoginForm {
        next,
        ..LoginForm::default()
    };
    let shown = LoginPageState {
        fields: &fields,
        ended: &ended,
        problem: None,
    };
    shown.render(&app, &request)
}

/// `POST /login`.
pub(in crate::web) async fn submit(
    app: AppData,
    request: HttpRequest,
    FormBody(fields): FormBody<LoginForm>,
) -> Result<HttpResponse, Problem> {
    if let Err(problem) = FormCsrfKey::verify(&app, &request, &fields.csrf_token) {
        return LoginPageState::refused(&fields, &problem).render(&app, &request);
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
        Err(problem) => LoginPageState::refused(&fields, &problem).render(&app, &request),
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
    Ok(forget_browser(&app, &request, "/login"))
}

/// Deletes the browser's login cookie and data, and redirects.
pub(super) fn forget_browser(app: &AppState, request: &HttpRequest, to: &str) -> HttpResponse {
    let came = CookieKind::Login.read(request, &app.settings);
    let emptied = came.map(|_| CookieKind::Login.build_removal(&app.settings));
    let had_cookie = emptied.is_some();
    let mut response = redirect_to(to, emptied);
    if had_cookie {
        // Drafts and unsent messages belong to the user who logs out.
        let storage = header::HeaderValue::from_static("\"storage\"");
        response.headers_mut().insert(CLEAR_SITE_DATA, storage);
    }
    response
}

/// What the login page shows.
struct LoginPageState<'a> {
    fields: &'a LoginForm,
    ended: &'a str,
    problem: Option<&'a Problem>,
}

impl<'a> LoginPageState<'a> {
    fn refused(fields: &'a LoginForm, problem: &'a Problem) -> Self {
        Self {
            fields,
            ended: "",
            problem: Some(problem),
        }
    }

    fn render(&self, app: &AppData, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let key = FormCsrfKey::load_or_create(app, request)?;
        let status = self.problem.map_or(StatusCode::OK, Problem::status_code);
        let csrf_token = key.token.clone();
        let page = LoginPage {
            csrf_token: &csrf_token,
            username: &self.fields.username,
            next: &self.fields.next,
            ended: self.ended,
            problem: self.problem,
            may_register: app.settings.registration != Registration::Closed,
            contact: app.settings.support_contact.as_ref(),
        };
        render_form(app, status, key, &page)
    }
}
