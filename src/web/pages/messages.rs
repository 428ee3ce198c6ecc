//! `/messages`: the list of conversations beside the open one. A form posts to
//! the page that it is on, so that an error shows that page again with the
//! input.

mod draft;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use entity::{ConversationId, Millis, UserId};
use serde::Deserialize;

use super::initial_state::{BlankViews, InitialState};
use super::page_login::LoginOrRedirect;
use super::profile::profile_url;
use super::settings::NoticeLine;
use super::thread_loader::{load_info, load_thread, start_thread};
use super::view::bubble::MessageBubble;
use super::view::info::InfoView;
use super::view::list::{RequestViews, conversation_items};
use super::view::row::ConversationListItem;
use super::view::thread::{ComposerDraft, OpenThread, ThreadItem, ThreadView, conversation_url};
use crate::config::Registration;
use crate::protocol::fields::FieldFaults;
use crate::protocol::user::Relationship;
use crate::protocol::{ClientId, Conversation, MessageText, Problem, SubmittedMessage, User};
use crate::store::{ActiveLogin, ConversationListCursor, HistoryAnchor, parse_notices};
use crate::web::body::{FormBody, text_fields};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::display::avatars::Avatar;
use crate::web::lookups::find_user;
use crate::web::rendering::{HOME_PATH, redirect_to, render_template};
use crate::web::{AppData, assets, paging};

/// The number of conversations on a page.
const PAGE_SIZE: u64 = 50;
/// The maximum number of connection requests, and of group invitations, on a
/// page. More appear as the user answers these.
const MAX_REQUESTS: u64 = 20;
/// The number of recent connections without messages that the list offers.
const MAX_NEW_CONTACTS: u64 = 5;

#[derive(Default, Deserialize)]
pub(in crate::web) struct MessagesPageQuery {
    conversation: Option<ConversationId>,
    before: Option<i64>,
    after: Option<i64>,
    around: Option<i64>,
    /// The cursor in the list of conversations.
    list: Option<String>,
    /// Shows the info of the conversation if it is 1.
    info: Option<u8>,
    /// The cursor in the members of a group, which the info lists.
    members: Option<i64>,
}

#[derive(Default)]
pub(in crate::web) struct MessageForm {
    text: String,
    client_id: String,
}

text_fields!(MessageForm { text, client_id });

/// The state of the page apart from the list itself.
#[derive(Default)]
pub(super) struct MessagesPageState {
    pub(super) list: Option<String>,
    pub(super) open: Option<OpenThread>,
    /// The input of the form that finds users, and why it was rejected.
    pub(super) sought: String,
    pub(super) refused: Option<FormRefusal>,
    /// The people version up to which names in `open` are current; `None` means
    /// the present one.
    pub(super) people_version: Option<i64>,
}

/// Why a form was rejected, as shown to the user.
pub(super) struct FormRefusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
}

#[derive(Template)]
#[template(path = "messages/index.html")]
struct MessagesPage<'a> {
    csrf_token: String,
    me: &'a str,
    my_avatar: Avatar,
    /// The number of unread messages, and of requests to answer.
    waiting: i64,
    requests: RequestViews,
    rows: Vec<ConversationListItem>,
    /// The unread messages of archived conversations, if any is archived.
    archived: Option<i64>,
    /// Whether the user can invite people: registration is open.
    can_invite: bool,
    older: Option<String>,
    is_first: bool,
    sought: &'a str,
    refused: Option<&'a str>,
    /// The newest notice of the account.
    notice: Option<NoticeLine>,
    thread: Option<ThreadView<'a>>,
    info: Option<InfoView>,
    /// The data for the script.
    state: String,
    blank_row: [ConversationListItem; 1],
    blank_messages: [MessageBubble<'a>; 2],
    blank_thread: [ThreadView<'a>; 1],
}

impl MessagesPage<'_> {
    /// Returns whether the user has no conversations yet and needs an
    /// introduction.
    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.requests.to_answer() == 0
    }
}

/// `GET /`.
pub(in crate::web) async fn home(visitor: LoginOrRedirect) -> HttpResponse {
    let LoginOrRedirect(_) = visitor;
    redirect_to(HOME_PATH, [])
}

