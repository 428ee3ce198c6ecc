//! People: the list of all, and one of them.

pub(super) mod acts;
pub(super) mod opening;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{LoginId, Millis, UserId, user};
use serde::Deserialize;

use super::conversations::Brief;
use super::{After, Choice, LIMIT, address, words};
use crate::protocol::Problem;
use crate::store::{ConversationOrder, Listing, PeopleOrder, PersonLine, Status, Wanted};
use crate::web::auth::Admin;
use crate::web::decoding::{Path, Query};
use crate::web::pages::view::avatar::Avatar;
use crate::web::pages::view::times;
use crate::web::pages::{page_as, settings};
use crate::web::{App, State, assets, paging};

/// How much of what somebody has is shown with them.
const SHOWN: u64 = 20;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    q: String,
    show: String,
    #[serde(flatten)]
    after: After,
}

/// What can be chosen, and what it is called.
const CHOICES: [(&str, &str); 6] = [
    ("", "Everybody, by name"),
    ("newest", "Everybody, newest first"),
    ("seen", "By when they were last here"),
    ("online", "Who is here now"),
    ("admins", "Admins"),
    ("off", "Switched off or deleted"),
];
/// The orders that those found don't have: they stand by name.
const ORDERS: [&str; 2] = ["newest", "seen"];

/// Somebody, in words.
struct Card {
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
struct ListPage<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a Asked,
    choices: Vec<Choice>,
    is_by_name: bool,
    people: Vec<Card>,
    first: Option<String>,
    next: Option<String>,
}

/// A login of theirs.
struct Seat {
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
    person: Card,
    about: String,
    is_deleted: bool,
    has_groups: bool,
    acts: Vec<acts::Offer>,
    logins: Vec<Seat>,
    logins_first: Option<String>,
    logins_next: Option<String>,
    conversations: Vec<Brief>,
}

/// `GET /admin/users`.
pub(in crate::web) async fn list(
    app: App,
    Admin(login): Admin,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let listing = Listing {
        order: asked.order(),
        after: asked.after.place(),
        limit: LIMIT + 1,
    };
    let mut found = app.store.people(&listing).await?;
    let last = paging::cut(&mut found, LIMIT);
    let next = last.map(|line| asked.address(Some((line.key.clone(), line.id.0))));
    let now = Millis::now();
    let page = ListPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "users",
        first: asked.after.place().map(|_| asked.address(None)),
        asked: &asked,
        choices: asked.choices(),
        is_by_name: asked.is_by_name(),
        people: found.into_iter().map(|line| Card::of(line, now)).collect(),
        next,
    };
    page_as(StatusCode::OK, &page)
}

impl Asked {
    fn order(&self) -> PeopleOrder {
        let wanted = self.wanted();
        match &*self.show {
            "online" => PeopleOrder::Online(wanted),
            "admins" => PeopleOrder::Admins(wanted),
            "off" => PeopleOrder::SwitchedOff(wanted),
            _ if !wanted.is_empty() => PeopleOrder::Found(wanted),
            "newest" => PeopleOrder::Newest,
            "seen" => PeopleOrder::LastSeen,
            _ => PeopleOrder::Name,
        }
    }

    fn wanted(&self) -> Wanted {
        Wanted::of(self.q.trim().trim_start_matches('@'))
    }

    /// Whether the order that was asked for is none of what is found.
    fn is_by_name(&self) -> bool {
        !self.wanted().is_empty() && ORDERS.contains(&&*self.show)
    }

    fn choices(&self) -> Vec<Choice> {
        let is_found = !self.wanted().is_empty();
        let is_by_name = self.is_by_name();
        let choices = CHOICES.into_iter().map(|(value, label)| Choice {
            value,
            label,
            is_chosen: match is_by_name {
                true => value.is_empty(),
                false => value == self.show,
            },
            is_out: is_found && ORDERS.contains(&value),
        });
        choices.collect()
    }

    fn address(&self, after: Option<(String, i64)>) -> String {
        let (key, id) = after.map_or_else(Default::default, |(key, id)| (key, id.to_string()));
        let asked = [
            ("q", self.q.clone()),
            ("show", self.show.clone()),
            ("key", key),
            ("after", id),
        ];
        address("/admin/users", asked)
    }
}

/// `GET /admin/users/{id}`.
pub(in crate::web) async fn show(
    app: App,
    Admin(login): Admin,
    id: Path<i64>,
    after: Query<After>,
) -> Result<HttpResponse, Problem> {
    let them = find(&app, *id).await?;
    let (id, now) = (them.id, Millis::now());
    let statuses = app.store.statuses(&[id]).await?;
    let status = statuses.first().map(|(_, status)| *status);
    let before = after.place().map(|place| LoginId(place.id));
    let mut logins = app.store.logins(id, before, SHOWN + 1).await?;
    let last = paging::cut(&mut logins, SHOWN).map(|login| login.id);
    let listing = Listing {
        order: ConversationOrder::Of(id),
        after: None,
        limit: SHOWN,
    };
    let conversations = app.store.all_conversations(&listing).await?;
    let is_deleted = them.deleted_at.is_some();
    let page = UserPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "users",
        about: them.about.clone(),
        is_deleted,
        has_groups: is_deleted && !app.store.groups_of(id).await?.is_empty(),
        acts: acts::Act::offered(&them),
        logins_first: before.map(|_| format!("/admin/users/{id}#logins-heading")),
        logins_next: last.map(|last| format!("/admin/users/{id}?after={last}#logins-heading")),
        person: Card::of_row(them, status.unwrap_or_default(), now),
        logins: logins
            .into_iter()
            .map(|row| Seat {
                id: row.id,
                device: settings::device(&row.device),
                used: times::last_used(row.last_used_at, now),
                address: row.address,
            })
            .collect(),
        conversations: Brief::all(&app, conversations, now).await?,
    };
    page_as(StatusCode::OK, &page)
}

/// Somebody by their id, also where nothing is left of them.
pub(super) async fn find(app: &State, id: i64) -> Result<user::Model, Problem> {
    let found = app.store.user(UserId(id)).await?;
    found.ok_or_else(Problem::not_found)
}

impl Card {
    fn of(line: PersonLine, now: Millis) -> Self {
        let mut marks = Vec::new();
        if line.is_admin {
            marks.push("Admin");
        }
        if line.deleted_at.is_some() {
            marks.push("Deleted");
        } else if line.deactivated_at.is_some() {
            marks.push("Switched off");
        }
        let is_online = line.is_online.unwrap_or_default() && line.deactivated_at.is_none();
        Self {
            id: line.id,
            avatar: Avatar::of(&line.display_name),
            name: line.display_name,
            username: line.username,
            marks,
            is_online,
            status: words::presence(is_online, line.last_seen, now),
            since: words::date(line.created_at),
        }
    }

    fn of_row(row: user::Model, status: Status, now: Millis) -> Self {
        let line = PersonLine {
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
        Self::of(line, now)
    }
}
