//! The list of conversations, a page for each one with its members, and the
//! closing of a group. The pages with messages are in [`super::messages`].

use std::collections::HashMap;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use entity::conversation::{self, ConversationKind};
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;

use super::action_form::{ActionForm, FormField};
use super::{KeysetQuery, ListChoice, PAGE_SIZE, ReasonForm, list_url, words};
use crate::protocol::{Problem, User, Username};
use crate::store::{
    AdminListQuery, ConversationListRow, ConversationOrder, ParticipantRecord, SearchTerms,
};
use crate::web::audit_context::audit_context;
use crate::web::auth::AdminLogin;
use crate::web::body::FormBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::display::times;
use crate::web::rendering::{redirect_to, render_template};
use crate::web::{AppData, AppState, assets, paging};

#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct ConversationSearchQuery {
    q: String,
    sort: String,
    #[serde(flatten)]
    after: KeysetQuery,
}

/// The values of `sort` with their labels.
const CHOICES: [(&str, &str); 3] = [
    ("", "Latest message first"),
    ("size", "Most members first"),
    ("newest", "Newest first"),
];

/// A conversation in a list, as displayed.
pub(super) struct ConversationBriefView {
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
struct ConversationListPage<'a> {
    csrf_token: String,
    here: &'static str,
    asked: &'a ConversationSearchQuery,
    choices: Vec<ListChoice>,
    conversations: Vec<ConversationBriefView>,
    first: Option<String>,
    next: Option<String>,
}

/// A participant of a conversation, as displayed.
struct ConversationMemberView {
    id: UserId,
    name: String,
    role: &'static str,
    delivered: i64,
    read: i64,
}

#[derive(Template)]
#[template(path = "admin/conversation.html")]
struct AdminConversationPage {
    csrf_token: String,
    here: &'static str,
    it: ConversationBriefView,
    can_close: bool,
    last: i64,
    delivered_low: i64,
    read_low: i64,
    parts: Vec<ConversationMemberView>,
    first: Option<String>,
    next: Option<String>,
}

/// `GET /admin/conversations`.
pub(in crate::web) async fn list(
    app: AppData,
    AdminLogin(login): AdminLogin,
    asked: StrictQuery<ConversationSearchQuery>,
) -> Result<HttpResponse, Problem> {
    let mut found = match asked.resolve(&app).await? {
        ConversationLookup::One(id) => {
            let row = app.store.moderation().load_conversation(id).await?;
            row.into_iter().map(to_line).collect()
        }
        ConversationLookup::NoSuchUser => Vec::new(),
        ConversationLookup::Many(order) => {
            let listing = AdminListQuery {
                order,
                after: asked.after.cursor(),
                limit: PAGE_SIZE + 1,
            };
            app.store.moderation().list_conversations(&listing).await?
        }
    };
    let last = paging::truncate_page(&mut found, PAGE_SIZE);
    let next = last.map(|line| asked.page_url(&line.key, &line.id.0.to_string()));
    let page = ConversationListPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "conversations",
        first: asked.after.cursor().map(|_| asked.page_url("", "")),
        asked: &asked,
        choices: asked.choices(),
        conversations: ConversationBriefView::load_all(&app, found, Millis::now()).await?,
        next,
    };
    render_template(StatusCode::OK, &page)
}

/// The result of resolving the search query.
enum ConversationLookup {
    One(ConversationId),
    Many(ConversationOrder),
    /// The query names a user who doesn't exist.
    NoSuchUser,
}

