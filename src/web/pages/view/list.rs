//! What stands in the list: the conversations, and people beside them.

use entity::{ConnectionId, ConversationId, InvitationId, Millis};

use super::avatar::Avatar;
use super::row::{self, Row};
use crate::protocol::connection::State;
use crate::protocol::invitation::Invitation;
use crate::protocol::message::isolate;
use crate::protocol::user::alike;
use crate::protocol::{Connection, Conversation, User};

/// Somebody beside the conversations.
pub(in crate::web) struct Face {
    pub(in crate::web) id: ConnectionId,
    pub(in crate::web) name: String,
    pub(in crate::web) username: String,
    pub(in crate::web) avatar: Avatar,
}

/// A group to which the user is invited back.
pub(in crate::web) struct Invited {
    pub(in crate::web) id: InvitationId,
    pub(in crate::web) title: String,
    pub(in crate::web) inviter: String,
    pub(in crate::web) avatar: Avatar,
}

impl Invited {
    pub(in crate::web) fn of(invitation: &Invitation) -> Self {
        Self {
            id: invitation.id,
            title: invitation.title.clone(),
            inviter: isolate(&invitation.inviter.display_name),
            avatar: Avatar::of(&invitation.title),
        }
    }
}

/// Those with whom it has come so far.
pub(in crate::web) fn faces(connections: &[Connection], state: State) -> Vec<Face> {
    let fitting = connections.iter().filter(|it| it.state == state);
    fitting
        .map(|connection| Face {
            id: connection.id,
            name: connection.user.display_name.clone(),
            username: connection.user.username.clone(),
            avatar: Avatar::of(&connection.user.display_name),
        })
        .collect()
}

/// The conversations, and those with whom one could begin one: by time, as a
/// conversation would stand whose last word is that they met.
pub(in crate::web) fn rows(
    found: &[Conversation],
    silent: &[Connection],
    (me, now): (&User, Millis),
    opened: Option<ConversationId>,
) -> Vec<Row> {
    let others = found.iter().filter_map(|it| row::other(it, me.id));
    let others = others.map(|other| &other.user);
    let contacts = alike(others.chain(silent.iter().map(|it| &it.user)).chain([me]));
    let known = found
        .iter()
        .map(|it| Row::new(it, (me.id, now), opened, &contacts));
    let mut rows: Vec<Row> = known.collect();
    if silent.is_empty() {
        return rows;
    }
    rows.extend(silent.iter().map(|it| Row::hello(it, now, &contacts)));
    rows.sort_by_key(|row| std::cmp::Reverse((row.is_pinned, row.at)));
    rows
}
