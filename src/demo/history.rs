//! Replays a conversation: messages and markers get the numbers that the
//! Journal would assign.

mod markers;

use std::collections::BTreeMap;
use std::time::Duration;

use entity::conversation::{self, ConversationKind};
use entity::message::{self, MessageKind, StatusCeiling};
use entity::participant::{self, MemberRole};
use entity::receipt::ReceiptKind;
use entity::{ConversationId, MessageId, Millis, UserId, reaction};
use serde_json::json;

use super::schedule::{MINUTE, TimedLine, schedule_lines};
use super::script::{DemoConversation, DemoFlag, LineContent, Result, ScriptError};
use crate::protocol::input::direct_key;
use crate::protocol::message::{encode_system_event, isolate_name};
use crate::protocol::{GroupTitle, MessageText, User};
use crate::store::ImportData;

/// Times after a line, until it is delivered, changed, reacted to and read.
/// They are shorter if the next line comes soon.
const DELIVERY_DELAY: Duration = Duration::from_secs(2);
const CHANGE_DELAY: Duration = Duration::from_secs(30);
const REACTION_DELAY: Duration = Duration::from_secs(60);
const READ_DELAY: Duration = Duration::from_secs(300);

/// The time for which a conversation is muted.
const MUTE_TIME: Duration = Duration::from_secs(7 * 3600);

/// The created users, the user to log in as, and the present time.
#[derive(Clone, Copy)]
pub(super) struct DemoCast<'a> {
    pub(super) users: &'a [User],
    pub(super) you: &'a str,
    pub(super) now: Millis,
}

impl<'a> DemoCast<'a> {
    pub(super) fn find_user(&self, name: &str) -> Result<&'a User> {
        let found = self.users.iter().find(|user| user.username == name);
        found.ok_or_else(|| ScriptError::new(format_args!("there is no person {name:?}")))
    }
}

/// Replays a conversation and adds its rows to `rows`.
pub(super) fn play_conversation(
    script: &DemoConversation,
    cast: DemoCast<'_>,
    rows: &mut ImportData,
) -> Result<()> {
    let lines = schedule_lines(script, cast.now);
    let began = lines.first().map_or(cast.now, |first| first.at);
    let opened = began.before(MINUTE);
    let mut history = DemoHistory::open(script, cast, opened, rows)?;
    for timed in &lines {
        history.post_line(timed)?;
        history.change_message(timed)?;
        history.add_reactions(timed)?;
        history.move_markers(timed, ReceiptKind::Delivered, &script.undelivered)?;
        history.move_markers(timed, ReceiptKind::Read, &script.unread)?;
    }
    history.finish(script.mine)
}

struct DemoHistory<'a> {
    cast: DemoCast<'a>,
    rows: &'a mut ImportData,
    row: conversation::Model,
    members: BTreeMap<UserId, participant::Model>,
    messages: Vec<message::Model>,
    /// The messages to which later lines can reply.
    labels: BTreeMap<String, MessageId>,
}

impl<'a> DemoHistory<'a> {
    /// Opens the conversation. The first message of a group says that it was
    /// created.
    fn open(
        script: &DemoConversation,
        cast: DemoCast<'a>,
        at: Millis,
        rows: &'a mut ImportData,
    ) -> Result<Self> {
        let [opener, other, ..] = script.people.as_slice() else {
            return Err(ScriptError::new("a conversation needs two people"));
        };
        let (opener, other) = (cast.find_user(opener)?, cast.find_user(other)?);
        let is_group = script.title.is_some();
        let row = conversation::Model {
            id: ConversationId(next_id(rows.conversations.len())),
            kind: if is_group {
                ConversationKind::Group
            } else {
                ConversationKind::Direct
            },
            title: None,
            direct_key: (!is_group).then(|| direct_key(opener.id, other.id)),
            open: true,
            opened_by: opener.id,
            last_seq: 0,
            last_ord: 0,
            version: 0,
            members_version: 0,
            participant_count: 0,
            delivered_low: 0,
            read_low: 0,
            last_message_id: None,
            last_message_at: None,
            created_at: at,
        };
        let mut history = Self {
            cast,
            rows,
            row,
            members: BTreeMap::new(),
            messages: Vec::new(),
            labels: BTreeMap::new(),
        };
        if let Some(title) = &script.title {
            history.post(opener, &LineContent::Created(title.clone()), None, at)?;
        }
        for name in &script.people {
            history.add_member(cast.find_user(name)?.id, at);
        }
        history.raise_watermarks(at);
        Ok(history)
    }

