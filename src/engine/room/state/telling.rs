//! What is told of what is on disk, to whom, and in which order.

use std::sync::Arc;

use entity::UserId;
use entity::conversation::Kind;
use entity::message::Kind as MessageKind;
use entity::participant::Role;

use super::State;
use crate::engine::ports::Unread;
use crate::engine::room::effects::{
    Effect, News, Note, Said, Show, Telling, TouchedNews, reason, tell,
};
use crate::protocol::event::{Mark, ResetReason};
use crate::protocol::{Event, Message, User};
use crate::store::append::{Authors, Change, MemberMove, Moved, Raised, Settings, Step};
use crate::store::{RoomMember, RoomRecord};

impl<R> State<R> {
    /// Versions are told contiguously: where these don't follow what was told
    /// last, all from there on is read first. What was told already, by a
    /// reading that overtook its commit's news, isn't told again.
    pub(super) fn tell(&mut self, mut news: Vec<News>, unread: &[(UserId, i64)]) -> Vec<Effect<R>> {
        news.retain(|news| news.version() > self.told);
        let (Some(first), Some(last)) = (news.first(), news.last()) else {
            return Vec::new();
        };
        let (first, last) = (first.version(), last.version());
        if first != self.told + 1 {
            return self.catch_up(last);
        }
        let mut effects = Vec::new();
        let mut is_withdrawn = false;
        for news in news {
            let version = news.version();
            match news {
                News::Message(message, returned) => self.message(message, returned, &mut effects),
                News::Change(message, change) => {
                    // Who read and then went in one commit.
                    self.counts.went(version, unread);
                    self.change(message, &change, &mut effects);
                }
                News::Touched(touched) => {
                    let mut messages = touched.messages.iter();
                    is_withdrawn |= messages.any(|message| message.deleted);
                    self.touched(&touched, &mut effects);
                }
                News::Settings(user, version, settings) => {
                    self.set((user, version), settings, &mut effects);
                }
                News::Marked(_) => {}
                News::Moved(moved) => self.moved(&moved, &mut effects),
                News::Raised(raised) => self.raised(&raised, &mut effects),
            }
            self.told = version;
        }
        self.counts.committed(last, unread);
        self.tell_counts(&mut effects);
        // All of it is told once that is: a Room that dies before has its
        // successor tell it again.
        if is_withdrawn {
            self.is_miscounted = true;
            effects.push(Effect::Recount);
        }
        effects.push(Effect::Told(last));
        effects
    }

    /// How many messages wait for whom now: after a withdrawal, only what each
    /// has read can tell.
    pub(in crate::engine::room) fn recounted(&mut self, record: &RoomRecord) -> Vec<Effect<R>> {
        self.is_miscounted = false;
        self.counts.learn(record);
        let mut effects = Vec::new();
        self.tell_counts(&mut effects);
        effects
    }

    /// Tells those for whom it changed what waits for them here.
    pub(super) fn tell_counts(&mut self, effects: &mut Vec<Effect<R>>) {
        let conversation = self.record.id;
        let news = self.counts.take_news(&self.members);
        let unread = news.map(|(member, count)| {
            let unread = Unread {
                conversation,
                count,
                muted_until: member.muted_until,
                is_away: member.archived,
            };
            (member.user.id, unread)
        });
        let unread: Vec<_> = unread.collect();
        if !unread.is_empty() {
            let notes = Vec::new();
            tell(effects, Telling { notes, unread });
        }
    }

    /// Where more messages quote what was touched than are told, they are to
    /// be read again.
    fn touched(&self, touched: &TouchedNews, effects: &mut Vec<Effect<R>>) {
        let is_news = |version| version == touched.version;
        for seen in self.tell_seen(&touched.messages, is_news) {
            tell(effects, seen);
        }
        if touched.has_more {
            tell(effects, self.too_far_behind(touched.version));
        }
    }

    /// More changed than is sent: members read the conversation again.
    pub(super) fn too_far_behind(&self, version: i64) -> Note {
        let event = Event::Reset {
            conversation_id: self.record.id,
            reason: ResetReason::TooFarBehind,
        };
        Note {
            to: Arc::clone(&self.everybody),
            version,
            said: Said::Event(event),
        }
    }

    /// To whom the conversation is shown before a message in it. Only who
    /// opened a direct one knows of it before the first.
    fn introduced(&self, message: &Message, returned: Vec<UserId>) -> Vec<UserId> {
        match (self.record.kind, message.seq) {
            (Kind::Direct, 1) => self.everybody.to_vec(),
            _ => returned,
        }
    }

    fn message(
        &mut self,
        message: Arc<Message>,
        returned: Vec<UserId>,
        effects: &mut Vec<Effect<R>>,
    ) {
        if message.kind == MessageKind::Text {
            self.counts.posted(message.version, message.sender.id);
        }
        self.typing.ended(message.sender.id);
        for user in &returned {
            if let Some(member) = self.members.get_mut(user) {
                member.archived = false;
            }
            self.counts.tell_again(*user);
        }
        let shown = self.introduced(&message, returned);
        if !shown.is_empty() {
            effects.push(Effect::Told(self.told));
            effects.push(Effect::Show(Show {
                to: shown,
                cursor: self.told,
                version: message.version,
            }));
        }
        match message.reply_to {
            None => tell(effects, Note::message(&self.everybody, message)),
            Some(_) => {
                for seen in self.tell_seen(&[message], |_| true) {
                    tell(effects, seen);
                }
            }
        }
    }

