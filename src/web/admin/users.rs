//! The list of users, and a page for each.

pub(super) mod account_creation;
pub(super) mod actions;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{LoginId, Millis, UserId, user};
use serde::Deserialize;

use super::conversations::ConversationBriefView;
use super::{KeysetQuery, ListChoice, PAGE_SIZE, list_url, words};
use crate::protocol::Problem;
use crate::store::{
    AdminListQuery, ConversationOrder, PresenceRecord, SearchTerms, UserListOrder, UserListRow,
};
use crate::web::auth::AdminLogin;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::display::avatars::Avatar;
use crate::web::display::{devices, times};
use crate::web::rendering::render_template;
use crate::web::{AppData, AppState, assets, paging};

/// The number of rows of a user's logins or conversations on their page.
const SECTION_SIZE: u64 = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct UserListQuery {
    q: String,
    show: String,
    #[serde(flatten)]
    after: KeysetQuery,
}

/// The values of `show` with their labels.
const CHOICES: [(&str, &str); 6] = [
    ("", "All users, by name"),
    ("newest", "All users, newest first"),
    ("seen", "Last active"),
    ("online", "Online now"),
    ("admins", "Admins"),
    ("off", "Deactivated or deleted"),
];
/// The values of `show` that a search ignores: its results are sorted by name.
const SORT_ORDERS: [&str; 2] = ["newest", "seen"];

/// A user as displayed.
struct AdminUserView {
    id: UserId,
    avatar: Avatar,
    name: String,
    username: String,
    marks: Vec<&'static str>,
    is_online: bool,
    status: String,
    since: String,
}

#[derive(Template)]
#[template(path = "admin/users.html")]
struct UserListPage<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a UserListQuery,
    choices: Vec<ListChoice>,
    is_by_name: bool,
    people: Vec<AdminUserView>,
    first: Option<String>,
    next: Option<String>,
}

/// A login of the user, as displayed.
struct AdminLoginView {
    id: LoginId,
    device: String,
    address: String,
    used: String,
}

#[derive(Template)]
#[template(path = "admin/user.html")]
struct UserPage {
    csrf_token: String,
    here: &'static str,
    person: AdminUserView,
    about: String,
    is_deleted: bool,
    has_groups: bool,
    acts: Vec<actions::UserActionLink>,
    logins: Vec<AdminLoginView>,
    logins_first: Option<String>,
    logins_next: Option<String>,
    conversations: Vec<ConversationBriefView>,
}

/// `GET /admin/users`.
pub(in crate::web) async fn list(
    app: AppData,
    AdminLogin(login): AdminLogin,
    asked: StrictQuery<UserListQuery>,
) -> Result<HttpResponse, Problem> {
    let listing = AdminListQuery {
        order: asked.order(),
        after: asked.after.cursor(),
        limit: PAGE_SIZE + 1,
    };
    let mut found = app.store.accounts().list(&listing).await?;
    let last = paging::truncate_page(&mut found, PAGE_SIZE);
    let next = last.map(|line| asked.page_url(&line.key, &line.id.0.to_string()));
    let now = Millis::now();
    let page = UserListPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "users",
        first: asked.after.cursor().map(|_| asked.page_url("", "")),
        asked: &asked,
        choices: asked.choices(),
        is_by_name: asked.is_by_name(),
        people: found
            .into_iter()
            .map(|line| AdminUserView::from_line(line, now))
            .collect(),
        next,
    };
    render_template(StatusCode::OK, &page)
}

impl UserListQuery {
    fn order(&self) -> UserListOrder {
        let wanted = self.search_words();
        match &*self.show {
            "online" => UserListOrder::Online(wanted),
            "admins" => UserListOrder::Admins(wanted),
            "off" => UserListOrder::Deactivated(wanted),
            _ if !wanted.is_empty() => UserListOrder::Search(wanted),
            "newest" => UserListOrder::Newest,
            "seen" => UserListOrder::LastSeen,
            _ => UserListOrder::Name,
        }
    }

    fn search_words(&self) -> SearchTerms {
        SearchTerms::parse(self.q.trim().trim_start_matches('@'))
    }