    /// Adds a member, who sees the last message and later ones. The markers
    /// start at the last message.
    fn add_member(&mut self, user_id: UserId, at: Millis) {
        let row = &mut self.row;
        row.participant_count += 1;
        let is_owner = row.kind == ConversationKind::Group && row.opened_by == user_id;
        let member = participant::Model {
            conversation_id: row.id,
            user_id,
            role: if is_owner {
                MemberRole::Owner
            } else {
                MemberRole::Member
            },
            joined_seq: (row.last_seq - 1).max(0),
            joined_at: at,
            left_seq: None,
            left_version: None,
            left_title: None,
            delivered_seq: row.last_seq,
            read_seq: row.last_seq,
            read_ord: row.last_ord,
            unread_deleted: 0,
            version: row.version,
            muted_until: None,
            archived: false,
            pinned: false,
        };
        self.members.insert(user_id, member);
    }

    /// Posts a line. Its sender has read everything before it.
    fn post_line(&mut self, timed: &TimedLine<'_>) -> Result<()> {
        let line = timed.line;
        let sender = self.cast.find_user(&line.sender)?;
        let original = line.reply_to.as_ref().map(|label| {
            let found = self.labels.get(label).copied();
            found.ok_or_else(|| ScriptError::new(format_args!("no line is labelled {label}")))
        });
        let id = self.post(sender, &line.content, original.transpose()?, timed.at)?;
        if let Some(label) = &line.label
            && self.labels.insert(label.clone(), id).is_some()
        {
            return Err(ScriptError::new(format_args!(
                "two lines are labelled {label}"
            )));
        }
        self.move_marker(sender.id, ReceiptKind::Read, timed.at)
    }

    /// Adds a message with the next `seq` and `version`, and applies a change
    /// of the group.
    fn post(
        &mut self,
        sender: &User,
        content: &LineContent,
        reply_to: Option<MessageId>,
        at: Millis,
    ) -> Result<MessageId> {
        let id = MessageId(next_id(self.rows.messages.len() + self.messages.len()));
        self.row.last_seq += 1;
        self.row.version += 1;
        self.row.last_message_id = Some(id);
        self.row.last_message_at = Some(at);
        let (text, event) = match content {
            LineContent::Text(text) => {
                self.row.last_ord += 1;
                let text = MessageText::parse(text).map_err(ScriptError::new)?;
                (text.as_str().to_owned(), None)
            }
            change => {
                let (text, event) = self.change_group(change, at)?;
                (
                    format!("{} {text}", isolate_name(&sender.display_name)),
                    Some(event),
                )
            }
        };
        self.messages.push(message::Model {
            id,
            conversation_id: self.row.id,
            seq: self.row.last_seq,
            ord: self.row.last_ord,
            version: self.row.version,
            posted_version: self.row.version,
            text_version: 0,
            sender_id: sender.id,
            client_id: None,
            kind: if event.is_some() {
                MessageKind::System
            } else {
                MessageKind::Text
            },
            text,
            event,
            reply_to,
            furthest: StatusCeiling::Read,
            created_at: at,
            edited_at: None,
            deleted_at: None,
        });
        Ok(id)
    }

