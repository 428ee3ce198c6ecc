//! Replays a conversation: messages and markers get the numbers that the
//! Journal would assign.

mod markers;

use std::collections::BTreeMap;

use entity::conversation::{self, ConversationKind};
use entity::message::{self, MessageKind, StatusCeiling};
use entity::participant::{self, MemberRole};
use entity::{ConversationId, MessageId, Millis, reaction, receipt};

use super::clock::{SeededRandom, line_times, to_i64};
use super::script::{DemoConversation, DemoFlag, LineContent, ScriptError, ScriptLine};
use super::timeline::{DemoAction, DemoEvent, describe_change, plan_events};
use super::{PersonIndex, Result, find_user, find_user_id};
use crate::protocol::User;
use crate::protocol::input::direct_key;
use crate::store::ImportData;

/// The time of each user's last action.
pub(super) type LastActivity = BTreeMap<PersonIndex, Millis>;

/// The created users, the user to log in as, and the present time.
#[derive(Clone, Copy)]
pub(super) struct DemoContext<'a> {
    pub(super) users: &'a [User],
    pub(super) viewer: PersonIndex,
    pub(super) now: Millis,
}

/// The time for which the viewer has muted a conversation: seven hours.
const MUTE_MILLIS: i64 = 7 * 60 * 60 * 1000;

/// Replays a conversation and adds its rows to `rows`.
pub(super) fn play_conversation(
    script: &DemoConversation,
    place: usize,
    cast: DemoContext<'_>,
    (rows, activity): (&mut ImportData, &mut LastActivity),
) -> Result<()> {
    let mut dice = SeededRandom::new(place);
    let times = line_times(&script.scenes, &mut dice, cast.now);
    let mut history = DemoHistory::open_conversation(script, place, cast, rows)?;
    let began = times.first().copied().unwrap_or(cast.now);
    history.row.created_at = began;
    for member in history.members.values_mut() {
        member.joined_at = began;
    }
    for event in plan_events(script, &times, &mut dice, cast.now)? {
        if let Some(who) = history.apply_event(&event)? {
            let last = activity.entry(who).or_insert(event.at);
            *last = event.at.max(*last);
        }
    }
    history.apply_flag(script.flag)?;
    history.count_deleted();
    let DemoHistory { row, members, .. } = history;
    rows.conversations.push(row);
    rows.participants.extend(members.into_values());
    Ok(())
}

struct DemoHistory<'a> {
    cast: DemoContext<'a>,
    row: conversation::Model,
    members: BTreeMap<PersonIndex, participant::Model>,
    /// The index of its first message in `rows.messages`.
    first: usize,
    rows: &'a mut ImportData,
}

impl<'a> DemoHistory<'a> {
    fn open_conversation(
        script: &DemoConversation,
        place: usize,
        cast: DemoContext<'a>,
        rows: &'a mut ImportData,
    ) -> Result<Self> {
        let [opener, other, ..] = script.people.as_slice() else {
            return Err(ScriptError::new("a conversation needs two people"));
        };
        let (opened_by, other) = (
            find_user_id(cast.users, *opener)?,
            find_user_id(cast.users, *other)?,
        );
        let is_group = script.title.is_some();
        let row = conversation::Model {
            id: ConversationId(to_i64(place) + 1),
            kind: if is_group {
                ConversationKind::Group
            } else {
                ConversationKind::Direct
            },
            title: None,
            direct_key: (!is_group).then(|| direct_key(opened_by, other)),
            open: true,
            opened_by,
            last_seq: 0,
            last_ord: 0,
            version: 0,
            members_version: 0,
            participant_count: i32::try_from(script.people.len()).unwrap_or(i32::MAX),
            delivered_low: 0,
            read_low: 0,
            last_message_id: None,
            last_message_at: None,
            created_at: cast.now,
        };
        let mut history = Self {
            cast,
            row,
            members: BTreeMap::new(),
            first: rows.messages.len(),
            rows,
        };
        for who in &script.people {
            history.add_member(*who, cast.now)?;
        }
        Ok(history)
    }

    /// Applies an event. Returns the user who was active, if there is one.
    fn apply_event(&mut self, event: &DemoEvent<'_>) -> Result<Option<PersonIndex>> {
        let at = event.at;
        match event.action {
            DemoAction::Posted(line) => {
                match &line.content {
                    LineContent::Text { answers, .. } => self.post_text(line, *answers, at)?,
                    _ => self.post_system(line, at)?,
                }
                Ok(Some(line.sender))
            }
            DemoAction::Delivered(who, place) => self.move_marker(who, (place, false), at),
            DemoAction::Read(who, place) => self.move_marker(who, (place, true), at),
            DemoAction::Reacted(who, place, emoji) => {
                self.member(who)?;
                let user_id = find_user_id(self.cast.users, who)?;
                let message = self.change_message(place)?;
                let reaction = reaction::Model {
                    message_id: message.id,
                    emoji: emoji.to_owned(),
                    user_id,
                    created_at: at,
                    version: message.version,
                };
                self.rows.reactions.push(reaction);
                Ok(Some(who))
            }
            DemoAction::Edited(place) => {
                let message = self.change_message(place)?;
                message.edited_at = Some(at);
                message.text_version = message.version;
                Ok(None)
            }
            DemoAction::Deleted(place) => {
                let message = self.change_message(place)?;
                message.deleted_at = Some(at);
                message.text_version = message.version;
                message.text.clear();
                Ok(None)
            }
        }
    }

