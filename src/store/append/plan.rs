//! The middle of a batch, and pure: which entries are new, and the numbers
//! they get.

use std::collections::BTreeMap;
use std::sync::Arc;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::look::{Conversation, Found, Marks};
use super::{Append, Outcome, Post};
use crate::protocol::{Code, Message, Problem, Quote, Status};

/// What a batch writes.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The new messages, with how many others each was sent to.
    pub(super) messages: Vec<(Arc<Message>, i64, i32)>,
    /// The conversations that got any, as they stand afterwards.
    pub(super) conversations: BTreeMap<ConversationId, Conversation>,
    /// The senders' own marks, as they stand afterwards.
    pub(super) moves: BTreeMap<(ConversationId, UserId), Move>,
}

/// How far a sender's own marks move: sending marks everything before it as
/// read, in the message's own version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) before: (i64, i64),
    pub(super) seq: i64,
    pub(super) ord: i64,
    pub(super) version: i64,
    /// The last message of somebody else that it covers, where it covers any.
    pub(super) covers: Option<i64>,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

/// Judges a batch under the lock: what was sent before is answered by what it
/// became, doubles inside the batch by the first of them, and what is really
/// new takes its numbers, in order.
pub(super) fn assign(
    batch: &[Append],
    found: Found,
    ids: Vec<i64>,
    now: Millis,
) -> (Vec<Outcome>, Plan) {
    let mut desk = Desk {
        found,
        ids: ids.into_iter(),
        now,
        plan: Plan::default(),
    };
    let outcomes = batch.iter().map(|append| desk.append(append)).collect();
    (outcomes, desk.plan)
}

struct Desk {
    found: Found,
    ids: std::vec::IntoIter<i64>,
    now: Millis,
    plan: Plan,
}

impl Desk {
    fn append(&mut self, append: &Append) -> Outcome {
        match self.found.conversations.get(&append.conversation) {
            None => return Outcome::Refused(Problem::not_found()),
            Some(locked) if locked.members_version != append.members_version => {
                return Outcome::Stale;
            }
            Some(_) => {}
        }
        let sender = append.post.sender.id;
        let name = append.post.client_id.clone().map(|name| (sender, name));
        if let Some(first) = name.as_ref().and_then(|name| self.found.known.get(name)) {
            return known(append, first);
        }
        match self.write(append) {
            Err(problem) => Outcome::Refused(problem),
            Ok(message) => {
                if let Some(name) = name {
                    self.found.known.insert(name, Arc::clone(&message));
                }
                Outcome::Posted(message)
            }
        }
    }

    fn write(&mut self, append: &Append) -> Result<Arc<Message>, Problem> {
        let (conversation, post) = (append.conversation, &*append.post);
        self.verdict(append)?;
        let reply_to = self.quote(conversation, post)?;
        let (Some(row), Some(id)) = (
            self.found.conversations.get_mut(&conversation),
            self.ids.next(),
        ) else {
            return Err(Problem::internal());
        };
        row.last_seq += 1;
        row.last_ord += 1;
        row.version += 1;
        // A clock that was set back doesn't turn a history round.
        let at = row
            .last_message_at
            .map_or(self.now, |last| last.max(self.now));
        row.last_message_at = Some(at);
        row.last_message_id = Some(MessageId(id));
        let message = Arc::new(Message {
            id: MessageId(id),
            conversation_id: conversation,
            seq: row.last_seq,
            version: row.version,
            kind: Kind::Text,
            text: post.text.as_str().to_owned(),
            event: None,
            sender: post.sender.clone(),
            client_id: post.client_id.as_ref().map(|name| name.as_str().to_owned()),
            reply_to,
            reactions: Vec::new(),
            created_at: at,
            edited_at: None,
            deleted: false,
            status: Status::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
        });
        let row = row.clone();
        self.move_marks(&row, post.sender.id);
        self.plan
            .messages
            .push((Arc::clone(&message), row.last_ord, append.audience));
        self.plan.conversations.insert(conversation, row);
        Ok(message)
    }

    /// As the Room judged; but who never took part isn't told that there is
    /// something to take part in.
    fn verdict(&self, append: &Append) -> Result<(), Problem> {
        let Err(problem) = &append.verdict else {
            return Ok(());
        };
        let key = (append.conversation, append.post.sender.id);
        if problem.code == Code::NotAParticipant && !self.found.marks.contains_key(&key) {
            return Err(Problem::not_found());
        }
        Err(problem.clone())
    }

    fn quote(&self, conversation: ConversationId, post: &Post) -> Result<Option<Quote>, Problem> {
        let Some(id) = post.reply_to else {
            return Ok(None);
        };
        let quotable = self.found.quotable.get(&id);
        quotable
            .filter(|quotable| quotable.conversation == conversation)
            .map(|quotable| Some(quotable.quote.clone()))
            .ok_or_else(|| Problem::field("reply_to", "a message of the same conversation"))
    }

    fn move_marks(&mut self, row: &Conversation, sender: UserId) {
        let key = (row.id, sender);
        let Some(&Marks { delivered, read }) = self.found.marks.get(&key) else {
            return;
        };
        let moved = self.plan.moves.entry(key).or_insert(Move {
            before: (delivered, read),
            seq: read,
            ord: 0,
            version: 0,
            covers: None,
        });
        // Everything between one's mark and one's new message is by others.
        if moved.seq < row.last_seq - 1 {
            moved.covers = Some(row.last_seq - 1);
        }
        moved.seq = row.last_seq;
        moved.ord = row.last_ord;
        moved.version = row.version;
    }
}

/// A retry is answered by what the first one became, whatever it says now.
fn known(append: &Append, first: &Arc<Message>) -> Outcome {
    if first.conversation_id == append.conversation {
        return Outcome::Known(Arc::clone(first));
    }
    Outcome::Refused(Problem::new(
        Code::ClientIdReused,
        "This client_id named a message of another conversation.",
    ))
}

#[cfg(test)]
mod tests;
