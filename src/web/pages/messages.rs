//! `/messages`: the list of conversations, and beside it the one that is
//! open. A form goes to the page that it is on, so that a refusal shows that
//! again, with what was typed.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;

use super::live::{Blank, Start};
use super::opening::{blank, open};
use super::settings::NoticeLine;
use super::view::avatar::Avatar;
use super::view::bubble::Bubble;
use super::view::list::{Face, Invited, faces, rows};
use super::view::row::Row;
use super::view::thread::{Draft, Item, Open, Thread, page_of};
use super::visitor::Visitor;
use super::{HOME, go_on, page_as};
use crate::protocol::connection::State;
use crate::protocol::fields::FieldFaults;
use crate::protocol::{ClientId, Code, MessageContent, MessageText, Problem, Sending, User};
use crate::store::{ListCursor, Login, PageRequest, notices_of};
use crate::web::api::{conversations, person};
use crate::web::body::{Form, text_fields};
use crate::web::decoding::{Path, Query};
use crate::web::{App, assets, made};

/// How many conversations a page has.
const LIMIT: u64 = 50;
/// How many requests: more wait their turn.
const REQUESTS: u64 = 20;
/// How many of those whom one connected with last are offered to write to.
const NEWLY_CONNECTED: u64 = 5;

#[derive(Default, Deserialize)]
pub(in crate::web) struct Asked {
    conversation: Option<ConversationId>,
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    /// Where in the list.
    list: Option<String>,
}

#[derive(Default)]
pub(in crate::web) struct Written {
    text: String,
    client_id: String,
}

text_fields!(Written { text, client_id });

/// What the page shows beside one's list as it is.
#[derive(Default)]
pub(super) struct Scene {
    pub(super) list: Option<String>,
    pub(super) open: Option<Open>,
    /// What was filled into the form that finds people, and why that is
    /// refused.
    pub(super) sought: String,
    pub(super) refused: Option<Refused>,
    /// Up to which people version `open` has names, if that was read before.
    pub(super) people_version: Option<i64>,
}

/// Why a form was refused, in words.
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

#[derive(Template)]
#[template(path = "messages/index.html")]
struct Page<'a> {
    csrf_token: String,
    me: &'a str,
    my_avatar: Avatar,
    unread: i64,
    invited: Vec<Invited>,
    asking: Vec<Face>,
    asked: Vec<Face>,
    rows: Vec<Row>,
    older: Option<String>,
    is_first: bool,
    sought: &'a str,
    refused: Option<&'a str>,
    /// The newest thing that happened to the account.
    notice: Option<NoticeLine>,
    thread: Option<Thread<'a>>,
    /// For the script.
    state: String,
    blank_row: [Row; 1],
    blank_messages: [Bubble<'a>; 2],
    blank_thread: [Thread<'a>; 1],
}

impl Page<'_> {
    /// Somebody who is new here, and has to be told where to begin.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.asking.is_empty() && self.invited.is_empty()
    }

    /// What to do first, said once: beside the list where there is room.
    fn welcome(&self) -> &'static str {
        "Nobody to write to yet. Search for somebody you know, and ask to connect. Once they \
         accept, you can write to each other."
    }

    /// So many wait for one, or one for them, that they stand folded.
    fn is_folded(&self) -> bool {
        self.invited.len() + self.asking.len() + self.asked.len() > 1
    }

    /// What they are called then.
    fn requests(&self) -> String {
        let groups = match self.invited.len() {
            0 => None,
            1 => Some("1 group invitation".to_owned()),
            count => Some(format!("{count} group invitations")),
        };
        let people = match (self.asking.len(), self.asked.len()) {
            (0, _) if groups.is_some() => None,
            (0, asked) => Some(format!("You asked {asked} people to connect")),
            (1, _) => Some("1 person would like to connect".to_owned()),
            (asking, _) => Some(format!("{asking} people would like to connect")),
        };
        let parts: Vec<String> = groups.into_iter().chain(people).collect();
        parts.join(" · ")
    }
}

