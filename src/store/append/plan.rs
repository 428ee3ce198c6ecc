//! The middle of a batch, and pure: which of it is new, and the numbers that
//! gets.

mod groups;
mod marks;
pub(super) mod touches;
mod written;

use std::sync::Arc;

use entity::message::{Furthest, Kind};
use entity::{ConversationId, MessageId, Millis, UserId};
use serde_json::value::RawValue;

use super::look::Found;
use super::{Append, Change, MemberMove, Outcome, Post, Retry, Settings, What};
use crate::protocol::{ClientId, Code, Message, Problem, Quote, Status};
pub(super) use marks::{Move, Stand};
pub(super) use written::{NewMessage, OwnSettings, Plan};

/// Judges a batch under the lock: what was sent before is answered by what it
/// became, doubles inside the batch by the first of them, and what is really
/// new takes its numbers, in order. What was found comes back with that.
pub(super) fn assign(
    batch: &[Append],
    found: Found,
    ids: Vec<i64>,
    now: Millis,
) -> (Vec<Outcome>, Plan, Found) {
    let mut desk = Desk {
        found,
        ids: ids.into_iter(),
        now,
        plan: Plan::default(),
    };
    let outcomes = batch.iter().map(|append| desk.append(append)).collect();
    desk.plan.lows = desk.lows_of_two();
    (outcomes, desk.plan, desk.found)
}

/// A message follows the latest one by at most this, in milliseconds, if that
/// is ahead of the clock.
const AHEAD_MAX: i64 = 24 * 60 * 60 * 1000;

/// The time of something new. A clock that was set back does not turn a
/// history round. None if the latest message is further ahead: its clock was
/// wrong, and following it would keep all later messages there.
fn not_before(last: Option<Millis>, now: Millis) -> Option<Millis> {
    let last = last.unwrap_or(now);
    let ahead = last.0.saturating_sub(now.0);
    (ahead <= AHEAD_MAX).then_some(last.max(now))
}

struct Desk {
    found: Found,
    ids: std::vec::IntoIter<i64>,
    now: Millis,
    plan: Plan,
}

