//! A Room's state without its actor, to benchmark the cost of a message.

use std::sync::Arc;

use entity::conversation::ConversationKind;
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};

use super::messages::ConversationCommand;
use super::state::RoomState;
use crate::protocol::{Message, MessageText, Problem, User};
use crate::store::append::{AppendOutcome, MarkerChanges, MessagePost};
use crate::store::{RoomMember, RoomRecord};

/// A group, and the message that its sender posts repeatedly.
pub struct BenchRoom {
    state: RoomState<()>,
    sender: UserId,
    post: Arc<MessagePost>,
}

impl BenchRoom {
    /// Creates a group of these users; the first one is the sender.
    ///
    /// # Errors
    /// `text_empty` if there is no text.
    pub fn new(people: Vec<User>, text: &str) -> Result<Self, Problem> {
        let speaker = people.first().map_or(UserId(0), |user| user.id);
        let members = people.into_iter().map(|user| RoomMember {
            user,
            role: MemberRole::Member,
            joined_at: Millis(0),
            joined_seq: 0,
            is_deactivated: false,
            unread: 0,
            muted_until: None,
            archived: false,
        });
        let record = RoomRecord {
            id: ConversationId(1),
            kind: ConversationKind::Group,
            open: true,
            opened_by: speaker,
            last_seq: 0,
            version: 0,
            members_version: 1,
            members: members.collect(),
        };
        let post = MessagePost {
            text: MessageText::parse(text)?,
            client_id: None,
            reply_to: None,
        };
        Ok(Self {
            state: RoomState::new(record, 0),
            sender: speaker,
            post: Arc::new(post),
        })
    }

    /// Posts the message and applies its commit. `message` is the stored
    /// message, in the next version. Returns the number of effects.
    pub fn post_message(&mut self, message: Arc<Message>) -> usize {
        let ask = ConversationCommand::Post(Arc::clone(&self.post));
        let submitted = self.state.execute_command(self.sender, ask, ());
        let posted = AppendOutcome::Posted {
            message,
            returned: Vec::new(),
        };
        let announced = self
            .state
            .apply_commit(vec![posted], MarkerChanges::default());
        submitted.len() + announced.len()
    }
}