/// `GET /`.
pub(in crate::web) async fn home(visitor: Visitor) -> HttpResponse {
    let Visitor(_) = visitor;
    go_on(HOME, [])
}

/// `GET /messages`.
pub(in crate::web) async fn show(
    app: App,
    Visitor(login): Visitor,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let people_version = Some(app.engine.people_version());
    let open = match asked.conversation {
        Some(id) => Some(open(&app, &login, (id, asked.place()), Draft::new()?).await?),
        None => None,
    };
    let list = asked.list;
    let scene = Scene {
        list,
        open,
        people_version,
        ..Scene::default()
    };
    page(&app, &login, scene).await
}

/// `POST /messages?conversation={id}`.
pub(in crate::web) async fn send(
    app: App,
    Visitor(login): Visitor,
    asked: Query<Asked>,
    Form(written): Form<Written>,
) -> Result<HttpResponse, Problem> {
    let id = asked.conversation.ok_or_else(Problem::not_found)?;
    match post(&app, login.user.id, id, &written).await {
        Ok(()) => Ok(go_on(&page_of(id), [])),
        Err(problem) => {
            let draft = Draft::kept(written, problem)?;
            let latest = Some(PageRequest::Latest);
            let open = open(&app, &login, (id, latest), draft).await?;
            page(&app, &login, Scene::of(open)).await
        }
    }
}

/// `GET /messages/chat/{username}/`.
pub(in crate::web) async fn chat(
    app: App,
    Visitor(login): Visitor,
    username: Path<String>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    let me = login.user.id;
    if let Some(id) = app.store.direct_between(me, them.id).await? {
        return Ok(go_on(&page_of(id), []));
    }
    let open = blank(&login, app.store.profile(me, &them).await?, Draft::new()?)?;
    page(&app, &login, Scene::of(open)).await
}

/// `POST /messages/chat/{username}/`: the first message to somebody.
pub(in crate::web) async fn send_first(
    app: App,
    Visitor(login): Visitor,
    username: Path<String>,
    Form(written): Form<Written>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    let me = login.user.id;
    let posted = async {
        let id = match written.content() {
            Ok(_) => app.store.open_direct(me, them.id, Millis::now()).await?.0,
            // It may be a retry, in the conversation that the first one opened.
            Err(fault) => {
                let found = app.store.direct_between(me, them.id).await?;
                found.ok_or(fault)?
            }
        };
        post(&app, me, id, &written).await?;
        Ok(id)
    };
    match posted.await {
        Ok(id) => Ok(go_on(&page_of(id), [])),
        Err(problem) => {
            let draft = Draft::kept(written, problem)?;
            let open = blank(&login, app.store.profile(me, &them).await?, draft)?;
            page(&app, &login, Scene::of(open)).await
        }
    }
}

/// Posts what a form says. Browsers may keep a form's hidden field over its
/// sending; who goes back and writes something else means something else.
async fn post(app: &App, me: UserId, id: ConversationId, written: &Written) -> Result<(), Problem> {
    let sending = Sending {
        client_id: ClientId::parse(&written.client_id).ok(),
        content: written.content(),
    };
    let sent = app.engine.send_message(id, me, sending).await?;
    match written.content() {
        Ok(content) if !sent.is_new && sent.message.text != content.text.as_str() => {
            let anew = Sending {
                client_id: None,
                content: Ok(content),
            };
            app.engine.send_message(id, me, anew).await.map(drop)
        }
        _ => Ok(()),
    }
}

impl Written {
    fn content(&self) -> Result<MessageContent, Problem> {
        let mut faults = FieldFaults::default();
        let text = faults.check("text", MessageText::parse(&self.text));
        let reply_to = None;
        faults.finish(text.map(|text| MessageContent { text, reply_to }))
    }
}