impl ConversationSearchQuery {
    async fn resolve(&self, app: &AppState) -> Result<ConversationLookup, Problem> {
        let q = self.q.trim();
        if let Some(name) = q.strip_prefix('@') {
            let Ok(username) = Username::parse(name) else {
                return Ok(ConversationLookup::NoSuchUser);
            };
            let found = app.store.users().find_by_name(&username).await?;
            let of = |user: entity::user::Model| {
                ConversationLookup::Many(ConversationOrder::OfUser(user.id))
            };
            return Ok(found.map_or(ConversationLookup::NoSuchUser, of));
        }
        if let Ok(id) = q.parse() {
            return Ok(ConversationLookup::One(ConversationId(id)));
        }
        let words = SearchTerms::parse(q);
        Ok(ConversationLookup::Many(match &*self.sort {
            _ if !words.is_empty() => ConversationOrder::TitleSearch(words),
            "size" => ConversationOrder::Size,
            "newest" => ConversationOrder::Newest,
            _ => ConversationOrder::Activity,
        }))
    }

    /// Returns whether there is a search query. Its results have their own
    /// order.
    fn is_found(&self) -> bool {
        !self.q.trim().is_empty()
    }

    fn choices(&self) -> Vec<ListChoice> {
        let choices = CHOICES.into_iter().map(|(value, label)| ListChoice {
            value,
            label,
            is_chosen: value == self.sort,
            is_out: false,
        });
        choices.collect()
    }

    /// Returns the URL of the page after the row with this key and id. Both are
    /// empty for the first page.
    fn page_url(&self, key: &str, id: &str) -> String {
        let asked = [
            ("q", self.q.clone()),
            ("sort", self.sort.clone()),
            ("key", key.to_owned()),
            ("after", id.to_owned()),
        ];
        list_url("/admin/conversations", asked)
    }
}

