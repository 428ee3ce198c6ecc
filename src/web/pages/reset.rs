//! Setting a new password by a code from an admin.
//!
//! The code is never in a URL that reaches a server, since URLs get into logs.
//! The user types it, or a script reads it from the fragment of the admin's
//! link.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{Millis, user};

use super::{FormCsrfKey, render_form};
use crate::auth::random;
use crate::protocol::fields::{FieldFaults, FieldReader, FromFields};
use crate::protocol::{ErrorCode, Password, Problem};
use crate::telemetry::LimitedLine;
use crate::web::body::FormBody;
use crate::web::hashing::AttemptSource;
use crate::web::rendering::field_error;
use crate::web::security_log::log_event;
use crate::web::{AppData, AppState, accounts, assets, client_ip};

#[derive(Default)]
pub(in crate::web) struct ResetForm {
    token: String,
    /// `None` if the user has entered only the code so far.
    new_password: Option<String>,
    csrf_token: String,
}

impl FromFields for ResetForm {
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

/// The step that the page shows.
enum ResetStage {
    /// The page asks for the code.
    Asked,
    /// The code is valid: the page asks for the new password.
    Open { username: String },
    /// The code is unknown, used or expired.
    Gone,
    /// The password was just set.
    Done,
}

#[derive(Template)]
#[template(path = "reset.html")]
struct ResetPage<'a> {
    csrf_token: &'a str,
    token: &'a str,
    stage: ResetStage,
    problem: Option<&'a Problem>,
}

impl ResetPage<'_> {
    fn wrong(&self) -> Option<&str> {
        field_error(self.problem, "new_password")
    }
}

/// `GET /reset`.
pub(in crate::web) async fn show(
    app: AppData,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    render_page(&app, &request, "", ResetStage::Asked, None)
}

/// `POST /reset`.
pub(in crate::web) async fn submit(
    app: AppData,
    request: HttpRequest,
    FormBody(fields): FormBody<ResetForm>,
) -> Result<HttpResponse, Problem> {
    let token = &*fields.token;
    let verified = FormCsrfKey::verify(&app, &request, &fields.csrf_token);
    let refused = match (&fields.new_password, verified) {
        (Some(password), Ok(())) => set_password(&app, &request, token, password).await.err(),
        (Some(_), Err(problem)) => Some(problem),
        (None, Ok(())) => {
            let stage = load_stage(&app, token).await?;
            return render_page(&app, &request, token, stage, None);
        }
        (None, Err(problem)) => {
            return render_page(&app, &request, "", ResetStage::Asked, Some(&problem));
        }
    };
    match refused {
        None => render_page(&app, &request, token, ResetStage::Done, None),
        Some(problem) if problem.code == ErrorCode::NotFound => {
            render_page(&app, &request, token, ResetStage::Gone, None)
        }
        Some(problem) => {
            let stage = load_stage(&app, token).await?;
            render_page(&app, &request, token, stage, Some(&problem))
        }
    }
}

async fn load_stage(app: &AppState, token: &str) -> Result<ResetStage, Problem> {
    Ok(match find_reset_user(app, token).await? {
        Some(user) => ResetStage::Open {
            username: user.username,
        },
        None => ResetStage::Gone,
    })
}

/// Returns the user whose password a code may reset; `None` if the code isn't
/// valid.
async fn find_reset_user(app: &AppState, token: &str) -> Result<Option<user::Model>, Problem> {
    let Some(code) = random::parse_code(token) else {
        return Ok(None);
    };
    let digest = random::digest(&code);
    Ok(app
        .store
        .accounts()
        .find_password_reset(&digest, Millis::now())
        .await?)
}

/// Sets the password and ends all logins of the user.
async fn set_password(
    app: &AppState,
    request: &HttpRequest,
    token: &str,
    password: &str,
) -> Result<(), Problem> {
    let digest = random::digest(&random::parse_code(token).ok_or_else(Problem::not_found)?);
    // Hashing is expensive, so it is done only for a valid code.
    let Some(user) = find_reset_user(app, token).await? else {
        log_event(app, request, LimitedLine::ResetLinkRefused, None);
        return Err(Problem::not_found());
    };
    let names = [&*user.username, &*user.display_name];
    let password = Password::parse(password);
    let mut faults = FieldFaults::default();
    let password = faults.check(
        "new_password",
        password.and_then(|it| it.reject_similar(&names)),
    );
    let password = faults.finish(password)?;
    let origin = client_ip::client_origin(app, request);
    let address = origin.address().to_string();
    let attempter = AttemptSource::new(origin, &user.username, true);
    let hash = accounts::hash_password(app, attempter, password).await?;
    let (id, ended) = app
        .store
        .accounts()
        .consume_password_reset(&digest, hash, Millis::now(), address)
        .await?;
    for login in ended {
        app.engine.end_login(id, login);
    }
    let username = Some(&*user.username);
    log_event(app, request, LimitedLine::ResetLinkUsed, username);
    Ok(())
}

fn render_page(
    app: &AppState,
    request: &HttpRequest,
    token: &str,
    stage: ResetStage,
    problem: Option<&Problem>,
) -> Result<HttpResponse, Problem> {
    let key = FormCsrfKey::load_or_create(app, request)?;
    let csrf_token = key.token.clone();
    let status = match (&stage, problem) {
        (ResetStage::Gone, _) => StatusCode::NOT_FOUND,
        (_, Some(problem)) => problem.status_code(),
        _ => StatusCode::OK,
    };
    let page = ResetPage {
        csrf_token: &csrf_token,
        token,
        stage,
        problem,
    };
    let mut response = render_form(app, status, key, &page)?;
    // The page grants access to the account, so it sends no referrer.
    response.headers_mut().insert(
        header::REFERRER_POLICY,
        header::HeaderValue::from_static("no-referrer"),
    );
    Ok(response)
}
