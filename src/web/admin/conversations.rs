//! Conversations: the list of all, one of them with its people, and closing
//! a group. What was said in one is elsewhere (see [`super::messages`]).

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::conversation::{self, Kind};
use entity::participant::Role;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;

use super::sheet::{Field, Sheet};
use super::{After, Choice, LIMIT, Why, address, words};
use crate::protocol::{Problem, User, Username};
use crate::store::{ConversationLine, ConversationOrder, Listing, Part, Wanted};
use crate::web::auth::Admin;
use crate::web::body::Form;
use crate::web::decoding::{Path, Query};
use crate::web::pages::view::times;
use crate::web::pages::{go_on, page_as};
use crate::web::{App, State, assets, paging};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct Asked {
    q: String,
    sort: String,
    #[serde(flatten)]
    after: After,
}

/// What can be chosen, and what it is called.
const CHOICES: [(&str, &str); 3] = [
    ("", "Latest message first"),
    ("size", "Most people first"),
    ("newest", "Newest first"),
];

/// A conversation in a list, in words.
pub(super) struct Brief {
    pub(super) id: ConversationId,
    pub(super) name: String,
    pub(super) what: &'static str,
    pub(super) is_closed: bool,
    pub(super) size: String,
    pub(super) active: String,
    pub(super) since: String,
}

#[derive(Template)]
#[template(path = "admin/conversations.html")]
struct ListPage<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a Asked,
    choices: Vec<Choice>,
    conversations: Vec<Brief>,
    first: Option<String>,
    next: Option<String>,
}

/// Somebody's part in it, in words.
struct Row {
    id: UserId,
    name: String,
    role: &'static str,
    delivered: i64,
    read: i64,
}

#[derive(Template)]
#[template(path = "admin/conversation.html")]
struct Page {
    csrf_token: String,
    here: &'static str,
    it: Brief,
    can_close: bool,
    last: i64,
    delivered_low: i64,
    read_low: i64,
    parts: Vec<Row>,
    first: Option<String>,
    next: Option<String>,
}

/// `GET /admin/conversations`.
pub(in crate::web) async fn list(
    app: App,
    Admin(login): Admin,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let mut found = match asked.order(&app).await? {
        Found::One(id) => {
            let row = app.store.conversation_row(id).await?;
            row.into_iter().map(line).collect()
        }
        Found::Nobody => Vec::new(),
        Found::Many(order) => {
            let listing = Listing {
                order,
                after: asked.after.place(),
                limit: LIMIT + 1,
            };
            app.store.all_conversations(&listing).await?
        }
    };
    let last = paging::cut(&mut found, LIMIT);
    let next = last.map(|line| asked.address(Some((line.key.clone(), line.id.0))));
    let page = ListPage {
        csrf_token: app.csrf.of_login(login.id),
        here: "conversations",
        first: asked.after.place().map(|_| asked.address(None)),
        asked: &asked,
        choices: asked.choices(),
        conversations: Brief::all(&app, found, Millis::now()).await?,
        next,
    };
    page_as(StatusCode::OK, &page)
}

/// What is asked for.
enum Found {
    One(ConversationId),
    Many(ConversationOrder),
    /// Somebody who isn't there.
    Nobody,
}

impl Asked {
    async fn order(&self, app: &State) -> Result<Found, Problem> {
        let q = self.q.trim();
        if let Some(name) = q.strip_prefix('@') {
            let Ok(username) = Username::parse(name) else {
                return Ok(Found::Nobody);
            };
            let found = app.store.user_named(&username).await?;
            let of = |user: entity::user::Model| Found::Many(ConversationOrder::Of(user.id));
            return Ok(found.map_or(Found::Nobody, of));
        }
        if let Ok(id) = q.parse() {
            return Ok(Found::One(ConversationId(id)));
        }
        let words = Wanted::of(q);
        Ok(Found::Many(match &*self.sort {
            _ if !words.is_empty() => ConversationOrder::Titled(words),
            "size" => ConversationOrder::Size,
            "newest" => ConversationOrder::Newest,
            _ => ConversationOrder::Activity,
        }))
    }

    /// Whether something is looked for: what is found has an order of its own.
    fn is_found(&self) -> bool {
        !self.q.trim().is_empty()
    }

    fn choices(&self) -> Vec<Choice> {
        let choices = CHOICES.into_iter().map(|(value, label)| Choice {
            value,
            label,
            is_chosen: value == self.sort,
            is_out: false,
        });
        choices.collect()
    }

    fn address(&self, after: Option<(String, i64)>) -> String {
        let (key, id) = after.map_or_else(Default::default, |(key, id)| (key, id.to_string()));
        let asked = [
            ("q", self.q.clone()),
            ("sort", self.sort.clone()),
            ("key", key),
            ("after", id),
        ];
        address("/admin/conversations", asked)
    }
}

fn line(row: conversation::Model) -> ConversationLine {
    ConversationLine {
        id: row.id,
        kind: row.kind,
        title: row.title,
        direct_key: row.direct_key,
        open: row.open,
        participant_count: row.participant_count,
        last_seq: row.last_seq,
        last_message_at: row.last_message_at,
        created_at: row.created_at,
        key: String::new(),
    }
}

