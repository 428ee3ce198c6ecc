//! What the settings page shows.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use entity::{LoginId, Millis, UserId, login};
use serde::Deserialize;

use super::ProfileForm;
use crate::protocol::user::{AccountNotice, NoticeCause};
use crate::protocol::{Problem, User};
use crate::store::{ActiveLogin, parse_notices};
use crate::web::display::devices::describe_device;
use crate::web::display::times;
use crate::web::rendering::{field_error, render_template};
use crate::web::{AppData, assets, paging};

/// The number of logins or blocked users on a page.
const PAGE_SIZE: u64 = 20;

/// A form of the page, named as in the URL that confirms its success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum SettingsForm {
    Profile,
    Password,
    /// The end of one login.
    Login,
    /// The end of all other logins.
    Logins,
    /// The end of a block.
    Block,
    Deletion,
}

impl SettingsForm {
    /// Returns the URL that confirms the form's success beside it.
    pub(super) fn done_url(self) -> String {
        let (name, section) = match self {
            Self::Profile => ("profile", "profile"),
            Self::Password => ("password", "password"),
            Self::Login => ("login", "devices"),
            Self::Logins => ("logins", "devices"),
            Self::Block => ("block", "privacy"),
            Self::Deletion => ("deletion", "data"),
        };
        format!("/settings?done={name}#{section}-heading")
    }

    fn confirmation(self) -> &'static str {
        match self {
            Self::Profile => "Saved.",
            Self::Password => "Password changed. You’ve been logged out on all other devices.",
            Self::Login => "Logged out on that device.",
            Self::Logins => "You’ve been logged out on all other devices.",
            Self::Block => "Unblocked.",
            // The login form confirms it.
            Self::Deletion => "",
        }
    }
}

/// The positions in the lists of the page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SettingsPlace {
    /// The last login of the previous page.
    pub(super) before: Option<LoginId>,
    /// The last blocked user of the previous page.
    pub(super) blocked_after: Option<UserId>,
}

/// The outcome of the submitted form, and the positions in the lists.
#[derive(Default)]
pub(super) struct SettingsOutcome {
    pub(super) done: Option<SettingsForm>,
    pub(super) refused: Option<(SettingsForm, Problem)>,
    /// The submitted profile.
    pub(super) named: Option<ProfileForm>,
    pub(super) place: SettingsPlace,
}

/// A login of the user, as displayed.
struct LoginView {
    id: LoginId,
    is_here: bool,
    device: String,
    address: String,
    used: String,
    used_at: Millis,
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
    /// The position at which the next page of logins begins.
    older: Option<LoginId>,
    blocked: Vec<User>,
    /// The position at which the next page of blocked users begins.
    more_blocked: Option<UserId>,
    version: &'static str,
    licence: &'static str,
    has_security_contact: bool,
    tried: &'a SettingsOutcome,
}

impl SettingsPage<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        let refused = self.tried.refused.as_ref();
        field_error(refused.map(|(_, problem)| problem), field)
    }

    /// Returns why a form was refused, if no field is at fault.
    fn refused(&self, form: SettingsForm) -> Option<&str> {
        let (refused, problem) = self.tried.refused.as_ref()?;
        (*refused == form && problem.errors.is_empty()).then_some(&*problem.detail)
    }

    /// Returns the confirmation of a form. The end of one login is confirmed
    /// where that of all others is.
    fn done(&self, form: SettingsForm) -> Option<&'static str> {
        let done = self.tried.done?;
        let shown = match done {
            SettingsForm::Login => SettingsForm::Logins,
            done => done,
        };
        let text = (shown == form).then(|| done.confirmation());
        text.filter(|text| !text.is_empty())
    }

    fn has_other_logins(&self) -> bool {
        self.tried.place.before.is_some() || self.logins.iter().any(|login| !login.is_here)
    }
}

impl SettingsOutcome {
    pub(super) async fn render(
        &self,
        app: &AppData,
        login: &ActiveLogin,
    ) -> Result<HttpResponse, Problem> {
        let (me, place, now) = (&login.user, self.place, Millis::now());
        let logins = app.store.logins().list(me.id, place.before, PAGE_SIZE + 1);
        let mut logins = logins.await?;
        let older = paging::truncate_page(&mut logins, PAGE_SIZE).map(|last| last.id);
        let blocked = app.store.blocks();
        let blocked = blocked.list(me.id, place.blocked_after, PAGE_SIZE + 1);
        let mut blocked = blocked.await?;
        let more_blocked = paging::truncate_page(&mut blocked, PAGE_SIZE).map(|last| last.id);
        let notices = parse_notices(me);
        let named = self.named.as_ref();
        let page = SettingsPage {
            csrf_token: app.csrf.issue_for_login(login.id),
            username: &me.username,
            display_name: named.map_or(&me.display_name, |named| &named.display_name),
            about: named.map_or(&me.about, |named| &named.about),
            is_admin: me.is_admin,
            notices: notices.iter().map(NoticeLine::of).collect(),
            notices_until: notices.first().map_or(0, |notice| notice.at.0),
            logins: logins
                .into_iter()
                .map(|row| LoginView::from_row(row, login.id, now))
                .collect(),
            older,
            blocked,
            more_blocked,
            version: env!("CARGO_PKG_VERSION"),
            licence: env!("CARGO_PKG_LICENSE"),
            has_security_contact: !app.settings.security_contacts.is_empty(),
            tried: self,
        };
        let problem = self.refused.as_ref().map(|(_, problem)| problem);
        render_template(problem.map_or(StatusCode::OK, Problem::status_code), &page)
    }
}

/// A security notice of the account, as displayed.
pub(in crate::web) struct NoticeLine {
    pub(in crate::web) text: &'static str,
    pub(in crate::web) moment: Millis,
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
            moment: notice.at,
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
            used_at: row.last_used_at,
            address: row.address,
        }
    }
}
