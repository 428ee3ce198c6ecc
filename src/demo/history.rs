//! A conversation played through: every line and mark takes its numbers as it
//! would from the Journal.

mod marks;

use std::collections::BTreeMap;

use entity::conversation::{self, Kind};
use entity::message::{self, Furthest, Kind as MessageKind};
use entity::participant::{self, Role};
use entity::{ConversationId, MessageId, Millis, reaction, receipt};

use super::act::{Event, Happening, events, told};
use super::clock::{Dice, count, times};
use super::script::{Conversation, Line, Mine, ScriptError, What};
use super::{Result, Who, id, user};
use crate::protocol::User;
use crate::protocol::input::direct_key;
use crate::store::World;

/// When each did something last.
pub(super) type Activity = BTreeMap<Who, Millis>;

/// Who plays, before whom, and when.
#[derive(Clone, Copy)]
pub(super) struct Cast<'a> {
    pub(super) users: &'a [User],
    pub(super) you: Who,
    pub(super) now: Millis,
}

/// Seven hours: how long the one to log in as wants to hear nothing.
const MUTED_FOR: i64 = 7 * 60 * 60 * 1000;

/// Adds what comes of a conversation to `rows`.
pub(super) fn play(
    script: &Conversation,
    place: usize,
    cast: Cast<'_>,
    (rows, activity): (&mut World, &mut Activity),
) -> Result<()> {
    let mut dice = Dice::new(place);
    let times = times(&script.scenes, &mut dice, cast.now);
    let mut history = History::open(script, place, cast, rows)?;
    let began = times.first().copied().unwrap_or(cast.now);
    history.row.created_at = began;
    for member in history.members.values_mut() {
        member.joined_at = began;
    }
    for event in events(script, &times, &mut dice, cast.now)? {
        if let Some(who) = history.happen(&event)? {
            let last = activity.entry(who).or_insert(event.at);
            *last = event.at.max(*last);
        }
    }
    history.keep(script.mine)?;
    history.count_deleted();
    let History { row, members, .. } = history;
    rows.conversations.push(row);
    rows.participants.extend(members.into_values());
    Ok(())
}

struct History<'a> {
    cast: Cast<'a>,
    row: conversation::Model,
    members: BTreeMap<Who, participant::Model>,
    /// The place of its first message among all.
    first: usize,
    rows: &'a mut World,
}

impl<'a> History<'a> {
    fn open(
        script: &Conversation,
        place: usize,
        cast: Cast<'a>,
        rows: &'a mut World,
    ) -> Result<Self> {
        let [opener, other, ..] = script.people.as_slice() else {
            return Err(ScriptError::new("a conversation needs two"));
        };
        let (opened_by, other) = (id(cast.users, *opener)?, id(cast.users, *other)?);
        let is_group = script.title.is_some();
        let row = conversation::Model {
            id: ConversationId(count(place) + 1),
            kind: if is_group { Kind::Group } else { Kind::Direct },
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
            history.enter(*who, cast.now)?;
        }
        Ok(history)
    }

