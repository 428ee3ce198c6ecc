//! What a page of `/messages` has open: a conversation at a place in its
//! history, or one that begins with the first message.

use entity::{ConversationId, UserId};

use super::view::row;
use super::view::thread::{Draft, Open, unread};
use crate::protocol::user::Standing;
use crate::protocol::{Conversation, Problem, Profile, User};
use crate::store::{Login, Page as History, PageRequest, View};
use crate::web::App;

/// How many messages a page has.
const LIMIT: u64 = 50;

/// A conversation, at a place in its history; where none is asked for, where
/// reading goes on.
pub(super) async fn open(
    app: &App,
    login: &Login,
    (id, place): (ConversationId, Option<PageRequest>),
    draft: Draft,
) -> Result<Open, Problem> {
    let me = login.user.id;
    let conversation = app.store.conversation(me, id).await?;
    let asked = place.unwrap_or_else(|| first_new(&conversation, me));
    let mut page = history_of(app, (me, id), asked).await?;
    if place.is_none()
        && let Some((read, _)) = unread(&conversation, me)
        && asked == PageRequest::Latest
        && starts_after(&page, read)
    {
        let place = PageRequest::Around(read.saturating_add(1));
        page = history_of(app, (me, id), place).await?;
    }
    let them = match row::other(&conversation, me) {
        Some(them) => app.store.user(them.user.id).await?,
        None => None,
    };
    let them = match them {
        Some(them) => Some(app.store.profile(me, &them).await?),
        None => None,
    };
    let open = Open {
        conversation: Some(conversation),
        them,
        page,
        draft,
        ..Open::default()
    };
    Ok(open.with_namesakes(&User::from(&login.user)))
}

async fn history_of(
    app: &App,
    (me, id): (UserId, ConversationId),
    place: PageRequest,
) -> Result<History, Problem> {
    let page = app.store.history((View::Of(me), id), place, LIMIT).await?;
    page.ok_or_else(Problem::not_found)
}

/// Whether a page of long messages ends before it reaches the first message
/// after this read marker.
fn starts_after(page: &History, read: i64) -> bool {
    let first = page.messages.first();
    page.has_older && first.is_some_and(|first| first.seq > read.saturating_add(1))
}

/// The first that is new, where the newest page doesn't hold it.
fn first_new(conversation: &Conversation, me: UserId) -> PageRequest {
    match unread(conversation, me) {
        Some((read, _)) if conversation.last_seq.saturating_sub(read) >= LIMIT.cast_signed() => {
            PageRequest::Around(read.saturating_add(1))
        }
        _ => PageRequest::Latest,
    }
}

/// A conversation that begins with the first message to somebody: there is
/// none with those whom one isn't connected with.
pub(super) fn blank(login: &Login, them: Profile, draft: Draft) -> Result<Open, Problem> {
    if them.connection != Standing::Connected {
        return Err(Problem::not_found());
    }
    let open = Open {
        them: Some(them),
        draft,
        ..Open::default()
    };
    Ok(open.with_namesakes(&User::from(&login.user)))
}
