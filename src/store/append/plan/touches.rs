//! What may be done to a message that is there, and what follows.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use entity::message::Kind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::Desk;
use crate::protocol::{Code, Problem};
use crate::store::append::look::Target;
use crate::store::append::{Append, How, Outcome, Touch};
use crate::store::messages::QUOTE_MAX;

/// A message bears at most this many different emoji.
const EMOJI_MAX: usize = 20;

/// What is done to a message, and the version it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct NewTouch {
    pub(in crate::store::append) message: MessageId,
    pub(in crate::store::append) conversation: ConversationId,
    pub(in crate::store::append) seq: i64,
    pub(in crate::store::append) actor: UserId,
    pub(in crate::store::append) how: How,
    pub(in crate::store::append) version: i64,
    /// When: not before the message itself.
    pub(in crate::store::append) at: Millis,
}

impl Desk {
    pub(super) fn touch(&mut self, append: &Append, touch: &Touch) -> Result<Outcome, Problem> {
        self.verdict(append)?;
        let window = self.window(append, touch)?;
        let target = self
            .found
            .targets
            .get_mut(&touch.message)
            .filter(|target| target.row.conversation_id == append.conversation)
            .filter(|target| {
                window.contains(&target.row.seq) || is_own_removal(target, append.actor.id, touch)
            })
            .ok_or_else(Problem::not_found)?;
        let has_changed = apply(target, append.actor.id, touch)?;
        let seq = target.row.seq;
        let at = self.now.max(target.row.created_at);
        // What quotes it later in this batch quotes what it says now.
        if let Some(quotable) = self.found.quotable.get_mut(&touch.message) {
            quotable.quote.text = target.row.text.chars().take(QUOTE_MAX).collect();
        }
        let Some(row) = self.found.conversations.get_mut(&append.conversation) else {
            return Err(Problem::internal());
        };
        if has_changed {
            row.version += 1;
            self.plan
                .conversations
                .insert(append.conversation, row.clone());
            self.plan.touches.push(NewTouch {
                message: touch.message,
                conversation: append.conversation,
                seq,
                actor: append.actor.id,
                how: touch.how.clone(),
                version: row.version,
                at,
            });
        }
        Ok(Outcome::Touched {
            id: touch.message,
            version: has_changed.then_some(row.version),
            changes_text: touch.how.changes_text(),
            messages: Vec::new(),
            has_more: false,
        })
    }

    /// The `seq` of the messages that the actor sees. The Room does not judge
    /// a removal by membership, so an actor who never took part is refused
    /// here, as for a conversation that does not exist.
    fn window(&self, append: &Append, touch: &Touch) -> Result<RangeInclusive<i64>, Problem> {
        let key = (append.conversation, append.actor.id);
        match self.found.marks.get(&key) {
            Some(marks) => {
                let left = self.found.own.get(&key).and_then(|own| own.left);
                let left = left.filter(|_| !touch.may_moderate);
                Ok(marks.joined + 1..=left.unwrap_or(i64::MAX))
            }
            // An admin of the server acts from outside.
            None if touch.may_moderate => Ok(1..=i64::MAX),
            None => Err(Problem::not_found()),
        }
    }
}

/// Whether the actor removes their own message or reaction. That is allowed
/// also outside the actor's window: for example after the actor joined again.
fn is_own_removal(target: &Target, actor: UserId, touch: &Touch) -> bool {
    match &touch.how {
        How::Withdraw => target.row.sender_id == actor,
        How::React { emoji, on: false } => {
            let mine = (emoji.as_str().to_owned(), actor);
            target.reactions.contains(&mine)
        }
        How::Edit(_) | How::React { on: true, .. } => false,
    }
}

/// Does it to what is known of the message, so that what follows in the same
/// batch sees it; false where it was like that already.
fn apply(target: &mut Target, actor: UserId, touch: &Touch) -> Result<bool, Problem> {
    let row = &mut target.row;
    let is_mine = row.sender_id == actor;
    if row.kind == Kind::System {
        return Err(forbidden("A system message stays as it is."));
    }
    match &touch.how {
        How::Withdraw if !is_mine && !touch.may_moderate => Err(forbidden(
            "Only its sender withdraws a message, or a group's admin.",
        )),
        How::Withdraw => {
            let has_changed = row.deleted_at.is_none();
            row.deleted_at = row.deleted_at.or(Some(row.created_at));
            row.text.clear();
            target.reactions.clear();
            Ok(has_changed)
        }
        How::Edit(_) if !is_mine => Err(forbidden("Only its sender edits a message.")),
        How::Edit(_) | How::React { .. } if row.deleted_at.is_some() => {
            Err(Problem::new(Code::Conflict, "This message was withdrawn."))
        }
        How::Edit(text) => {
            let has_changed = row.text != text.as_str();
            text.as_str().clone_into(&mut row.text);
            Ok(has_changed)
        }
        How::React { emoji, on: false } => {
            let mine = (emoji.as_str().to_owned(), actor);
            Ok(target.reactions.remove(&mine))
        }
        How::React { emoji, on: true } => {
            let there: BTreeSet<&str> = target.reactions.iter().map(|(e, _)| e.as_str()).collect();
            if there.len() >= EMOJI_MAX && !there.contains(emoji.as_str()) {
                return Err(Problem::field(
                    "emoji",
                    "one of the 20 that are there: a message bears no more",
                ));
            }
            let mine = (emoji.as_str().to_owned(), actor);
            Ok(target.reactions.insert(mine))
        }
    }
}

fn forbidden(detail: &'static str) -> Problem {
    Problem::new(Code::Forbidden, detail)
}
