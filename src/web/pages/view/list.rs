//! The list of conversations, and of contacts without a conversation.

use entity::{ConnectionId, ConversationId, InvitationId, Millis};

use super::row::{self, ConversationListItem};
use crate::protocol::connection::ConnectionStatus;
use crate::protocol::invitation::Invitation;
use crate::protocol::message::isolate_name;
use crate::protocol::user::find_lookalikes;
use crate::protocol::{Connection, Conversation, User};
use crate::web::display::avatars::Avatar;

/// A contact outside of the list of conversations.
pub(in crate::web) struct ContactView {
    pub(in crate::web) id: ConnectionId,
    pub(in crate::web) name: String,
    pub(in crate::web) username: String,
    pub(in crate::web) avatar: Avatar,
}

/// A group to which the user is invited back.
pub(in crate::web) struct InvitationView {
    pub(in crate::web) id: InvitationId,
    pub(in crate::web) title: String,
    pub(in crate::web) inviter: String,
    pub(in crate::web) avatar: Avatar,
}

impl InvitationView {
    pub(in crate::web) fn of(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            title: invitation.title.clone(),
            inviter: isolate_name(&invitation.inviter.display_name),
            avatar: Avatar::from_name(&invitation.title),
        }
    }
}

/// Returns the connections in this state as contacts.
pub(in crate::web) fn contact_views(
    connections: &[Connection],
    state: ConnectionStatus,
) -> Vec<ContactView> {
    let fitting = connections.iter().filter(|it| it.state == state);
    fitting
        .map(|connection| ContactView {
            id: connection.id,
            name: connection.user.display_name.clone(),
            username: connection.user.username.clone(),
            avatar: Avatar::from_name(&connection.user.display_name),
        })
        .collect()
}

/// Returns the conversations and the contacts without one, sorted by time. A
/// contact's time is that of the connection.
pub(in crate::web) fn conversation_items(
    found: &[Conversation],
    silent: &[Connection],
    me: &User,
    now: Millis,
    opened: Option<ConversationId>,
) -> Vec<ConversationListItem> {
    let others = found
        .iter()
        .filter_map(|it| row::other_participant(it, me.id));
    let others = others.map(|other| &other.user);
    let contacts = find_lookalikes(others.chain(silent.iter().map(|it| &it.user)).chain([me]));
    let known = found
        .iter()
        .map(|it| ConversationListItem::new(it, me.id, now, opened, &contacts));
    let mut rows: Vec<ConversationListItem> = known.collect();
    if silent.is_empty() {
        return rows;
    }
    rows.extend(
        silent
            .iter()
            .map(|it| ConversationListItem::for_contact(it, now, &contacts)),
    );
    rows.sort_by_key(|row| std::cmp::Reverse((row.is_pinned, row.at)));
    rows
}
