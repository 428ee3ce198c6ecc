//! `/settings`: the user's names, password and logins. With a script, also the
//! settings of this browser.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use askama::Template;
use entity::{LoginId, Millis, login};
use serde::Deserialize;

use super::page_login::LoginOrRedirect;
use crate::protocol::Problem;
use crate::protocol::user::{AccountNotice, NoticeCause};
use crate::store::{ActiveLogin, parse_notices};
use crate::web::actions::own_account::{self, ChangePasswordBody};
use crate::web::body::{FormBody, parse_pairs, text_fields};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::display::devices::describe_device;
use crate::web::display::times;
use crate::web::rendering::{field_error, redirect_to, render_template};
use crate::web::{AppData, assets, paging};

const SETTINGS_PATH: &str = "/settings";
const SAVED_PATH: &str = "/settings?saved=true";
/// The number of logins on a page.
const PAGE_SIZE: u64 = 20;

#[derive(Default)]
pub(in crate::web) struct ProfileForm {
    display_name: String,
    about: String,
}

text_fields!(ProfileForm {
    display_name,
    about,
});

/// The time of the newest notice shown, in milliseconds since 1970.
#[derive(Default)]
pub(in crate::web) struct ForgetNoticesForm {
    until: String,
}

text_fields!(ForgetNoticesForm { until });

/// Whether to confirm that the last action succeeded, and the position in the
/// list of logins.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SettingsPageQuery {
    saved: bool,
    before: Option<i64>,
}

/// The outcome of the submitted form.
#[derive(Default)]
struct SettingsOutcome {
    is_saved: bool,
    named: Option<ProfileForm>,
    profile_problem: Option<Problem>,
    password_problem: Option<Problem>,
    is_renewed: bool,
    /// The last login of the previous page of the list.
    before: Option<LoginId>,
}

/// A login of the user, as displayed.
struct LoginView {
    id: LoginId,
    is_here: bool,
    device: String,
    address: String,
    used: String,
}

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage<'a> {
    csrf_token: String,
    username: &'a str,
    display_name: &'a str,
    about: &'a str,
    is_admin: bool,
    notices: Vec<NoticeLine>,
    /// The time of the newest notice.
    notices_until: i64,
    logins: Vec<LoginView>,
    /// The position at which the next page begins.
    older: Option<LoginId>,
    tried: &'a SettingsOutcome,
}

impl SettingsPage<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let problems = [&self.tried.profile_problem, &self.tried.password_problem];
        let found = problems.into_iter().flatten();
        found
            .filter_map(|problem| field_error(Some(problem), field))
            .next()
    }
}

/// `GET /settings`.
pub(in crate::web) async fn show(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    done: StrictQuery<SettingsPageQuery>,
) -> Result<HttpResponse, Problem> {
    let tried = SettingsOutcome {
        is_saved: done.saved,
        before: done.before.map(LoginId),
        ..SettingsOutcome::default()
    };
    render_page(&app, &login, &tried).await
}

/// `POST /settings/profile`.
pub(in crate::web) async fn change_profile(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    FormBody(named): FormBody<ProfileForm>,
) -> Result<HttpResponse, Problem> {
    let pairs = [
        ("display_name", &named.display_name),
        ("about", &named.about),
    ];
    let done = match parse_pairs(&pairs) {
        Ok(change) => own_account::update_profile(&app, &login, change).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(_) => Ok(redirect_to(SAVED_PATH, [])),
        Err(problem) => {
            let tried = SettingsOutcome {
                named: Some(named),
                profile_problem: Some(problem),
                ..SettingsOutcome::default()
            };
            render_page(&app, &login, &tried).await
        }
    }
}

/// `POST /settings/notices`: dismisses the notices that were shown.
pub(in crate::web) async fn forget_notices(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    FormBody(shown): FormBody<ForgetNoticesForm>,
) -> Result<HttpResponse, Problem> {
    let until = Millis(shown.until.parse().unwrap_or_default());
    app.store
        .users()
        .delete_notices(login.user.id, until)
        .await?;
    Ok(redirect_to(SETTINGS_PATH, []))
}

/// `POST /settings/password`.
pub(in crate::web) async fn change_password(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    request: HttpRequest,
    FormBody(change): FormBody<ChangePasswordBody>,
) -> Result<HttpResponse, Problem> {
    let problem = own_account::replace_password(&app, &login, &request, change)
        .await
        .err();
    let tried = SettingsOutcome {
        is_renewed: problem.is_none(),
        password_problem: problem,
        ..SettingsOutcome::default()
    };
    render_page(&app, &login, &tried).await
}

/// `POST /settings/logins/{id}/end`.
pub(in crate::web) async fn end_login(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let (user, id) = (login.user.id, LoginId(*id));
    app.store.logins().end_own(user, id, Millis::now()).await?;
    app.engine.end_login(user, id);
    Ok(redirect_to(SETTINGS_PATH, []))
}

async fn render_page(
    app: &AppData,
    login: &ActiveLogin,
    tried: &SettingsOutcome,
) -> Result<HttpResponse, Problem> {
    let logins = app
        .store
        .logins()
        .list(login.user.id, tried.before, PAGE_SIZE + 1);
    let mut logins = logins.await?;
    let older = paging::truncate_page(&mut logins, PAGE_SIZE).map(|last| last.id);
    let now = Millis::now();
    let notices = parse_notices(&login.user);
    let named = tried.named.as_ref();
    let page = SettingsPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        username: &login.user.username,
        display_name: named.map_or(&login.user.display_name, |named| &named.display_name),
        about: named.map_or(&login.user.about, |named| &named.about),
        is_admin: login.user.is_admin,
        notices: notices.iter().map(NoticeLine::of).collect(),
        notices_until: notices.first().map_or(0, |notice| notice.at.0),
        logins: logins
            .into_iter()
            .map(|row| LoginView::from_row(row, login.id, now))
            .collect(),
        older,
        tried,
    };
    let problems = [&tried.profile_problem, &tried.password_problem];
    let status = problems.into_iter().flatten().next();
    render_template(status.map_or(StatusCode::OK, Problem::status_code), &page)
}

/// A security notice of the account, as displayed.
pub(in crate::web) struct NoticeLine {
    pub(in crate::web) text: &'static str,
    pub(in crate::web) at: String,
    pub(in crate::web) address: String,
}

impl NoticeLine {
    pub(in crate::web) fn of(notice: &AccountNotice) -> Self {
        Self {
            text: match notice.cause {
                NoticeCause::PasswordLinkUsed => "Your password was set with a link from an admin.",
                NoticeCause::PasswordChanged => "Your password was changed.",
                NoticeCause::PasswordSet => "Your password was set by an operator of the server.",
                NoticeCause::DataExported => "Your data was downloaded.",
            },
            at: format!(
                "{}, {} UTC",
                times::date(notice.at),
                times::format_clock(notice.at)
            ),
            address: notice.address.clone(),
        }
    }
}

impl LoginView {
    fn from_row(row: login::Model, here: LoginId, now: Millis) -> Self {
        Self {
            id: row.id,
            is_here: row.id == here,
            device: describe_device(&row.device),
            used: times::format_last_used(row.last_used_at, now),
            address: row.address,
        }
    }
}