/// What makes one message differ from another.
struct Draft {
    kind: Kind,
    text: String,
    event: Option<Box<RawValue>>,
    client_id: Option<String>,
    reply_to: Option<Quote>,
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
        let done = match &append.what {
            What::Post(post) => self.post(append, post),
            What::FindSent(retry) => self.find_sent(append, retry),
            What::Change(change) => self.change(append, change),
            What::Settings(settings) => self.settings(append, *settings),
            What::Touch(touch) => self.touch(append, touch),
            What::Mark(marks) => self.mark(append, marks),
        };
        done.unwrap_or_else(Outcome::Refused)
    }

    fn post(&mut self, append: &Append, post: &Post) -> Result<Outcome, Problem> {
        if let Some(name) = &post.client_id
            && let Some(outcome) = self.known(append, name)?
        {
            return Ok(outcome);
        }
        self.verdict(append)?;
        let draft = Draft {
            kind: Kind::Text,
            text: post.text.as_str().to_owned(),
            event: None,
            client_id: post.client_id.as_ref().map(|name| name.as_str().to_owned()),
            reply_to: self.quote((append.conversation, append.actor.id), post)?,
        };
        let message = self.write(append, draft)?;
        self.sent(append, &message);
        let returned = self.bring_back(&message);
        if let Some(name) = &post.client_id {
            let name = (append.actor.id, name.clone());
            self.found.known.insert(name, Arc::clone(&message));
        }
        Ok(Outcome::Posted { message, returned })
    }

    /// What a sender's name for a message was used for before. A retry is
    /// answered by what the first one became, whatever it says now.
    fn known(&self, append: &Append, name: &ClientId) -> Result<Option<Outcome>, Problem> {
        let name = (append.actor.id, name.clone());
        let Some(first) = self.found.known.get(&name) else {
            return Ok(None);
        };
        if first.conversation_id == append.conversation {
            return Ok(Some(Outcome::Known(Arc::clone(first))));
        }
        // A stranger isn't told that there is a conversation to mix up.
        if !self.ever_took_part(append) {
            return Err(Problem::not_found());
        }
        Err(Problem::new(
            Code::ClientIdReused,
            "This client_id named a message of another conversation.",
        ))
    }

    fn ever_took_part(&self, append: &Append) -> bool {
        let key = (append.conversation, append.actor.id);
        self.found.marks.contains_key(&key)
    }

    /// To a stranger there is no conversation, whatever is wrong with the
    /// message.
    fn find_sent(&self, append: &Append, retry: &Retry) -> Result<Outcome, Problem> {
        match self.known(append, &retry.client_id)? {
            Some(outcome) => Ok(outcome),
            None if !self.ever_took_part(append) => Err(Problem::not_found()),
            None => Err(retry.fault.clone()),
        }
    }

    fn change(&mut self, append: &Append, change: &Arc<Change>) -> Result<Outcome, Problem> {
        self.verdict(append)?;
        if let Some(other) = change.needs_connection
            && !self.found.connected.contains(&(append.actor.id, other))
        {
            return Err(Problem::new(
                Code::NotConnected,
                "You can only invite people you are connected with.",
            ));
        }
        let has_left = |user| {
            let left = &self.found.left_by_choice;
            change.needs_consent && left.contains(&(append.conversation, user))
        };
        if change.needs_connection.is_some_and(has_left) {
            return Ok(Outcome::NeedsConsent);
        }
        if let Some(title) = &change.title {
            let titles = &mut self.found.titles;
            let before = titles.insert(append.conversation, title.clone());
            if before.as_ref() == Some(title) {
                return Ok(Outcome::Unchanged);
            }
        }
        self.count_groups(change)?;
        let event = RawValue::from_string(change.event.clone()).map_err(|error| {
            tracing::error!(%error, "a change's event is no JSON");
            Problem::internal()
        })?;
        let draft = Draft {
            kind: Kind::System,
            text: change.text.clone(),
            event: Some(event),
            client_id: None,
            reply_to: None,
        };
        let message = self.write(append, draft)?;
        if !change.moves.contains(&MemberMove::Leave(append.actor.id)) {
            self.acted(append, &message);
        }
        if let Some(row) = self.plan.conversations.get_mut(&append.conversation) {
            for moved in &change.moves {
                row.participant_count += moved.counts().map_or(0, |(_, by)| by);
            }
            // What was judged before it, and comes after it, is judged again.
            if !change.moves.is_empty() {
                row.members_version += 1;
            }
            self.found
                .conversations
                .insert(append.conversation, row.clone());
        }
        let change = Arc::clone(change);
        self.plan
            .changes
            .push((Arc::clone(&message), Arc::clone(&change)));
        Ok(Outcome::Changed { message, change })
    }

    /// One's own settings are also for those who have left.
    fn settings(&mut self, append: &Append, settings: Settings) -> Result<Outcome, Problem> {
        let (conversation, user) = (append.conversation, append.actor.id);
        if !self.found.marks.contains_key(&(conversation, user)) {
            return Err(Problem::not_found());
        }
        let own = self.found.own.get(&(conversation, user));
        if own.is_some_and(|own| own.has(settings)) {
            return Ok(Outcome::Unchanged);
        }
        let Some(row) = self.found.conversations.get_mut(&conversation) else {
            return Err(Problem::internal());
        };
        row.version += 1;
        let version = row.version;
        self.plan.conversations.insert(conversation, row.clone());
        self.plan.settings.push(OwnSettings {
            conversation,
            user,
            settings,
            version,
        });
        self.remember(conversation, user, settings);
        Ok(Outcome::Set {
            user,
            version,
            settings,
        })
    }

    /// A message that comes after this in the batch finds it set.
    fn remember(&mut self, conversation: ConversationId, user: UserId, settings: Settings) {
        let own = self.found.own.entry((conversation, user)).or_default();
        own.archived = settings.archived.unwrap_or(own.archived);
        own.pinned = settings.pinned.unwrap_or(own.pinned);
        own.muted_until = settings.muted_until.unwrap_or(own.muted_until);
        let archived = self.found.archived.entry(conversation).or_default();
        archived.retain(|other| *other != user);
        if own.comes_back(self.now) {
            archived.push(user);
        }
    }

    /// Counts the next numbers out.
    fn write(&mut self, append: &Append, draft: Draft) -> Result<Arc<Message>, Problem> {
        let conversation = append.conversation;
        let (Some(row), Some(id)) = (
            self.found.conversations.get_mut(&conversation),
            self.ids.next(),
        ) else {
            return Err(Problem::internal());
        };
        row.last_seq += 1;
        row.last_ord += i64::from(draft.kind == Kind::Text);
        row.version += 1;
        let at = not_before(row.last_message_at, self.now).unwrap_or_else(|| {
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
            status: Status::Sent,
            delivered_at: None,
            is_read: false,
            read_at: None,
            is_touched: false,
            own_version: row.version,
            posted_version: row.version,
        });
        self.plan.messages.push(NewMessage {
            message: Arc::clone(&message),
            ord: row.last_ord,
            furthest: match append.has_others {
                true => Furthest::Read,
                false => Furthest::Sent,
            },
        });
        self.plan.conversations.insert(conversation, row.clone());
        Ok(message)
    }

    /// As the Room judged; but who never took part isn't told that there is
    /// something to take part in.
    fn verdict(&self, append: &Append) -> Result<(), Problem> {
        let Err(problem) = &append.verdict else {
            return Ok(());
        };
        if problem.code == Code::NotAParticipant && !self.ever_took_part(append) {
            return Err(Problem::not_found());
        }
        Err(problem.clone())
    }

    fn quote(
        &self,
        (conversation, sender): (ConversationId, UserId),
        post: &Post,
    ) -> Result<Option<Quote>, Problem> {
        let Some(id) = post.reply_to else {
            return Ok(None);
        };
        let quotable = self.found.quotable.get(&id);
        let key = (conversation, sender);
        let joined = self.found.marks.get(&key).map_or(0, |marks| marks.joined);
        quotable
            .filter(|quotable| quotable.conversation == conversation)
            // Nobody gets to read what came before them by quoting it.
            .filter(|quotable| quotable.quote.seq > joined)
            .map(|quotable| Some(quotable.quote.clone()))
            .ok_or_else(|| Problem::field("reply_to", "a message of the same conversation"))
    }

    /// A new message brings an archived conversation back, in its own version.
    fn bring_back(&mut self, message: &Message) -> Vec<UserId> {
        let conversation = message.conversation_id;
        let returned = self
            .found
            .archived
            .remove(&conversation)
            .unwrap_or_default();
        for user in &returned {
            if let Some(own) = self.found.own.get_mut(&(conversation, *user)) {
                own.archived = false;
            }
            self.plan.settings.push(OwnSettings {
                conversation,
                user: *user,
                settings: Settings {
                    archived: Some(false),
                    ..Settings::default()
                },
                version: message.version,
            });
        }
        returned
    }
}

#[cfg(test)]
mod tests;