/// The page, with the list as it is now.
pub(super) async fn page(app: &App, login: &Login, scene: Scene) -> Result<HttpResponse, Problem> {
    let (me, now) = (login.user.id, Millis::now());
    let people_version = app.engine.people_version();
    let people_version = scene.people_version.unwrap_or(people_version);
    let cursor = scene.list.as_deref().map(conversations::read_cursor);
    let cursor = cursor.transpose()?;
    let is_first = cursor.is_none();
    let list = app.store.conversations(me, cursor, LIMIT).await?;
    let (found, next) = (list.conversations, list.next);
    let opened = scene.open.as_ref().and_then(|it| it.conversation.as_ref());
    let opened = opened.map(|conversation| conversation.id);
    let waiting = app.store.waiting_connections(me, REQUESTS).await?;
    let invitations = app.store.group_invitations(me, None, REQUESTS).await?;
    let silent = app.store.silent_connections(me, NEWLY_CONNECTED).await?;
    let unread = app.store.total_unread(me, now).await?;
    let connections = waiting.iter().chain(&silent).collect();
    let lists = (found.as_slice(), connections);
    // Where all are listed, the list itself says it.
    let has_archived = next.is_some() && app.store.has_archived(me).await?;
    let start = Start::new(login, lists, (unread, now), scene.open.as_ref());
    let start = start.with_archived(has_archived);
    let start = start.with_history(app.engine.epoch(), people_version);
    let start = start.with_invitations(&invitations);
    let blank = Blank::new();
    let hellos = if is_first { silent.as_slice() } else { &[] };
    let page = Page {
        state: start.json()?,
        blank_row: [Blank::row()],
        blank_messages: [blank.message(), blank.system()],
        blank_thread: [blank.thread(login)],
        csrf_token: app.csrf.of_login(login.id),
        me: &login.user.display_name,
        my_avatar: Avatar::of(&login.user.display_name),
        unread,
        invited: invitations.iter().map(Invited::of).collect(),
        asking: faces(&waiting, State::Incoming),
        asked: faces(&waiting, State::Requested),
        older: next.map(|next| older(next, opened)),
        rows: rows(&found, hellos, (&User::from(&login.user), now), opened),
        is_first,
        sought: &scene.sought,
        notice: notices_of(&login.user).first().map(NoticeLine::of),
        refused: scene.refused.as_ref().map(|refused| &*refused.detail),
        thread: scene.open.as_ref().map(|open| Thread::new(open, me, now)),
    };
    page_as(scene.status(), &page)
}

/// Where the list goes on, with the same conversation beside it.
fn older(cursor: ListCursor, opened: Option<ConversationId>) -> String {
    let cursor = conversations::write_cursor(cursor);
    match opened {
        Some(id) => format!("{}&list={cursor}", page_of(id)),
        None => format!("{HOME}?list={cursor}"),
    }
}

impl Asked {
    fn place(&self) -> Option<PageRequest> {
        match (self.before, self.after, self.around) {
            (Some(seq), _, _) => Some(PageRequest::Before(seq)),
            (None, Some(seq), _) => Some(PageRequest::After(seq)),
            (None, None, Some(seq)) => Some(PageRequest::Around(seq)),
            (None, None, None) => None,
        }
    }
}

impl Scene {
    fn of(open: Open) -> Self {
        Self {
            open: Some(open),
            ..Self::default()
        }
    }

    fn status(&self) -> StatusCode {
        let refused = self.refused.as_ref().map(|refused| refused.status);
        let draft = self.open.as_ref().and_then(|it| it.draft.problem.as_ref());
        let unsent = draft.map(Problem::status_code);
        refused.or(unsent).unwrap_or(StatusCode::OK)
    }
}

impl Draft {
    /// Nothing yet.
    fn new() -> Result<Self, Problem> {
        Ok(Self {
            client_id: made::word()?,
            ..Self::default()
        })
    }

    /// What was typed and refused, with the same name: should it have been
    /// sent after all, a second try is known to be one.
    fn kept(written: Written, problem: Problem) -> Result<Self, Problem> {
        let is_fine = ClientId::parse(&written.client_id).is_ok();
        let client_id = match problem.code {
            Code::ClientIdReused => Self::new()?.client_id,
            _ if !is_fine => Self::new()?.client_id,
            _ => written.client_id,
        };
        Ok(Self {
            text: written.text,
            client_id,
            problem: Some(problem),
        })
    }
}