    /// Has it happen, and answers who was here for it.
    fn happen(&mut self, event: &Event<'_>) -> Result<Option<Who>> {
        let at = event.at;
        match event.what {
            Happening::Said(line) => {
                match &line.what {
                    What::Text { answers, .. } => self.text(line, *answers, at)?,
                    _ => self.system(line, at)?,
                }
                Ok(Some(line.from))
            }
            Happening::Has(who, place) => self.mark(who, (place, false), at),
            Happening::Saw(who, place) => self.mark(who, (place, true), at),
            Happening::Reacted(who, place, emoji) => {
                self.member(who)?;
                let user_id = id(self.cast.users, who)?;
                let message = self.touch(place)?;
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
            Happening::Edited(place) => {
                let message = self.touch(place)?;
                message.edited_at = Some(at);
                message.text_version = message.version;
                Ok(None)
            }
            Happening::Withdrawn(place) => {
                let message = self.touch(place)?;
                message.deleted_at = Some(at);
                message.text_version = message.version;
                message.text.clear();
                Ok(None)
            }
        }
    }

    /// Sending marks everything before it as read, in its own version.
    fn text(&mut self, line: &Line, answers: Option<usize>, at: Millis) -> Result<()> {
        let reply_to = answers.map(|place| self.touched(place).map(|found| found.id));
        let reply_to = reply_to.transpose()?;
        let before = self.member(line.from)?.read_seq;
        self.row.last_ord += 1;
        self.write(line, (line.text.clone(), None), at)?;
        let last = self.rows.messages.last_mut();
        last.ok_or_else(|| ScriptError::new("nothing was said"))?
            .reply_to = reply_to;
        let (seq, ord, version) = (self.row.last_seq, self.row.last_ord, self.row.version);
        let member = self.member(line.from)?;
        member.delivered_seq = seq;
        member.read_seq = seq;
        member.read_ord = ord;
        member.version = version;
        if before < seq - 1 {
            self.tell(line.from, (receipt::Kind::Read, seq - 1), at)?;
        }
        self.raise_lows(at);
        Ok(())
    }

    fn system(&mut self, line: &Line, at: Millis) -> Result<()> {
        let actor = user(self.cast.users, line.from)?.display_name.clone();
        if !matches!(line.what, What::Created(_)) {
            self.member(line.from)?;
        }
        let (text, event) = told(&actor, &line.what, self.cast.users)?;
        self.write(line, (text, Some(event)), at)?;
        let version = self.row.version;
        match &line.what {
            What::Created(title) => {
                self.row.title = Some(title.as_str().to_owned());
                self.row.delivered_low = 1;
                self.row.read_low = 1;
                for member in self.members.values_mut() {
                    (member.delivered_seq, member.read_seq, member.version) = (1, 1, 1);
                }
                self.member(line.from)?.role = Role::Owner;
            }
            What::Renamed(title) => self.row.title = Some(title.as_str().to_owned()),
            What::Added(who) => {
                self.row.members_version += 1;
                self.row.participant_count += 1;
                self.enter(*who, at)?;
            }
            What::MadeAdmin(who) => {
                self.row.members_version += 1;
                let member = self.member(*who)?;
                member.role = Role::Admin;
                member.version = version;
            }
            What::Left => {
                self.row.members_version += 1;
                self.row.participant_count -= 1;
                let left_seq = self.row.last_seq - 1;
                let title = self.row.title.clone();
                let member = self.member(line.from)?;
                member.left_seq = Some(left_seq);
                member.left_version = Some(version - 1);
                member.left_title = title;
                member.version = version;
                self.raise_lows(at);
            }
            What::Text { .. } => {}
        }
        Ok(())
    }

    /// Counts the next numbers out.
    fn write(
        &mut self,
        line: &Line,
        (text, event): (String, Option<String>),
        at: Millis,
    ) -> Result<()> {
        let id = MessageId(count(self.rows.messages.len()) + 1);
        let others = self.present().count().saturating_sub(1);
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
            sender_id: super::id(self.cast.users, line.from)?,
            client_id: None,
            kind,
            text,
            event,
            reply_to: None,
            furthest: match others {
                0 => Furthest::Sent,
                _ => Furthest::Read,
            },
            created_at: at,
            edited_at: None,
            deleted_at: None,
        });
        Ok(())
    }

    /// The settings of the one to log in as, which take a version too.
    fn keep(&mut self, mine: Option<Mine>) -> Result<()> {
        let Some(mine) = mine else {
            return Ok(());
        };
        self.row.version += 1;
        let version = self.row.version;
        let until = Millis(self.cast.now.0 + MUTED_FOR);
        let member = self.member(self.cast.you)?;
        member.version = version;
        match mine {
            Mine::Pinned => member.pinned = true,
            Mine::Archived => member.archived = true,
            Mine::Muted => member.muted_until = Some(until),
        }
        Ok(())
    }

    /// They see what comes from now on, and their marks start at the present.
    fn enter(&mut self, who: Who, at: Millis) -> Result<()> {
        let row = &self.row;
        let member = participant::Model {
            conversation_id: row.id,
            user_id: id(self.cast.users, who)?,
            role: Role::Member,
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

    fn present(&self) -> impl Iterator<Item = &participant::Model> {
        let members = self.members.values();
        members.filter(|member| member.left_seq.is_none())
    }

    fn member(&mut self, who: Who) -> Result<&mut participant::Model> {
        let found = self.members.get_mut(&who);
        found
            .filter(|member| member.left_seq.is_none())
            .ok_or_else(|| ScriptError::new("somebody acts where they don't take part"))
    }

    /// A message changes: it takes the next version.
    fn touch(&mut self, place: usize) -> Result<&mut message::Model> {
        self.row.version += 1;
        let version = self.row.version;
        let message = self.touched(place)?;
        message.version = version;
        Ok(message)
    }

    fn touched(&mut self, place: usize) -> Result<&mut message::Model> {
        let found = self.rows.messages.get_mut(self.first + place);
        found.ok_or_else(|| ScriptError::new("something comes before what it is about"))
    }
}