fn to_line(row: conversation::Model) -> ConversationListRow {
    ConversationListRow {
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

impl ConversationBriefView {
    /// Builds the rows of `lines`. A direct conversation is named after both
    /// users.
    pub(super) async fn load_all(
        app: &AppState,
        lines: Vec<ConversationListRow>,
        now: Millis,
    ) -> Result<Vec<Self>, Problem> {
        let pairs = lines
            .iter()
            .filter_map(|line| parse_direct_key(line.direct_key.as_deref()?));
        let ids: Vec<UserId> = pairs.flatten().collect();
        let people = app.store.users().list_by_id(&ids).await?;
        let names: HashMap<UserId, String> = people
            .into_iter()
            .map(|user| (user.id, user.display_name))
            .collect();
        let all = lines
            .into_iter()
            .map(|line| Self::from_line(line, &names, now));
        Ok(all.collect())
    }

    fn from_line(line: ConversationListRow, names: &HashMap<UserId, String>, now: Millis) -> Self {
        let both = line
            .direct_key
            .as_deref()
            .and_then(parse_direct_key)
            .map(|pair| {
                let named = pair.map(|id| names.get(&id).map_or("?", |name| name));
                named.join(" and ")
            });
        let count = u64::try_from(line.participant_count).unwrap_or_default();
        let messages = u64::try_from(line.last_seq).unwrap_or_default();
        let people = match count {
            1 => "1 member".to_owned(),
            count => format!("{count} members"),
        };
        Self {
            id: line.id,
            name: line.title.or(both).unwrap_or_default(),
            what: match line.kind {
                ConversationKind::Direct => "direct",
                ConversationKind::Group => "group",
            },
            is_closed: line.kind == ConversationKind::Group && !line.open,
            size: format!("{people}, {}", times::pluralize(messages, "message")),
            active: match line.last_message_at {
                Some(at) => format!("last message {}", times::format_ago(at, now)),
                None => "no messages yet".to_owned(),
            },
            since: words::format_date(line.created_at),
        }
    }
}

/// Parses the key of a direct conversation: the ids of its two users.
fn parse_direct_key(key: &str) -> Option<[UserId; 2]> {
    let (low, high) = key.split_once(':')?;
    Some([UserId(low.parse().ok()?), UserId(high.parse().ok()?)])
}

/// `GET /admin/conversations/{id}`.
pub(in crate::web) async fn show(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    after: StrictQuery<KeysetQuery>,
) -> Result<HttpResponse, Problem> {
    let row = find_conversation(&app, *id).await?;
    let (id, last) = (row.id, row.last_seq);
    let after = after.cursor().map(|place| UserId(place.id));
    let mut found = app
        .store
        .moderation()
        .list_participants(id, after, PAGE_SIZE + 1)
        .await?;
    let end = paging::truncate_page(&mut found, PAGE_SIZE).map(|part| part.user.id);
    let page = AdminConversationPage {
        csrf_token: app.csrf.issue_for_login(login.id),
        here: "conversations",
        can_close: row.kind == ConversationKind::Group && row.open,
        last,
        delivered_low: row.delivered_low,
        read_low: row.read_low,
        it: load_brief(&app, row).await?,
        parts: found
            .into_iter()
            .map(ConversationMemberView::from)
            .collect(),
        first: after.map(|_| format!("/admin/conversations/{id}")),
        next: end.map(|user| format!("/admin/conversations/{id}?after={user}")),
    };
    render_template(StatusCode::OK, &page)
}

impl From<ParticipantRecord> for ConversationMemberView {
    fn from(part: ParticipantRecord) -> Self {
        Self {
            id: part.user.id,
            name: part.user.display_name,
            role: match part.role {
                _ if part.has_left => "left",
                MemberRole::Owner => "owner",
                MemberRole::Admin => "admin",
                MemberRole::Member => "",
            },
            delivered: part.delivered_seq,
            read: part.read_seq,
        }
    }
}

/// Returns the conversation with this id.
pub(super) async fn find_conversation(
    app: &AppState,
    id: i64,
) -> Result<conversation::Model, Problem> {
    let found = app
        .store
        .moderation()
        .load_conversation(ConversationId(id))
        .await?;
    found.ok_or_else(Problem::not_found)
}

/// Returns the displayed form of a row.
async fn load_brief(
    app: &AppState,
    row: conversation::Model,
) -> Result<ConversationBriefView, Problem> {
    let all = ConversationBriefView::load_all(app, vec![to_line(row)], Millis::now()).await?;
    all.into_iter().next().ok_or_else(Problem::internal)
}

/// Returns the name of a conversation.
pub(super) async fn conversation_name(app: &AppState, id: i64) -> Result<String, Problem> {
    Ok(load_brief(app, find_conversation(app, id).await?)
        .await?
        .name)
}

/// `GET /admin/conversations/{id}/close`.
pub(in crate::web) async fn confirm_closing(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    closing_form(&app, *id, "")
        .await?
        .render(&app, &login, None)
}

/// `POST /admin/conversations/{id}/close`.
pub(in crate::web) async fn close(
    app: AppData,
    AdminLogin(login): AdminLogin,
    id: StrictPath<i64>,
    request: HttpRequest,
    FormBody(why): FormBody<ReasonForm>,
) -> Result<HttpResponse, Problem> {
    let sheet = closing_form(&app, *id, &why.reason).await?;
    let group = ConversationId(*id);
    let done = match why.add_to(audit_context(&app, &login, &request)) {
        Ok(act) => {
            let (store, by) = (app.store.clone(), User::from(&login.user));
            let close = async move { store.moderation().close_group(group, by, &act).await };
            app.engine.apply_external_change(group, close).await
        }
        Err(problem) => Err(problem),
    };
    match done {
        Ok(()) => Ok(redirect_to(&sheet.back, [])),
        Err(problem) => sheet.render(&app, &login, Some(&problem)),
    }
}

async fn closing_form(app: &AppState, id: i64, reason: &str) -> Result<ActionForm, Problem> {
    Ok(ActionForm {
        here: "conversations",
        title: format!("Close {}", conversation_name(app, id).await?),
        lead: vec![
            "This can’t be undone. All members leave the group, and it accepts no more messages. \
             They can still read earlier messages."
                .to_owned(),
        ],
        fields: vec![FormField::reason(reason)],
        submit: "Close the group",
        is_grave: true,
        action: format!("/admin/conversations/{id}/close"),
        back: format!("/admin/conversations/{id}"),
    })
}