/// `GET /messages`.
pub(in crate::web) async fn show(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    asked: StrictQuery<MessagesPageQuery>,
) -> Result<HttpResponse, Problem> {
    let asked = asked.into_inner();
    let people_version = Some(app.engine.people_version());
    let open = match asked.conversation {
        Some(id) => {
            let draft = ComposerDraft::new()?;
            let mut open = load_thread(&app, &login, id, asked.page_request(), draft).await?;
            if asked.info == Some(1) {
                open.info = Some(load_info(&app, &open, asked.members.map(UserId)).await?);
            }
            Some(open)
        }
        None => None,
    };
    let list = asked.list;
    let scene = MessagesPageState {
        list,
        open,
        people_version,
        ..MessagesPageState::default()
    };
    render_page(&app, &login, scene).await
}

/// `POST /messages?conversation={id}`.
pub(in crate::web) async fn send(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    asked: StrictQuery<MessagesPageQuery>,
    FormBody(written): FormBody<MessageForm>,
) -> Result<HttpResponse, Problem> {
    let id = asked.conversation.ok_or_else(Problem::not_found)?;
    match post_message(&app, login.user.id, id, &written).await {
        Ok(()) => Ok(redirect_to(&conversation_url(id), [])),
        Err(problem) => {
            let draft = ComposerDraft::from_refused(written, problem)?;
            let latest = Some(HistoryAnchor::Latest);
            let open = load_thread(&app, &login, id, latest, draft).await?;
            render_page(&app, &login, MessagesPageState::with_thread(open)).await
        }
    }
}

/// `GET /messages/chat/{username}/`: the direct conversation, a page for its
/// first message, or the profile of a user without a connection.
pub(in crate::web) async fn show_chat(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    let me = login.user.id;
    if let Some(id) = app.store.conversations().find_direct(me, them.id).await? {
        return Ok(redirect_to(&conversation_url(id), []));
    }
    let profile = app.store.users().load_profile(me, &them).await?;
    if profile.connection != Relationship::Connected {
        return Ok(redirect_to(&profile_url(&them.username), []));
    }
    let open = start_thread(&login, profile, ComposerDraft::new()?);
    render_page(&app, &login, MessagesPageState::with_thread(open)).await
}

/// `POST /messages/chat/{username}/`: the first message to a user.
pub(in crate::web) async fn send_first(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    username: StrictPath<String>,
    FormBody(written): FormBody<MessageForm>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    let me = login.user.id;
    let posted = async {
        let id = match written.parse_text() {
            Ok(_) => {
                app.store
                    .conversations()
                    .open_direct(me, them.id, Millis::now())
                    .await?
                    .0
            }
            // The message may be a retry in the conversation that the first
            // attempt created.
            Err(fault) => {
                let found = app.store.conversations().find_direct(me, them.id).await?;
                found.ok_or(fault)?
            }
        };
        post_message(&app, me, id, &written).await?;
        Ok(id)
    };
    match posted.await {
        Ok(id) => Ok(redirect_to(&conversation_url(id), [])),
        Err(problem) => {
            let draft = ComposerDraft::from_refused(written, problem)?;
            let open = start_thread(
                &login,
                app.store.users().load_profile(me, &them).await?,
                draft,
            );
            render_page(&app, &login, MessagesPageState::with_thread(open)).await
        }
    }
}

/// Posts the message of a form. Browsers may restore a form's hidden
/// `client_id` when the user goes back. If the message with that `client_id`
/// has another text, this text is posted as a new message.
async fn post_message(
    app: &AppData,
    me: UserId,
    id: ConversationId,
    written: &MessageForm,
) -> Result<(), Problem> {
    let sending = SubmittedMessage {
        client_id: ClientId::parse(&written.client_id).ok(),
        text: written.parse_text(),
        reply_to: None,
    };
    let outcome = app.engine.send_message(id, me, sending).await?;
    let first = outcome.message().filter(|_| !outcome.is_written());
    match (first, written.parse_text()) {
        (Some(first), Ok(text)) if first.text != text.as_str() => {
            let anew = SubmittedMessage {
                client_id: None,
                text: Ok(text),
                reply_to: None,
            };
            app.engine.send_message(id, me, anew).await.map(drop)
        }
        _ => Ok(()),
    }
}

impl MessageForm {
    fn parse_text(&self) -> Result<MessageText, Problem> {
        let mut faults = FieldFaults::default();
        let text = faults.check("text", MessageText::parse(&self.text));
        faults.finish(text)
    }
}

