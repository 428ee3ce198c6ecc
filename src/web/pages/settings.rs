//! `/settings`: the user's names, password, logins, blocked users and data.
//! With a script, also the settings of this browser.

mod page;

use actix_web::{HttpRequest, HttpResponse};
use entity::{LoginId, Millis, UserId};
use serde::Deserialize;

use self::page::{SettingsForm, SettingsOutcome, SettingsPlace};
use super::login::forget_browser;
use super::page_login::LoginOrRedirect;
use crate::protocol::{ErrorCode, Problem};
use crate::store::ActiveLogin;
use crate::web::AppData;
use crate::web::actions::blocks::unblock_user;
use crate::web::actions::own_account::{self, ChangePasswordBody, DeleteAccountBody};
use crate::web::body::{FormBody, parse_pairs, text_fields};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::find_user;
use crate::web::rendering::redirect_to;

pub(in crate::web) use page::NoticeLine;

const SETTINGS_PATH: &str = "/settings";
/// The login form, with a notice that the account was deleted.
const DELETED_PATH: &str = "/login?ended=deleted";

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

/// The form whose success is confirmed, and the positions in the lists of
/// logins and of blocked users.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct SettingsPageQuery {
    done: Option<SettingsForm>,
    before: Option<i64>,
    blocked_after: Option<i64>,
}

/// `GET /settings`.
pub(in crate::web) async fn show(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    asked: StrictQuery<SettingsPageQuery>,
) -> Result<HttpResponse, Problem> {
    let tried = SettingsOutcome {
        done: asked.done,
        place: SettingsPlace {
            before: asked.before.map(LoginId),
            blocked_after: asked.blocked_after.map(UserId),
        },
        ..SettingsOutcome::default()
    };
    tried.render(&app, &login).await
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
    let mut tried = SettingsOutcome::of(SettingsForm::Profile, done.map(drop))?;
    tried.named = Some(named);
    tried.answer(&app, &login).await
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
    let done = own_account::replace_password(&app, &login, &request, change).await;
    let tried = SettingsOutcome::of(SettingsForm::Password, done)?;
    tried.answer(&app, &login).await
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
    Ok(redirect_to(&SettingsForm::Login.done_url(), []))
}

/// `POST /settings/logins/end-others`.
pub(in crate::web) async fn end_other_logins(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
) -> Result<HttpResponse, Problem> {
    own_account::end_other_logins(&app, &login).await?;
    Ok(redirect_to(&SettingsForm::Logins.done_url(), []))
}

/// `POST /settings/blocks/{username}/end`.
pub(in crate::web) async fn unblock(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    unblock_user(&app, login.user.id, them.id).await?;
    Ok(redirect_to(&SettingsForm::Block.done_url(), []))
}

/// `POST /settings/delete`.
pub(in crate::web) async fn delete_account(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    request: HttpRequest,
    FormBody(body): FormBody<DeleteAccountBody>,
) -> Result<HttpResponse, Problem> {
    match own_account::delete_own_account(&app, &login, &request, body).await {
        Ok(()) => Ok(forget_browser(&app, &request, DELETED_PATH)),
        refused => {
            let tried = SettingsOutcome::of(SettingsForm::Deletion, refused)?;
            tried.answer(&app, &login).await
        }
    }
}

impl SettingsOutcome {
    /// Returns the outcome of a form.
    ///
    /// # Errors
    ///
    /// `rate_limited`: an error response has the `Retry-After` header, which
    /// the form can't show.
    fn of(form: SettingsForm, done: Result<(), Problem>) -> Result<Self, Problem> {
        match done {
            Err(problem) if problem.code == ErrorCode::RateLimited => Err(problem),
            done => Ok(Self {
                done: done.is_ok().then_some(form),
                refused: done.err().map(|problem| (form, problem)),
                ..Self::default()
            }),
        }
    }

    /// Redirects to the form's section if the form succeeded, so that a reload
    /// doesn't repeat it. Otherwise, renders the form with its faults.
    async fn answer(self, app: &AppData, login: &ActiveLogin) -> Result<HttpResponse, Problem> {
        match self.done {
            Some(form) => Ok(redirect_to(&form.done_url(), [])),
            None => self.render(app, login).await,
        }
    }
}
