//! The pure part of a batch: decides which entries are new and assigns their
//! numbers.

mod batch_plan;
mod clock;
pub(super) mod edits;
mod groups;
mod markers;

use std::sync::Arc;

use entity::message::{MessageKind, StatusCeiling};
use entity::{ConversationId, MessageId, Millis, UserId};
use serde_json::value::RawValue;

use super::batch_input::BatchInput;
use super::{AppendEntry, AppendOutcome, BatchStamp, CommittedChange, ConversationChange};
use crate::protocol::{
    ClientId, ConversationAction, ErrorCode, MemberSettingsPatch, Message, MessageQuote,
    MessageStatus, Problem, SubmittedMessage,
};
pub(super) use batch_plan::{
    BatchPlan, PlannedBatch, PlannedEditOutcome, PlannedMessage, PlannedOutcome, PlannedSettings,
};
use clock::monotonic_time;
pub(super) use markers::{MarkerAdvance, MarkerPosition};

/// Plans a batch under the lock. Retries get the message that was written the
/// first time. Duplicates inside the batch get the message of the first one.
/// New entries get their numbers in order.
pub(super) fn plan_batch(
    batch: &[AppendEntry],
    input: BatchInput,
    stamp: BatchStamp,
) -> PlannedBatch {
    let mut planner = Planner {
        input,
        ids: stamp.ids.into_iter(),
        now: stamp.now,
        plan: BatchPlan::new(stamp.now),
    };
    let outcomes = batch.iter().map(|append| planner.plan_entry(append));
    let outcomes = outcomes.collect();
    planner.plan.lowest_markers = planner.direct_watermarks();
    PlannedBatch {
        outcomes,
        plan: planner.plan,
        input: planner.input,
    }
}

struct Planner {
    input: BatchInput,
    ids: std::vec::IntoIter<i64>,
    now: Millis,
    plan: BatchPlan,
}

/// The parts of a new message in which text and system messages differ.
struct MessageDraft {
    kind: MessageKind,
    text: String,
    event: Option<Box<RawValue>>,
    client_id: Option<String>,
    reply_to: Option<MessageQuote>,
}

impl Planner {
    fn plan_entry(&mut self, append: &AppendEntry) -> PlannedOutcome {
        match self.input.conversations.get(&append.conversation) {
            None => return AppendOutcome::Refused(Problem::not_found()).into(),
            Some(locked) if locked.members_version != append.members_version => {
                return AppendOutcome::Stale.into();
            }
            Some(_) => {}
        }
        let planned = match &append.action {
            ConversationAction::Send(message) => self.plan_send(append, message),
            ConversationAction::Act { message, action } => self.plan_edit(append, *message, action),
            ConversationAction::Mark(marks) => self.plan_markers(append, marks),
            ConversationAction::UpdateSettings(settings) => self.plan_settings(append, *settings),
            ConversationAction::ChangeGroup(change) => self.plan_change(append, change),
        };
        planned.unwrap_or_else(|problem| AppendOutcome::Refused(problem).into())
    }

    fn plan_send(
        &mut self,
        append: &AppendEntry,
        submitted: &SubmittedMessage,
    ) -> Result<PlannedOutcome, Problem> {
        if let Some(name) = &submitted.client_id
            && let Some(first) = self.find_first(append, name)?
        {
            return Ok(AppendOutcome::AlreadySent(first).into());
        }
        self.check_verdict(append)?;
        let text = submitted.text.as_ref().map_err(Problem::clone)?;
        let name = submitted.client_id.as_ref();
        let draft = MessageDraft {
            kind: MessageKind::Text,
            text: text.as_str().to_owned(),
            event: None,
            client_id: name.map(|name| name.as_str().to_owned()),
            reply_to: self.find_quote(append, submitted.reply_to)?,
        };
        let message = self.add_message(append, draft)?;
        self.advance_sender(append, &message);
        let returned = self.restore_archived(&message);
        if let Some(name) = name {
            let name = (append.actor.id, name.clone());
            self.input.sent_messages.insert(name, Arc::clone(&message));
        }
        Ok(AppendOutcome::Written(CommittedChange::Posted { message, returned }).into())
    }

