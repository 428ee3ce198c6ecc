//! A Room's state without its shell, for measuring what a message costs in it.

use std::sync::Arc;

use entity::conversation::Kind;
use entity::participant::Role;
use entity::{ConversationId, Millis, UserId};
use tokio::time::Instant;

use super::messages::Ask;
use super::state::State;
use crate::protocol::{Message, MessageText, Problem, User};
use crate::store::append::{Marks, Outcome, Post};
use crate::store::{RoomMember, RoomRecord};

/// A group, and what one of its people says again and again.
pub struct Core {
    state: State<()>,
    speaker: UserId,
    post: Arc<Post>,
}

impl Core {
    /// A group of these people, of whom the first one speaks.
    ///
    /// # Errors
    /// `text_empty` where there is nothing to say.
    pub fn new(people: Vec<User>, text: &str) -> Result<Self, Problem> {
        let speaker = people.first().map_or(UserId(0), |user| user.id);
        let members = people.into_iter().map(|user| RoomMember {
            user,
            role: Role::Member,
            joined_at: Millis(0),
            joined_seq: 0,
            is_deactivated: false,
            unread: 0,
            muted_until: None,
            archived: false,
        });
        let record = RoomRecord {
            id: ConversationId(1),
            kind: Kind::Group,
            open: true,
            opened_by: speaker,
            last_seq: 0,
            version: 0,
            members_version: 1,
            members: members.collect(),
        };
        let post = Post {
            text: MessageText::parse(text)?,
            client_id: None,
            reply_to: None,
        };
        Ok(Self {
            state: State::new(record, 0),
            speaker,
            post: Arc::new(post),
        })
    }

    /// The speaker says it, and it comes back from the disk as `message`, in
    /// the next version: how many things the Room has to do for that.
    pub fn say(&mut self, message: Arc<Message>) -> usize {
        let ask = Ask::Post(Arc::clone(&self.post));
        let asked = self.state.ask((self.speaker, Instant::now()), ask, ());
        let posted = Outcome::Posted {
            message,
            returned: Vec::new(),
        };
        let told = self.state.committed(vec![posted], Marks::default());
        asked.len() + told.len()
    }
}