    /// Posts a text. Sending also marks everything before it as read, in the
    /// same version.
    fn post_text(&mut self, line: &ScriptLine, answers: Option<usize>, at: Millis) -> Result<()> {
        let reply_to = answers.map(|place| self.message_at(place).map(|found| found.id));
        let reply_to = reply_to.transpose()?;
        let before = self.member(line.sender)?.read_seq;
        self.row.last_ord += 1;
        self.write_message(line, (line.text.clone(), None), at)?;
        let last = self.rows.messages.last_mut();
        last.ok_or_else(|| ScriptError::new("there is no message"))?
            .reply_to = reply_to;
        let (seq, ord, version) = (self.row.last_seq, self.row.last_ord, self.row.version);
        let member = self.member(line.sender)?;
        member.delivered_seq = seq;
        member.read_seq = seq;
        member.read_ord = ord;
        member.version = version;
        if before < seq - 1 {
            self.record_marker(line.sender, (receipt::ReceiptKind::Read, seq - 1), at)?;
        }
        self.raise_watermarks(at);
        Ok(())
    }

    fn post_system(&mut self, line: &ScriptLine, at: Millis) -> Result<()> {
        let actor = find_user(self.cast.users, line.sender)?
            .display_name
            .clone();
        if !matches!(line.content, LineContent::Created(_)) {
            self.member(line.sender)?;
        }
        let (text, event) = describe_change(&actor, &line.content, self.cast.users)?;
        self.write_message(line, (text, Some(event)), at)?;
        let version = self.row.version;
        match &line.content {
            LineContent::Created(title) => {
                self.row.title = Some(title.as_str().to_owned());
                self.row.delivered_low = 1;
                self.row.read_low = 1;
                for member in self.members.values_mut() {
                    (member.delivered_seq, member.read_seq, member.version) = (1, 1, 1);
                }
                self.member(line.sender)?.role = MemberRole::Owner;
            }
            LineContent::Renamed(title) => self.row.title = Some(title.as_str().to_owned()),
            LineContent::Added(who) => {
                self.row.members_version += 1;
                self.row.participant_count += 1;
                self.add_member(*who, at)?;
            }
            LineContent::MadeAdmin(who) => {
                self.row.members_version += 1;
                let member = self.member(*who)?;
                member.role = MemberRole::Admin;
                member.version = version;
            }
            LineContent::Left => {
                self.row.members_version += 1;
                self.row.participant_count -= 1;
                let left_seq = self.row.last_seq - 1;
                let title = self.row.title.clone();
                let member = self.member(line.sender)?;
                member.left_seq = Some(left_seq);
                member.left_version = Some(version - 1);
                member.left_title = title;
                member.version = version;
                self.raise_watermarks(at);
            }
            LineContent::Text { .. } => {}
        }
        Ok(())
    }

    /// Adds a message with the next `seq` and `version`.
    fn write_message(
        &mut self,
        line: &ScriptLine,
        (text, event): (String, Option<String>),
        at: Millis,
    ) -> Result<()> {
        let id = MessageId(to_i64(self.rows.messages.len()) + 1);
        let others = self.current_members().count().saturating_sub(1);
        self.row.last_seq += 1;
        self.row.version += 1;
        self.row.last_message_id = Some(id);
        self.row.last_message_at = Some(at);
        let kind = match event {
            Some(_) => MessageKind::System,
            None => MessageKind::Text,
        };
        self.rows.messages.push(message::Model {
            id,
            conversation_id: self.row.id,
            seq: self.row.last_seq,
            ord: self.row.last_ord,
            version: self.row.version,
            posted_version: self.row.version,
            text_version: 0,
            sender_id: super::find_user_id(self.cast.users, line.sender)?,
            client_id: None,
            kind,
            text,
            event,
            reply_to: None,
            furthest: match others {
                0 => StatusCeiling::Sent,
                _ => StatusCeiling::Read,
            },
            created_at: at,
            edited_at: None,
            deleted_at: None,
        });
        Ok(())
    }

    /// Applies the viewer's setting, which raises the version, too.
    fn apply_flag(&mut self, mine: Option<DemoFlag>) -> Result<()> {
        let Some(mine) = mine else {
            return Ok(());
        };
        self.row.version += 1;
        let version = self.row.version;
        let until = Millis(self.cast.now.0 + MUTE_MILLIS);
        let member = self.member(self.cast.viewer)?;
        member.version = version;
        match mine {
            DemoFlag::Pinned => member.pinned = true,
            DemoFlag::Archived => member.archived = true,
            DemoFlag::Muted => member.muted_until = Some(until),
        }
        Ok(())
    }

    /// Adds a member, who sees messages from now on. The markers start at the
    /// last message.
    fn add_member(&mut self, who: PersonIndex, at: Millis) -> Result<()> {
        let row = &self.row;
        let member = participant::Model {
            conversation_id: row.id,
            user_id: find_user_id(self.cast.users, who)?,
            role: MemberRole::Member,
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
        self.members.insert(who, member);
        Ok(())
    }

    fn current_members(&self) -> impl Iterator<Item = &participant::Model> {
        let members = self.members.values();
        members.filter(|member| member.left_seq.is_none())
    }

    fn member(&mut self, who: PersonIndex) -> Result<&mut participant::Model> {
        let found = self.members.get_mut(&who);
        found
            .filter(|member| member.left_seq.is_none())
            .ok_or_else(|| {
                ScriptError::new(
                    "a person acts in a conversation without being a \
                                             member",
                )
            })
    }

    /// Assigns the next version to a changed message.
    fn change_message(&mut self, place: usize) -> Result<&mut message::Model> {
        self.row.version += 1;
        let version = self.row.version;
        let message = self.message_at(place)?;
        message.version = version;
        Ok(message)
    }

    fn message_at(&mut self, place: usize) -> Result<&mut message::Model> {
        let found = self.rows.messages.get_mut(self.first + place);
        found.ok_or_else(|| ScriptError::new("an event comes before its subject"))
    }
}