impl Brief {
    /// Those of two are called after both of them.
    pub(super) async fn all(
        app: &State,
        lines: Vec<ConversationLine>,
        now: Millis,
    ) -> Result<Vec<Self>, Problem> {
        let pairs = lines
            .iter()
            .filter_map(|line| pair(line.direct_key.as_deref()?));
        let ids: Vec<UserId> = pairs.flatten().collect();
        let people = app.store.users_by_id(&ids).await?;
        let names: HashMap<UserId, String> = people
            .into_iter()
            .map(|user| (user.id, user.display_name))
            .collect();
        let all = lines.into_iter().map(|line| Self::of(line, &names, now));
        Ok(all.collect())
    }

    fn of(line: ConversationLine, names: &HashMap<UserId, String>, now: Millis) -> Self {
        let both = line.direct_key.as_deref().and_then(pair).map(|pair| {
            let named = pair.map(|id| names.get(&id).map_or("?", |name| name));
            named.join(" and ")
        });
        let count = u64::try_from(line.participant_count).unwrap_or_default();
        let messages = u64::try_from(line.last_seq).unwrap_or_default();
        let people = match count {
            1 => "1 person".to_owned(),
            count => format!("{count} people"),
        };
        Self {
            id: line.id,
            name: line.title.or(both).unwrap_or_default(),
            what: match line.kind {
                Kind::Direct => "of two",
                Kind::Group => "group",
            },
            is_closed: line.kind == Kind::Group && !line.open,
            size: format!("{people}, {}", times::counted(messages, "message")),
            active: match line.last_message_at {
                Some(at) => format!("last message {}", times::ago(at, now)),
                None => "nothing said yet".to_owned(),
            },
            since: words::date(line.created_at),
        }
    }
}

/// The two of a direct one, as its key has them.
fn pair(key: &str) -> Option<[UserId; 2]> {
    let (low, high) = key.split_once(':')?;
    Some([UserId(low.parse().ok()?), UserId(high.parse().ok()?)])
}

/// `GET /admin/conversations/{id}`.
pub(in crate::web) async fn show(
    app: App,
    Admin(login): Admin,
    id: Path<i64>,
    after: Query<After>,
) -> Result<HttpResponse, Problem> {
    let row = find(&app, *id).await?;
    let (id, last) = (row.id, row.last_seq);
    let after = after.place().map(|place| UserId(place.id));
    let mut found = app.store.parts(id, after, LIMIT + 1).await?;
    let end = paging::cut(&mut found, LIMIT).map(|part| part.user.id);
    let page = Page {
        csrf_token: app.csrf.of_login(login.id),
        here: "conversations",
        can_close: row.kind == Kind::Group && row.open,
        last,
        delivered_low: row.delivered_low,
        read_low: row.read_low,
        it: named(&app, row).await?,
        parts: found.into_iter().map(Row::from).collect(),
        first: after.map(|_| format!("/admin/conversations/{id}")),
        next: end.map(|user| format!("/admin/conversations/{id}?after={user}")),
    };
    page_as(StatusCode::OK, &page)
}

impl From<Part> for Row {
    fn from(part: Part) -> Self {
        Self {
            id: part.user.id,
            name: part.user.display_name,
            role: match part.role {
                _ if part.has_left => "left",
                Role::Owner => "owner",
                Role::Admin => "admin",
                Role::Member => "",
            },
            delivered: part.delivered_seq,
            read: part.read_seq,
        }
    }
}

/// A conversation by its id.
pub(super) async fn find(app: &State, id: i64) -> Result<conversation::Model, Problem> {
    let found = app.store.conversation_row(ConversationId(id)).await?;
    found.ok_or_else(Problem::not_found)
}

/// It, in words.
async fn named(app: &State, row: conversation::Model) -> Result<Brief, Problem> {
    let all = Brief::all(app, vec![line(row)], Millis::now()).await?;
    all.into_iter().next().ok_or_else(Problem::internal)
}

/// What a conversation is called.
pub(super) async fn name(app: &State, id: i64) -> Result<String, Problem> {
    Ok(named(app, find(app, id).await?).await?.name)
}

/// `GET /admin/conversations/{id}/close`.
pub(in crate::web) async fn ask_to_close(
    app: App,
    Admin(login): Admin,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    closing(&app, *id, "").await?.page(&app, &login, None)
}

/// `POST /admin/conversations/{id}/close`.
pub(in crate::web) async fn close(
    app: App,
    Admin(login): Admin,
    (id, request): (Path<i64>, HttpRequest),
    Form(why): Form<Why>,
) -> Result<HttpResponse, Problem> {
    let sheet = closing(&app, *id, &why.reason).await?;
    let group = ConversationId(*id);
    let done = match why.of(super::act(&app, &login, &request)) {
        Ok(act) => {
            let (store, by) = (app.store.clone(), User::from(&login.user));
            let close = async move { store.close_group(group, by, &act).await };
            app.engine.from_outside(group, close).await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(go_on(&sheet.back, [])),
        Err(problem) => sheet.page(&app, &login, Some(&problem)),
    }
}

async fn closing(app: &State, id: i64, reason: &str) -> Result<Sheet, Problem> {
    Ok(Sheet {
        here: "conversations",
        title: format!("Close {}", name(app, id).await?),
        lead: vec![
            "This can’t be undone. Nobody is in the group any more and nothing more is said \
             there; everybody keeps what they could read."
                .to_owned(),
        ],
        fields: vec![Field::reason(reason)],
        submit: "Close the group",
        is_grave: true,
        action: format!("/admin/conversations/{id}/close"),
        back: format!("/admin/conversations/{id}"),
    })
}
