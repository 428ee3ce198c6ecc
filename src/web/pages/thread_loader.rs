//! Loads the open thread of a `/messages` page: a conversation at a position in
//! its history, or a new one.

use entity::conversation::ConversationKind;
use entity::{ConversationId, UserId};

use super::view::info::OpenInfo;
use super::view::row;
use super::view::thread::{ComposerDraft, OpenThread, unread_state};
use crate::protocol::{Conversation, Problem, User, UserProfile};
use crate::store::{ActiveLogin, HistoryAnchor, HistoryReader, HistorySlice as History};
use crate::web::{AppData, paging};

/// The number of messages on a page.
const PAGE_SIZE: u64 = 50;

/// Loads a conversation at a position in its history. Without a position, loads
/// the page with the first unread message.
pub(super) async fn load_thread(
    app: &AppData,
    login: &ActiveLogin,
    id: ConversationId,
    place: Option<HistoryAnchor>,
    draft: ComposerDraft,
) -> Result<OpenThread, Problem> {
    let me = login.user.id;
    let conversation = app.store.conversations().load(me, id).await?;
    let asked = place.unwrap_or_else(|| initial_page(&conversation, me));
    let mut page = load_history(app, me, id, asked).await?;
    if place.is_none()
        && let Some((read, _)) = unread_state(&conversation, me)
        && asked == HistoryAnchor::Latest
        && starts_after(&page, read)
    {
        let place = HistoryAnchor::Around(read.saturating_add(1));
        page = load_history(app, me, id, place).await?;
    }
    let them = match row::other_participant(&conversation, me) {
        Some(them) => app.store.users().find(them.user.id).await?,
        None => None,
    };
    let them = match them {
        Some(them) => Some(app.store.users().load_profile(me, &them).await?),
        None => None,
    };
    let open = OpenThread {
        conversation: Some(conversation),
        them,
        page,
        draft,
        ..OpenThread::default()
    };
    Ok(open.with_namesakes(&User::from(&login.user)))
}

/// Loads the info of a conversation: of a group, a page of its members after
/// `after`. Former members don't see who is a member now.
pub(super) async fn load_info(
    app: &AppData,
    open: &OpenThread,
    after: Option<UserId>,
) -> Result<OpenInfo, Problem> {
    let groups = open.conversation.iter();
    let mut groups = groups.filter(|it| it.kind == ConversationKind::Group && !it.left);
    let Some(group) = groups.next() else {
        return Ok(OpenInfo::default());
    };
    let groups = app.store.groups();
    let members = groups.list_members(group.id, after, PAGE_SIZE + 1);
    let mut members = members.await?;
    let next = paging::truncate_page(&mut members, PAGE_SIZE).map(|last| last.user.id);
    Ok(OpenInfo { members, next })
}

async fn load_history(
    app: &AppData,
    me: UserId,
    id: ConversationId,
    place: HistoryAnchor,
) -> Result<History, Problem> {
    let page = app
        .store
        .history()
        .load_page(HistoryReader::User(me), id, place, PAGE_SIZE)
        .await?;
    page.ok_or_else(Problem::not_found)
}

/// Returns whether a page starts after the first unread message, as a page of
/// long messages may.
fn starts_after(page: &History, read: i64) -> bool {
    let first = page.messages.first();
    page.has_older && first.is_some_and(|first| first.seq > read.saturating_add(1))
}

/// Returns the page around the first unread message, unless the newest page
/// holds it.
fn initial_page(conversation: &Conversation, me: UserId) -> HistoryAnchor {
    match unread_state(conversation, me) {
        Some((read, _))
            if conversation.last_seq.saturating_sub(read) >= PAGE_SIZE.cast_signed() =>
        {
            HistoryAnchor::Around(read.saturating_add(1))
        }
        _ => HistoryAnchor::Latest,
    }
}

/// Returns the view of a conversation that its first message will create.
pub(super) fn start_thread(
    login: &ActiveLogin,
    them: UserProfile,
    draft: ComposerDraft,
) -> OpenThread {
    let open = OpenThread {
        them: Some(them),
        draft,
        ..OpenThread::default()
    };
    open.with_namesakes(&User::from(&login.user))
}