    /// Finds the message for which the actor used this `client_id` before. A
    /// retry gets the message that was written the first time, even if its
    /// content differs.
    fn find_first(
        &self,
        append: &AppendEntry,
        name: &ClientId,
    ) -> Result<Option<Arc<Message>>, Problem> {
        let name = (append.actor.id, name.clone());
        let Some(first) = self.input.sent_messages.get(&name) else {
            return Ok(None);
        };
        if first.conversation_id == append.conversation {
            return Ok(Some(Arc::clone(first)));
        }
        // Don't reveal the conversation to an actor who was never a member.
        if !self.was_participant(append) {
            return Err(Problem::not_found());
        }
        Err(Problem::new(
            ErrorCode::ClientIdReused,
            "This client_id belongs to a message of another conversation.",
        ))
    }

    fn was_participant(&self, append: &AppendEntry) -> bool {
        let key = (append.conversation, append.actor.id);
        self.input.marks.contains_key(&key)
    }

    fn plan_change(
        &mut self,
        append: &AppendEntry,
        change: &Arc<ConversationChange>,
    ) -> Result<PlannedOutcome, Problem> {
        self.check_verdict(append)?;
        if let Some(other) = change.needs_connection
            && !self.input.connected.contains(&(append.actor.id, other))
        {
            return Err(Problem::new(
                ErrorCode::NotConnected,
                "You can only invite people you are connected with.",
            ));
        }
        let has_left = |user| {
            let left = &self.input.left_by_choice;
            change.needs_consent && left.contains(&(append.conversation, user))
        };
        if change.needs_connection.is_some_and(has_left) {
            return Ok(AppendOutcome::NeedsConsent.into());
        }
        if let Some(title) = &change.title {
            let titles = &mut self.input.titles;
            let before = titles.insert(append.conversation, title.clone());
            if before.as_ref() == Some(title) {
                return Ok(AppendOutcome::Unchanged(None).into());
            }
        }
        self.count_groups(change)?;
        let event = RawValue::from_string(change.event.clone()).map_err(|error| {
            tracing::error!(%error, "the event of a change isn't valid JSON");
            Problem::internal()
        })?;
        let draft = MessageDraft {
            kind: MessageKind::System,
            text: change.text.clone(),
            event: Some(event),
            client_id: None,
            reply_to: None,
        };
        let message = self.add_message(append, draft)?;
        if !change.left.contains(&append.actor.id) {
            self.advance_actor(append, &message);
        }
        if let Some(row) = self.plan.conversations.get_mut(&append.conversation) {
            row.participant_count += change.group_count_deltas().map(|(_, by)| by).sum::<i32>();
            // Makes later entries with an older verdict stale.
            if change.has_member_changes() {
                row.members_version += 1;
            }
            self.input
                .conversations
                .insert(append.conversation, row.clone());
        }
        let change = Arc::clone(change);
        self.plan
            .changes
            .push((Arc::clone(&message), Arc::clone(&change)));
        Ok(AppendOutcome::Written(CommittedChange::Changed { message, change }).into())
    }

    /// Plans a change of the actor's own settings, which former members may
    /// change, too.
    fn plan_settings(
        &mut self,
        append: &AppendEntry,
        settings: MemberSettingsPatch,
    ) -> Result<PlannedOutcome, Problem> {
        let (conversation, user) = (append.conversation, append.actor.id);
        if !self.input.marks.contains_key(&(conversation, user)) {
            return Err(Problem::not_found());
        }
        let own = self.input.settings.get(&(conversation, user));
        if own.is_some_and(|own| own.matches(settings)) {
            return Ok(AppendOutcome::Unchanged(None).into());
        }
        let Some(row) = self.input.conversations.get_mut(&conversation) else {
            return Err(Problem::internal());
        };
        row.version += 1;
        let version = row.version;
        self.plan.conversations.insert(conversation, row.clone());
        self.plan.settings.push(PlannedSettings {
            conversation,
            user,
            settings,
            version,
        });
        self.apply_settings(conversation, user, settings);
        let change = CommittedChange::SettingsChanged {
            user,
            version,
            settings,
        };
        Ok(AppendOutcome::Written(change).into())
    }

