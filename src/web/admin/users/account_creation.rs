//! Creation of an account by an admin. The user sets the password through a
//! reset link.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::{Millis, UserId, user};

use crate::auth::random;
use crate::protocol::fields::FieldFaults;
use crate::protocol::{DisplayName, Password, Problem, Username};
use crate::store::{ActiveLogin, AuditContext, NewPasswordReset, NewUser};
use crate::telemetry::LimitedLine;
use crate::web::admin::action_form::{ActionForm, FormField};
use crate::web::admin::recheck;
use crate::web::admin::words;
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::{FormBody, text_fields};
use crate::web::hashing::AttemptSource;
use crate::web::rendering::render_template;
use crate::web::security_log::log_event;
use crate::web::{AppData, AppState, accounts, assets, client_ip, tokens};

/// How long a reset link is valid.
const LINK_TTL: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

#[derive(Default)]
pub(in crate::web) struct NewAccountForm {
    username: String,
    display_name: String,
    password: String,
}

text_fields!(NewAccountForm {
    username,
    display_name,
    password,
});

/// A user's validated names.
pub(super) struct AccountNames {
    pub(super) username: Username,
    pub(super) display_name: DisplayName,
}

#[derive(Template)]
#[template(path = "admin/link.html")]
struct ResetLinkPage<'a> {
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
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
) -> Result<HttpResponse, Problem> {
    let password = recheck::password_field(&app, &login);
    creation_form(&NewAccountForm::default(), password).render(&app, &login, None)
}

/// `POST /admin/users/new`.
pub(in crate::web) async fn submit(
    app: AppData,
    AdminLogin(login): AdminLogin,
    request: HttpRequest,
    FormBody(fields): FormBody<NewAccountForm>,
) -> Result<HttpResponse, Problem> {
    let act = audit_context(&app, &login, &request);
    match create_account(&app, &login, &request, &fields, &act).await {
        Ok(user) => issue_reset_link(&app, &login, &request, &act, &user).await,
        Err(problem) => {
            let password = recheck::password_field(&app, &login);
            let problem = accounts::to_field_error(problem);
            creation_form(&fields, password).render(&app, &login, Some(&problem))
        }
    }
}

fn creation_form(fields: &NewAccountForm, password: Option<FormField>) -> ActionForm {
    let mut asked = name_fields(&fields.username, &fields.display_name);
    asked.extend(password);
    ActionForm {
        here: "users",
        title: "Create account".to_owned(),
        lead: vec![
            "The next page has a link for the new user, who chooses a password with it.".to_owned(),
        ],
        fields: asked,
        submit: "Create account",
        is_grave: false,
        action: "/admin/users/new".to_owned(),
        back: "/admin/users".to_owned(),
    }
}

/// Returns the fields for a user's names.
pub(super) fn name_fields(username: &str, display_name: &str) -> Vec<FormField> {
    let username = FormField {
        name: "username",
        label: "Username",
        value: username.to_owned(),
        hint: "3–30 characters; start with a letter".to_owned(),
        is_required: true,
        longest: 30,
    };
    let display_name = FormField {
        name: "display_name",
        label: "Name",
        value: display_name.to_owned(),
        hint: "Shown to other users".to_owned(),
        is_required: true,
        longest: 60,
    };
    vec![username, display_name]
}

/// Validates the username and the display name, and adds invalid ones to
/// `faults`.
pub(super) fn check_names(
    faults: &mut FieldFaults,
    username: &str,
    display_name: &str,
) -> Option<AccountNames> {
    let username = faults.check("username", Username::parse(username.trim()));
    let display_name = faults.check("display_name", DisplayName::parse(display_name));
    Some(AccountNames {
        username: username?,
        display_name: display_name?,
    })
}

async fn create_account(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
    fields: &NewAccountForm,
    act: &AuditContext,
) -> Result<user::Model, Problem> {
    recheck::check_password(app, login, request, &fields.password).await?;
    let mut faults = FieldFaults::default();
    let names = check_names(&mut faults, &fields.username, &fields.display_name);
    let AccountNames {
        username,
        display_name,
    } = faults.finish(names)?;
    // A random password that no user learns: only the link gives access.
    let password = Password::parse(&tokens::generate_token()?)?;
    let origin = client_ip::client_origin(app, request);
    let attempter = AttemptSource::new(origin, &login.user.username, true);
    app.store
        .users()
        .check_creation(&username, None, act.at)
        .await?;
    let new = NewUser {
        username,
        display_name,
        password_hash: accounts::hash_password(app, attempter, password).await?,
        is_admin: false,
    };
    Ok(app.store.accounts().create(new, act).await?)
}

/// Creates a reset link and returns the page with it. No other response shows
/// the link.
pub(super) async fn issue_reset_link(
    app: &AppState,
    login: &ActiveLogin,
    request: &HttpRequest,
    act: &AuditContext,
    user: &user::Model,
) -> Result<HttpResponse, Problem> {
    let code = tokens::generate_code()?;
    let expires_at = Millis::now().after(LINK_TTL);
    let new = NewPasswordReset {
        token_hash: random::digest(&code),
        expires_at,
    };
    app.store
        .accounts()
        .create_password_reset(user.id, new, act)
        .await?;
    log_event(
        app,
        request,
        LimitedLine::ResetLinkMade,
        Some(&user.username),
    );
    let page = ResetLinkPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "users",
        id: user.id,
        name: &user.display_name,
        username: &user.username,
        // Browsers don't send the fragment, so the code appears in no server's
        // or proxy's log.
        link: format!("{}/reset#{code}", public_origin(app, request)),
        page: format!("{}/reset", public_origin(app, request)),
        code: &code,
        until: words::format_exact(expires_at),
    };
    render_template(StatusCode::OK, &page)
}

/// Returns the public origin: from the settings, else from this request's
/// `Host`.
fn public_origin(app: &AppState, request: &HttpRequest) -> String {
    if let Some(public) = &app.settings.public_url {
        return public.origin().to_owned();
    }
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}")
}
