//! Registration by a form.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use serde::Deserialize;

use super::{FormCsrfKey, finish_login, render_form};
use crate::config::Registration;
use crate::protocol::{ErrorCode, Problem};
use crate::web::accounts;
use crate::web::auth::Authenticated;
use crate::web::body::{FormBody, parse_pairs, text_fields};
use crate::web::decoding::StrictQuery;
use crate::web::rendering::{field_error, redirect_to};
use crate::web::{AppData, assets};

#[derive(Deserialize)]
pub(in crate::web) struct RegisterPageQuery {
    #[serde(default)]
    next: String,
    #[serde(default)]
    invite: String,
}

#[derive(Default)]
pub(in crate::web) struct RegisterForm {
    username: String,
    password: String,
    display_name: String,
    invite: String,
    csrf_token: String,
    next: String,
}

text_fields!(RegisterForm {
    username,
    password,
    display_name,
    invite,
    csrf_token,
    next,
});

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage<'a> {
    csrf_token: &'a str,
    fields: &'a RegisterForm,
    problem: Option<&'a Problem>,
    registration: Registration,
}

impl RegisterPage<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        field_error(self.problem, field)
    }

    /// Returns whether this is the first field of the form with a fault.
    fn is_first_wrong(&self, field: &str) -> bool {
        let mut order = ["invite", "username", "display_name", "password"].into_iter();
        order.find(|name| self.wrong(name).is_some()) == Some(field)
    }
}

/// `GET /register`.
pub(in crate::web) async fn show(
    app: AppData,
    login: Result<Authenticated, Problem>,
    request: HttpRequest,
    asked: StrictQuery<RegisterPageQuery>,
) -> Result<HttpResponse, Problem> {
    if login.is_ok() {
        return Ok(redirect_to(&asked.next, []));
    }
    let asked = asked.into_inner();
    let fields = RegisterForm {
        next: asked.next,
        invite: asked.invite,
        ..RegisterForm::default()
    };
    render_page(&app, &request, &fields, None)
}

/// `POST /register`.
pub(in crate::web) async fn submit(
    app: AppData,
    request: HttpRequest,
    FormBody(fields): FormBody<RegisterForm>,
) -> Result<HttpResponse, Problem> {
    if let Err(problem) = FormCsrfKey::verify(&app, &request, &fields.csrf_token) {
        return render_page(&app, &request, &fields, Some(&problem));
    }
    let pairs = [
        ("username", &fields.username),
        ("password", &fields.password),
        ("display_name", &fields.display_name),
        ("invite", &fields.invite),
    ];
    // An empty field counts as missing, unless it is required.
    let is_filled = |(name, text): &(&str, &String)| {
        ["username", "password"].contains(name) || !text.trim().is_empty()
    };
    let pairs: Vec<_> = pairs.into_iter().filter(is_filled).collect();
    let wanted = parse_pairs(&pairs);
    let former = accounts::former_login(&app, &request);
    match accounts::register(&app, &request, former, wanted).await {
        Ok(login) => Ok(finish_login(&app, login, &fields.next)),
        // An error response has the `Retry-After` header, which the form can't
        // show.
        Err(problem) if problem.code == ErrorCode::RateLimited => Err(problem),
        Err(problem) => render_page(
            &app,
            &request,
            &fields,
            Some(&accounts::to_field_error(problem)),
        ),
    }
}

fn render_page(
    app: &AppData,
    request: &HttpRequest,
    fields: &RegisterForm,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let key = FormCsrfKey::load_or_create(app, request)?;
    let status = problem.map_or(StatusCode::OK, Problem::status_code);
    let csrf_token = key.token.clone();
    let page = RegisterPage {
        csrf_token: &csrf_token,
        fields,
        problem,
        registration: app.settings.registration,
    };
    render_form(app, status, key, &page)
}