    /// Returns whether the requested order is ignored because of a search.
    fn is_by_name(&self) -> bool {
        !self.search_words().is_empty() && SORT_ORDERS.contains(&&*self.show)
    }

    fn choices(&self) -> Vec<ListChoice> {
        let is_found = !self.search_words().is_empty();
        let is_by_name = self.is_by_name();
        let choices = CHOICES.into_iter().map(|(value, label)| ListChoice {
            value,
            label,
            is_chosen: if is_by_name {
                value.is_empty()
            } else {
                value == self.show
            },
            is_out: is_found && SORT_ORDERS.contains(&value),
        });
        choices.collect()
    }

    /// Returns the URL of the page after the row with this key and id. Both are
    /// empty for the first page.
    fn page_url(&self, key: &str, id: &str) -> String {
        let asked = [
            ("q", self.q.clone()),
            ("show", self.show.clone()),
            ("key", key.to_owned()),
            ("after", id.to_owned()),
        ];
        list_url("/admin/users", asked)
    }
}

/// `GET /admin/users/{id}`.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    after: StrictQuery<KeysetQuery>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, *id).await?;
    let (id, now) = (them.id, Millis::now());
    let statuses = app.store.presence().load_statuses(&[id]).await?;
    let status = statuses.first().map(|(_, status)| *status);
    let before = after.cursor().map(|place| LoginId(place.id));
    let mut logins = app
        .store
        .logins()
        .list(id, before, SECTION_SIZE + 1)
        .await?;
    let last = paging::truncate_page(&mut logins, SECTION_SIZE).map(|login| login.id);
    let listing = AdminListQuery {
        order: ConversationOrder::OfUser(id),
        after: None,
        limit: SECTION_SIZE,
    };
    let conversations = app.store.moderation().list_conversations(&listing).await?;
    let is_deleted = them.deleted_at.is_some();
    let page = UserPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "users",
        about: them.about.clone(),
        is_deleted,
        has_groups: is_deleted && !app.store.accounts().list_group_ids(id).await?.is_empty(),
        acts: actions::UserAction::available_for(&them),
        logins_first: before.map(|_| format!("/admin/users/{id}#logins-heading")),
        logins_next: last.map(|last| format!("/admin/users/{id}?after={last}#logins-heading")),
        person: AdminUserView::from_row(them, status.unwrap_or_default(), now),
        logins: logins
            .into_iter()
            .map(|row| AdminLoginView {
                id: row.id,
                device: devices::describe_device(&row.device),
                used: times::format_last_used(row.last_used_at, now),
                address: row.address,
            })
            .collect(),
        conversations: ConversationBriefView::load_all(&app, conversations, now).await?,
    };
    render_template(StatusCode::OK, &page)
}

/// Returns the user with this id, including a deleted account.
pub(super) async fn find_user(app: &AppState, id: i64) -> Result<user::Model, Problem> {
    let found = app.store.users().find(UserId(id)).await?;
    found.ok_or_else(Problem::not_found)
}

impl AdminUserView {
    fn from_line(line: UserListRow, now: Millis) -> Self {
        let mut marks = Vec::new();
        if line.is_admin {
            marks.push("Admin");
        }
        if line.deleted_at.is_some() {
            marks.push("Deleted");
        } else if line.deactivated_at.is_some() {
            marks.push("Deactivated");
        }
        let is_online = line.is_online.unwrap_or_default() && line.deactivated_at.is_none();
        Self {
            id: line.id,
            avatar: Avatar::from_name(&line.display_name),
            name: line.display_name,
            username: line.username,
            marks,
            is_online,
            status: words::describe_presence(is_online, line.last_seen, now),
            since: words::format_date(line.created_at),
        }
    }

    fn from_row(row: user::Model, status: PresenceRecord, now: Millis) -> Self {
        let line = UserListRow {
            id: row.id,
            username: row.username,
            display_name: row.display_name,
            is_admin: row.is_admin,
            deactivated_at: row.deactivated_at,
            deleted_at: row.deleted_at,
            created_at: row.created_at,
            is_online: Some(status.is_online),
            last_seen: status.last_seen,
            key: String::new(),
        };
        Self::from_line(line, now)
    }
}
