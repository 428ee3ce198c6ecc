//! The list of conversations, and of contacts without a conversation.

use std::collections::HashSet;

use entity::{ConnectionId, ConversationId, InvitationId, Millis, UserId};

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

/// The requests above the list.
pub(in crate::web) struct RequestViews {
    pub(in crate::web) invited: Vec<InvitationView>,
    /// Users who want to connect.
    pub(in crate::web) asking: Vec<ContactView>,
    /// Users who haven't accepted the user's request yet.
    pub(in crate::web) asked: Vec<ContactView>,
}

impl RequestViews {
    pub(in crate::web) fn new(
        invitations: &[Invitation],
        waiting: &[Connection],
        listed: &[Conversation],
        me: &User,
    ) -> Self {
        let users = other_users(listed, me.id).chain(waiting.iter().map(|it| &it.user));
        let namesakes = find_lookalikes(users.chain([me]));
        let views = |state| {
            let fitting = waiting.iter().filter(move |it| it.state == state);
            fitting.map(|it| ContactView::new(it, &namesakes)).collect()
        };
        Self {
            invited: invitations.iter().map(InvitationView::of).collect(),
            asking: views(ConnectionStatus::Incoming),
            asked: views(ConnectionStatus::Requested),
        }
    }

    pub(in crate::web) fn is_empty(&self) -> bool {
        self.to_answer() == 0 && self.asked.is_empty()
    }

    /// Returns the number of requests that the user can answer.
    pub(in crate::web) fn to_answer(&self) -> i64 {
        i64::try_from(self.invited.len() + self.asking.len()).unwrap_or_default()
    }

    /// Returns whether there are enough requests to fold them.
    pub(in crate::web) fn is_folded(&self) -> bool {
        self.invited.len() + self.asking.len() + self.asked.len() > 1
    }

    /// Returns the summary of the folded requests.
    pub(in crate::web) fn summary(&self) -> String {
        let groups = match self.invited.len() {
            0 => None,
            1 => Some("1 group invitation".to_owned()),
            count => Some(format!("{count} group invitations")),
        };
        let people = match (self.asking.len(), self.asked.len()) {
            (0, _) if groups.is_some() => None,
            (0, asked) => Some(format!("{asked} requests sent")),
            (1, _) => Some("1 person wants to connect".to_owned()),
            (asking, _) => Some(format!("{asking} people want to connect")),
        };
        let parts: Vec<String> = groups.into_iter().chain(people).collect();
        parts.join(" · ")
    }
}

impl ContactView {
    fn new(connection: &Connection, namesakes: &HashSet<UserId>) -> Self {
        let user = &connection.user;
        let name = if namesakes.contains(&user.id) {
            row::name_with_username(user)
        } else {
            user.display_name.clone()
        };
        Self {
            id: connection.id,
            name,
            username: user.username.clone(),
            avatar: Avatar::from_name(&user.display_name),
        }
    }
}

/// Returns the other users of direct conversations.
fn other_users(listed: &[Conversation], me: UserId) -> impl Iterator<Item = &User> {
    let others = listed
        .iter()
        .filter_map(move |it| row::other_participant(it, me));
    others.map(|other| &other.user)
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
    let others = other_users(found, me.id);
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