    /// Those who are gone hear of that and of nothing else; those who are
    /// there now see what it has become. Showing has to read, so what was told
    /// before is noted first: a Room may die meanwhile.
    fn change(&mut self, message: Arc<Message>, change: &Change, effects: &mut Vec<Effect<R>>) {
        let leavers = self.apply(&message, change);
        let typists = leavers
            .iter()
            .filter_map(|(user, _)| self.typing.ended(*user));
        let typists: Vec<User> = typists.collect();
        for note in self.typing_notes(&typists, false) {
            tell(effects, note);
        }
        effects.push(Effect::Told(self.told));
        if !leavers.is_empty() {
            effects.push(Effect::SettleStatuses);
        }
        effects.push(Effect::Show(Show {
            to: self.everybody.to_vec(),
            cursor: self.told,
            version: message.version,
        }));
        tell(
            effects,
            Note::message(&self.everybody, Arc::clone(&message)),
        );
        for (user, unread) in leavers {
            let (notes, unread) = (Vec::new(), vec![(user, unread)]);
            tell(effects, Telling { notes, unread });
            effects.push(Effect::Removed(user, reason(user, &message)));
        }
        effects.push(Effect::Told(message.version));
    }

    /// Answers who went, and what was left for them to read.
    fn apply(&mut self, message: &Message, change: &Change) -> Vec<(UserId, Unread)> {
        let mut leavers = Vec::new();
        for moved in &change.moves {
            match moved {
                MemberMove::Leave(user) => {
                    self.members.remove(user);
                    let unread = Unread {
                        conversation: self.record.id,
                        count: self.counts.left(*user),
                        muted_until: None,
                        is_away: true,
                    };
                    leavers.push((*user, unread));
                }
                MemberMove::Join(user) => {
                    let member = RoomMember {
                        user: user.clone(),
                        role: Role::Member,
                        is_deactivated: false,
                        joined_at: message.created_at,
                        joined_seq: message.seq - 1,
                        unread: 0,
                        muted_until: None,
                        archived: false,
                    };
                    self.members.insert(user.id, member);
                    self.counts.joined(message.version, user.id);
                }
                MemberMove::Become(user, role) => {
                    if let Some(member) = self.members.get_mut(user) {
                        member.role = *role;
                    }
                }
            }
        }
        if !change.moves.is_empty() {
            self.record.members_version += 1;
            self.everybody = self.members.keys().copied().collect();
        }
        leavers
    }

    /// One's own settings are told to oneself, and with them one's total.
    fn set(
        &mut self,
        (user, version): (UserId, i64),
        settings: Settings,
        effects: &mut Vec<Effect<R>>,
    ) {
        if let Some(member) = self.members.get_mut(&user) {
            member.archived = settings.archived.unwrap_or(member.archived);
            member.muted_until = settings.muted_until.unwrap_or(member.muted_until);
        }
        self.counts.tell_again(user);
        effects.push(Effect::Told(self.told));
        effects.push(Effect::Show(Show {
            to: vec![user],
            cursor: version,
            version,
        }));
    }

    /// A mark is told to those whose messages it newly covers, and to its own
    /// person.
    fn moved(&self, moved: &Moved, effects: &mut Vec<Effect<R>>) {
        let mark = |step: &Step| Mark {
            conversation_id: self.record.id,
            message_id: step.message,
            seq: step.seq,
            user_id: moved.user.id,
            username: moved.user.username.clone(),
            at: moved.at,
            version: moved.version,
        };
        let delivered = moved.delivered.iter();
        let delivered = delivered.map(|step| (step, Event::Delivered(mark(step))));
        let read = moved.read.iter();
        let read = read.map(|step| (step, Event::ReadReceipt(mark(step))));
        for (step, event) in delivered.chain(read) {
            let note = Note {
                to: self.audience(&step.covers, Some(moved.user.id)),
                version: moved.version,
                said: Said::Event(event),
            };
            tell(effects, note);
        }
    }

    fn raised(&self, raised: &Raised, effects: &mut Vec<Effect<R>>) {
        let event = Event::Status {
            conversation_id: self.record.id,
            all_delivered_seq: raised.delivered,
            all_read_seq: raised.read,
            at: raised.at,
        };
        let note = Note {
            to: self.audience(&raised.covers, None),
            version: raised.version,
            said: Said::Event(event),
        };
        tell(effects, note);
    }

    /// Those of them who are still in.
    fn audience(&self, authors: &Authors, own: Option<UserId>) -> Arc<[UserId]> {
        match authors {
            Authors::All => Arc::clone(&self.everybody),
            Authors::These(users) => {
                let mut users: Vec<UserId> = users.iter().copied().chain(own).collect();
                users.sort_unstable();
                users.dedup();
                users.retain(|user| self.members.contains_key(user));
                users.into()
            }
        }
    }
}