/// Renders the page with the current list.
pub(super) async fn render_page(
    app: &AppData,
    login: &ActiveLogin,
    scene: MessagesPageState,
) -> Result<HttpResponse, Problem> {
    let (me, now) = (login.user.id, Millis::now());
    let people_version = app.engine.people_version();
    let people_version = scene.people_version.unwrap_or(people_version);
    let cursor = scene.list.as_deref().map(paging::read_list_cursor);
    let cursor = cursor.transpose()?;
    let is_first = cursor.is_none();
    let conversations = app.store.conversations();
    let list = conversations.list(me, cursor, PAGE_SIZE).await?;
    let (found, next) = (list.conversations, list.next);
    let opened = scene.open.as_ref().and_then(|it| it.conversation.as_ref());
    let opened = opened.map(|conversation| conversation.id);
    let contacts = app.store.connections();
    let waiting = contacts.list_pending(me, MAX_REQUESTS).await?;
    let silent = contacts.list_unused(me, MAX_NEW_CONTACTS).await?;
    let invitations = app.store.group_invitations();
    let invitations = invitations.list(me, None, MAX_REQUESTS).await?;
    let unread = app.store.unread().count_total(me, now).await?;
    let user = User::from(&login.user);
    let requests = RequestViews::new(&invitations, &waiting, &found, &user);
    let connections = waiting.iter().chain(&silent).collect();
    let archived = match next {
        None if is_first => sum_archived(&found),
        _ => app.store.unread().count_archived(me).await?,
    };
    let can_invite = app.settings.registration == Registration::Open;
    let start = InitialState::new(login, &found, connections, now, scene.open.as_ref());
    let start = start.with_unread(unread).with_first(is_first);
    let start = start.with_archived(archived).with_invite(can_invite);
    let start = start.with_history(app.engine.epoch(), people_version);
    let start = start.with_invitations(&invitations);
    let blank = BlankViews::new();
    let thread = scene.open.as_ref();
    let thread = thread.map(|open| (open, ThreadView::new(open, me, now)));
    let info = thread.as_ref();
    let info = info.and_then(|(open, thread)| InfoView::new(open, thread, me, now));
    let hellos = if is_first { silent.as_slice() } else { &[] };
    let page = MessagesPage {
        state: start.to_json()?,
        blank_row: [BlankViews::row()],
        blank_messages: [blank.message(), blank.system()],
        blank_thread: [blank.thread(login)],
        csrf_token: app.csrf.issue_for_login(login.id),
        me: &login.user.display_name,
        my_avatar: Avatar::from_name(&login.user.display_name),
        waiting: unread + requests.to_answer(),
        requests,
        older: next.map(|next| older_list_url(next, opened)),
        rows: conversation_items(&found, hellos, &user, now, opened),
        archived,
        can_invite,
        is_first,
        sought: &scene.sought,
        notice: parse_notices(&login.user).first().map(NoticeLine::of),
        refused: scene.refused.as_ref().map(|refused| &*refused.detail),
        thread: thread.map(|(_, thread)| thread),
        info,
    };
    render_template(scene.status(), &page)
}

/// Returns the number of unread messages in the archived conversations, if any
/// is archived.
fn sum_archived(listed: &[Conversation]) -> Option<i64> {
    let archived = listed.iter().filter(|it| it.archived);
    archived
        .map(|it| it.unread_count)
        .reduce(|sum, more| sum + more)
}

/// Returns the URL of the list's next page, with the same conversation open.
fn older_list_url(cursor: ConversationListCursor, opened: Option<ConversationId>) -> String {
    let cursor = paging::write_list_cursor(cursor);
    match opened {
        Some(id) => format!("{}&list={cursor}", conversation_url(id)),
        None => format!("{HOME_PATH}?list={cursor}"),
    }
}

impl MessagesPageQuery {
    fn page_request(&self) -> Option<HistoryAnchor> {
        match (self.before, self.after, self.around) {
            (Some(seq), _, _) => Some(HistoryAnchor::Before(seq)),
            (None, Some(seq), _) => Some(HistoryAnchor::After(seq)),
            (None, None, Some(seq)) => Some(HistoryAnchor::Around(seq)),
            (None, None, None) => None,
        }
    }
}

impl MessagesPageState {
    fn with_thread(open: OpenThread) -> Self {
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
