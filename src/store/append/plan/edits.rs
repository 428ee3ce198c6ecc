//! Edits, deletions and reactions: permission and result.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use entity::message::MessageKind;
use entity::{ConversationId, MessageId, Millis, UserId};

use super::{PlannedEditOutcome, PlannedOutcome, Planner};
use crate::protocol::{ErrorCode, MessageAction, Problem};
use crate::store::append::AppendEntry;
use crate::store::append::batch_input::EditTarget;
use crate::store::messages::QUOTE_MAX;

/// The maximum number of different emoji on a message.
const EMOJI_MAX: usize = 20;

/// A planned change of a message, and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store::append) struct PlannedEdit {
    pub(in crate::store::append) message: MessageId,
    pub(in crate::store::append) conversation: ConversationId,
    pub(in crate::store::append) seq: i64,
    pub(in crate::store::append) actor: UserId,
    pub(in crate::store::append) action: MessageAction,
    pub(in crate::store::append) version: i64,
    /// The time of the change, not before the message itself.
    pub(in crate::store::append) at: Millis,
}

impl Planner {
    pub(super) fn plan_edit(
        &mut self,
        append: &AppendEntry,
        message: MessageId,
        action: &MessageAction,
    ) -> Result<PlannedOutcome, Problem> {
        self.check_verdict(append)?;
        let window = self.visible_seqs(append)?;
        let target = self
            .input
            .targets
            .get_mut(&message)
            .filter(|target| target.row.conversation_id == append.conversation)
            .filter(|target| {
                window.contains(&target.row.seq) || is_own_removal(target, append.actor.id, action)
            })
            .ok_or_else(Problem::not_found)?;
        let has_changed = apply_action(target, append, action)?;
        let seq = target.row.seq;
        let at = self.now.max(target.row.created_at);
        // Later replies in this batch quote the new text.
        if let Some(quotable) = self.input.quotable.get_mut(&message) {
            quotable.quote.text = target.row.text.chars().take(QUOTE_MAX).collect();
        }
        let Some(row) = self.input.conversations.get_mut(&append.conversation) else {
            return Err(Problem::internal());
        };
        if has_changed {
            row.version += 1;
            self.plan
                .conversations
                .insert(append.conversation, row.clone());
            self.plan.edits.push(PlannedEdit {
                message,
                conversation: append.conversation,
                seq,
                actor: append.actor.id,
                action: action.clone(),
                version: row.version,
                at,
            });
        }
        Ok(PlannedOutcome::Edit(PlannedEditOutcome {
            message,
            version: has_changed.then_some(row.version),
            changes_text: action.changes_text(),
        }))
    }

    /// Returns the `seq` range that the actor sees. The Room doesn't check
    /// membership for a removal, so an actor who was never a member gets
    /// `not_found` here.
    fn visible_seqs(&self, append: &AppendEntry) -> Result<RangeInclusive<i64>, Problem> {
        let key = (append.conversation, append.actor.id);
        match self.input.marks.get(&key) {
            Some(marks) => {
                let left = self.input.settings.get(&key).and_then(|own| own.left_seq);
                let left = left.filter(|_| !append.may_moderate);
                Ok(marks.joined + 1..=left.unwrap_or(i64::MAX))
            }
            // A server admin isn't a member.
            None if append.may_moderate => Ok(1..=i64::MAX),
            None => Err(Problem::not_found()),
        }
    }
}

/// Returns whether the actor removes their own message or reaction. That is
/// allowed even outside the visible range, for example after rejoining.
fn is_own_removal(target: &EditTarget, actor: UserId, action: &MessageAction) -> bool {
    match action {
        MessageAction::Delete => target.row.sender_id == actor,
        MessageAction::React { emoji, on: false } => {
            let mine = (emoji.as_str().to_owned(), actor);
            target.reactions.contains(&mine)
        }
        MessageAction::Edit(_) | MessageAction::React { on: true, .. } => false,
    }
}

/// Applies the action to the loaded message, so that later entries of the batch
/// see it. Returns false if nothing changes.
fn apply_action(
    target: &mut EditTarget,
    append: &AppendEntry,
    action: &MessageAction,
) -> Result<bool, Problem> {
    let (row, actor) = (&mut target.row, append.actor.id);
    let is_mine = row.sender_id == actor;
    if row.kind == MessageKind::System {
        return Err(forbidden("A system message can't be changed."));
    }
    match action {
        MessageAction::Delete if !is_mine && !append.may_moderate => Err(forbidden(
            "Only the sender or a group admin can delete a message.",
        )),
        MessageAction::Delete => {
            let has_changed = row.deleted_at.is_none();
            row.deleted_at = row.deleted_at.or(Some(row.created_at));
            row.text.clear();
            target.reactions.clear();
            Ok(has_changed)
        }
        MessageAction::Edit(_) if !is_mine => Err(forbidden("Only the sender can edit a message.")),
        MessageAction::Edit(_) | MessageAction::React { .. } if row.deleted_at.is_some() => Err(
            Problem::new(ErrorCode::Conflict, "This message was deleted."),
        ),
        MessageAction::Edit(text) => {
            let has_changed = row.text != text.as_str();
            text.as_str().clone_into(&mut row.text);
            Ok(has_changed)
        }
        MessageAction::React { emoji, on: false } => {
            let mine = (emoji.as_str().to_owned(), actor);
            Ok(target.reactions.remove(&mine))
        }
        MessageAction::React { emoji, on: true } => {
            let there: BTreeSet<&str> = target.reactions.iter().map(|(e, _)| e.as_str()).collect();
            if there.len() >= EMOJI_MAX && !there.contains(emoji.as_str()) {
                return Err(Problem::invalid_field(
                    "emoji",
                    "one of the 20 emoji of this message: it can't have more",
                ));
            }
            let mine = (emoji.as_str().to_owned(), actor);
            Ok(target.reactions.insert(mine))
        }
    }
}

fn forbidden(detail: &'static str) -> Problem {
    Problem::new(ErrorCode::Forbidden, detail)
}