    /// Changes the group. Returns the change in words, without the actor, and
    /// as a JSON event, as the Room writes them.
    fn change_group(&mut self, change: &LineContent, at: Millis) -> Result<(String, String)> {
        match change {
            LineContent::Text(_) => Err(ScriptError::new("a text changes no group")),
            LineContent::Created(title) => {
                let words = format!("created the group “{}”", isolate_name(title));
                Ok((words, self.set_title("created", title)?))
            }
            LineContent::Renamed(title) => {
                let words = format!("renamed the group to “{}”", isolate_name(title));
                Ok((words, self.set_title("renamed", title)?))
            }
            LineContent::Added(name) => {
                let user = self.cast.find_user(name)?;
                self.row.members_version += 1;
                self.add_member(user.id, at);
                let words = format!("added {}", isolate_name(&user.display_name));
                Ok((
                    words,
                    encode_system_event("invited", &json!({ "user": user })),
                ))
            }
            LineContent::Promoted(name) => {
                let user = self.cast.find_user(name)?;
                let role = MemberRole::Admin;
                self.row.members_version += 1;
                self.changed_member(user.id)?.role = role;
                let words = format!("made {} an admin", isolate_name(&user.display_name));
                let facts = json!({ "user": user, "role": role });
                Ok((words, encode_system_event("role", &facts)))
            }
        }
    }

    fn set_title(&mut self, event: &str, title: &str) -> Result<String> {
        let title = GroupTitle::parse(title).map_err(ScriptError::new)?;
        self.row.title = Some(title.as_str().to_owned());
        Ok(encode_system_event(
            event,
            &json!({ "title": title.as_str() }),
        ))
    }

    /// Edits or deletes the line's message, if the script says so.
    fn change_message(&mut self, timed: &TimedLine<'_>) -> Result<()> {
        let line = timed.line;
        if !line.is_edited && !line.is_deleted {
            return Ok(());
        }
        if line.is_deleted {
            self.count_deletion();
        }
        let at = timed.after(CHANGE_DELAY);
        let message = self.changed_message()?;
        message.text_version = message.version;
        message.edited_at = line.is_edited.then_some(at);
        message.deleted_at = line.is_deleted.then_some(at);
        if line.is_deleted {
            message.text.clear();
        }
        Ok(())
    }

    /// Adds the reactions to the line, whose users have read it.
    fn add_reactions(&mut self, timed: &TimedLine<'_>) -> Result<()> {
        let created_at = timed.after(REACTION_DELAY);
        for reaction in &timed.line.reactions {
            let mut words = reaction.split(' ');
            let emoji = words.next().unwrap_or_default();
            for name in words {
                let user_id = self.cast.find_user(name)?.id;
                self.move_marker(user_id, ReceiptKind::Read, created_at)?;
                let message = self.changed_message()?;
                let reaction = reaction::Model {
                    message_id: message.id,
                    emoji: emoji.to_owned(),
                    user_id,
                    created_at,
                    version: message.version,
                };
                self.rows.reactions.push(reaction);
            }
        }
        Ok(())
    }

    fn member(&mut self, user: UserId) -> Result<&mut participant::Model> {
        let found = self.members.get_mut(&user);
        found.ok_or_else(|| ScriptError::new("a person acts in a conversation of others"))
    }

    /// Returns a member, who changes in the present version.
    fn changed_member(&mut self, user: UserId) -> Result<&mut participant::Model> {
        let version = self.row.version;
        let member = self.member(user)?;
        member.version = version;
        Ok(member)
    }

    /// Returns the last message, which changes in the next version.
    fn changed_message(&mut self) -> Result<&mut message::Model> {
        self.row.version += 1;
        let last = self.messages.last_mut();
        let message = last.ok_or_else(|| ScriptError::new("there is no message to change"))?;
        message.version = self.row.version;
        Ok(message)
    }

    /// Applies a setting of the user to log in as, and adds the rows.
    fn finish(mut self, flag: Option<DemoFlag>) -> Result<()> {
        if let Some(flag) = flag {
            self.row.version += 1;
            let until = self.cast.now.after(MUTE_TIME);
            let member = self.changed_member(self.cast.find_user(self.cast.you)?.id)?;
            match flag {
                DemoFlag::Pinned => member.pinned = true,
                DemoFlag::Archived => member.archived = true,
                DemoFlag::Muted => member.muted_until = Some(until),
            }
        }
        self.rows.conversations.push(self.row);
        self.rows.participants.extend(self.members.into_values());
        self.rows.messages.extend(self.messages);
        Ok(())
    }
}

/// Returns the id of the next row, after `count` rows.
pub(super) fn next_id(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_add(1)
}
