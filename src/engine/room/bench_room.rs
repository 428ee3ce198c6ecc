//! A Room's state without its actor, to benchmark the cost of a message.

use std::sync::Arc;

use entity::conversation::ConversationKind;
use entity::participant::MemberRole;
use entity::{ConversationId, Millis, UserId};

use super::state::RoomState;
use crate::protocol::{ConversationAction, Message, MessageText, Problem, SubmittedMessage, User};
use crate::store::append::{AppendOutcome, CommittedChange, MarkerChanges};
use crate::store::{RoomMember, RoomRecord};

/// A group, and the message that its sender posts repeatedly.
pub struct BenchRoom {
    state: RoomState<()>,
    sender: UserId,
    submitted: Arc<SubmittedMessage>,
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
        let submitted = SubmittedMessage {
            client_id: None,
            text: Ok(MessageText::parse(text)?),
            reply_to: None,
        };
        Ok(Self {
            state: RoomState::new(record, 0),
            sender: speaker,
            submitted: Arc::new(submitted),
        })
    }

    /// Posts the message and applies its commit. `message` is the stored
    /// message, in the next version. Returns the number of effects.
    pub fn post_message(&mut self, message: Arc<Message>) -> usize {
        let action = ConversationAction::Send(Arc::clone(&self.submitted));
        let submitted = self.state.execute_command(self.sender, action, ());
        let posted = AppendOutcome::Written(CommittedChange::Posted {
            message,
            returned: Vec::new(),
        });
        let announced = self
            .state
            .apply_commit(vec![posted], MarkerChanges::default());
        submitted.len() + announced.len()
    }
}