    /// Updates the input, so that a later message in the batch uses these
    /// settings.
    fn apply_settings(
        &mut self,
        conversation: ConversationId,
        user: UserId,
        settings: MemberSettingsPatch,
    ) {
        let own = self.input.settings.entry((conversation, user)).or_default();
        own.archived = settings.archived.unwrap_or(own.archived);
        own.pinned = settings.pinned.unwrap_or(own.pinned);
        own.muted_until = settings.muted_until.unwrap_or(own.muted_until);
        let archived = self.input.archived.entry(conversation).or_default();
        archived.retain(|other| *other != user);
        if own.returns_on_message(self.now) {
            archived.push(user);
        }
    }

    /// Assigns the next numbers to a message and adds it to the plan.
    fn add_message(
        &mut self,
        append: &AppendEntry,
        draft: MessageDraft,
    ) -> Result<Arc<Message>, Problem> {
        let conversation = append.conversation;
        let (Some(row), Some(id)) = (
            self.input.conversations.get_mut(&conversation),
            self.ids.next(),
        ) else {
            return Err(Problem::internal());
        };
        row.last_seq += 1;
        row.last_ord += i64::from(draft.kind == MessageKind::Text);
        row.version += 1;
        let at = monotonic_time(row.last_message_at, self.now).unwrap_or_else(|| {
            tracing::warn!(
                %conversation,
                last_message_at = row.last_message_at.map(|at| at.0),
                now = self.now.0,
                "the latest message is more than a day ahead of the clock; using the clock"
            );
            self.now
        });
        row.last_message_at = Some(at);
        row.last_message_id = Some(MessageId(id));
        let message = Arc::new(Message {
            id: MessageId(id),
            conversation_id: conversation,
            seq: row.last_seq,
            version: row.version,
            kind: draft.kind,
            text: draft.text,
            event: draft.event,
            sender: append.actor.clone(),
            client_id: draft.client_id,
            reply_to: draft.reply_to,
            reactions: Vec::new(),
            created_at: at,
            edited_at: None,
            deleted: false,
            status: MessageStatus::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
            is_changed: false,
            own_version: row.version,
            posted_version: row.version,
        });
        self.plan.messages.push(PlannedMessage {
            message: Arc::clone(&message),
            ord: row.last_ord,
            furthest: if append.has_others {
                StatusCeiling::Read
            } else {
                StatusCeiling::Sent
            },
        });
        self.plan.conversations.insert(conversation, row.clone());
        Ok(message)
    }

    /// Applies the Room's verdict. An actor who was never a member gets
    /// `not_found`, so that the conversation isn't revealed.
    fn check_verdict(&self, append: &AppendEntry) -> Result<(), Problem> {
        match &append.verdict {
            Ok(()) => Ok(()),
            Err(_) if !self.was_participant(append) => Err(Problem::not_found()),
            Err(problem) => Err(problem.clone()),
        }
    }

    fn find_quote(
        &self,
        append: &AppendEntry,
        reply_to: Option<MessageId>,
    ) -> Result<Option<MessageQuote>, Problem> {
        let Some(id) = reply_to else {
            return Ok(None);
        };
        let conversation = append.conversation;
        let quotable = self.input.quotable.get(&id);
        let key = (conversation, append.actor.id);
        let joined = self.input.marks.get(&key).map_or(0, |marks| marks.joined);
        quotable
            .filter(|quotable| quotable.conversation == conversation)
            // A quote must not reveal a message from before the sender joined.
            .filter(|quotable| quotable.quote.seq > joined)
            .map(|quotable| Some(quotable.quote.clone()))
            .ok_or_else(|| Problem::invalid_field("reply_to", "a message of the same conversation"))
    }

    /// Restores the conversation from members' archives, in the version of the
    /// new message.
    fn restore_archived(&mut self, message: &Message) -> Vec<UserId> {
        let conversation = message.conversation_id;
        let returned = self
            .input
            .archived
            .remove(&conversation)
            .unwrap_or_default();
        for user in &returned {
            if let Some(own) = self.input.settings.get_mut(&(conversation, *user)) {
                own.archived = false;
            }
            self.plan.settings.push(PlannedSettings {
                conversation,
                user: *user,
                settings: MemberSettingsPatch {
                    archived: Some(false),
                    ..MemberSettingsPatch::default()
                },
                version: message.version,
            });
        }
        returned
    }
}

#[cfg(test)]
mod tests;
