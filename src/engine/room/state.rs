//! What a Room knows, and what follows from what it hears. Pure: no clock, no
//! I/O, no context, so that it can be tested by the thousand.

mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entity::UserId;
use entity::conversation::Kind;
use entity::participant::Role;

use super::effects::{Effect, Missing, News, Show, farewell, reason, taken};
use super::messages::Ask;
use super::rights;
use crate::protocol::{Message, Problem, User};
use crate::store::append::{Append, Change, MemberMove, Outcome, Touch, What};
use crate::store::{Missed, RoomMember, RoomRecord};

/// Those who take part.
pub(super) type Members = BTreeMap<UserId, RoomMember>;

/// One thing asked, until it is answered.
#[derive(Debug)]
struct Pending<R> {
    actor: UserId,
    ask: Ask,
    reply: R,
}

/// A Room's state; `R` is the way back to who asked.
#[derive(Debug)]
pub(super) struct State<R> {
    record: RoomRecord,
    members: Members,
    /// The same, for telling.
    everybody: Arc<[UserId]>,
    told: i64,
    /// Up to which version there is something that couldn't be read, and so
    /// is still to be told.
    untold: i64,
    /// First those that came back stale, then those at the Journal, then
    /// those that wait for the others to be judged again.
    pending: VecDeque<Pending<R>>,
    stale: usize,
    in_flight: usize,
    /// The `members_version` by which those in flight were judged.
    judged_by: i64,
}

impl<R> State<R> {
    pub(super) fn new(record: RoomRecord, told: i64) -> Self {
        let members = by_id(&record);
        Self {
            everybody: members.keys().copied().collect(),
            members,
            record,
            judged_by: 0,
            told,
            untold: told,
            pending: VecDeque::new(),
            stale: 0,
            in_flight: 0,
        }
    }

    /// Whether nothing is under way and nothing is left to be told: with the
    /// Room goes the memory of what was.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.untold <= self.told
    }

    /// Somebody asks for something.
    pub(super) fn ask(&mut self, actor: UserId, ask: Ask, reply: R) -> Vec<Effect<R>> {
        self.record.has_archived |= archives(&ask);
        let mut effects = Vec::new();
        if !self.must_wait() {
            effects.push(Effect::Submit(self.judged(actor, &ask)));
            self.in_flight += 1;
            self.judged_by = self.record.members_version;
        }
        self.pending.push_back(Pending { actor, ask, reply });
        effects
    }

    /// Whether what is asked now could overtake something asked before: what
    /// waits already, or what is at the Journal by another judgement and will
    /// come back stale.
    fn must_wait(&self) -> bool {
        self.pending.len() > self.in_flight
            || (self.in_flight > 0 && self.judged_by != self.record.members_version)
    }

    /// Somebody is shown as this from now on.
    pub(super) fn renamed(&mut self, user: User) {
        if let Some(member) = self.members.get_mut(&user.id) {
            member.user = user;
        }
    }

    /// The Journal says what became of the oldest appends that it has.
    pub(super) fn committed(&mut self, outcomes: Vec<Outcome>) -> Vec<Effect<R>> {
        let mut news = Vec::new();
        let mut answers = Vec::new();
        for outcome in outcomes {
            self.in_flight = self.in_flight.saturating_sub(1);
            if matches!(outcome, Outcome::Stale) {
                self.stale += 1;
                continue;
            }
            let pending = self.pending.remove(self.stale);
            let (told, result) = taken(outcome);
            news.extend(told);
            answers.extend(pending.map(|pending| Effect::Answer(pending.reply, result)));
        }
        let mut effects = self.tell(news);
        effects.extend(answers);
        if self.in_flight == 0 && !self.pending.is_empty() {
            effects.push(Effect::Reload);
        }
        effects
    }

    /// The conversation as it is now: what came back stale is judged again,
    /// and what came meanwhile after it, in the order they were asked.
    pub(super) fn reloaded(&mut self, record: RoomRecord) -> Vec<Effect<R>> {
        self.learn(record);
        self.stale = 0;
        self.in_flight = self.pending.len();
        self.judged_by = self.record.members_version;
        let asked = self.pending.iter();
        asked
            .map(|pending| Effect::Submit(self.judged(pending.actor, &pending.ask)))
            .collect()
    }

    /// The conversation can't be read: everything is answered with why.
    pub(super) fn failed(&mut self, problem: &Problem) -> Vec<Effect<R>> {
        self.stale = 0;
        self.in_flight = 0;
        let pending = self.pending.drain(..);
        pending
            .map(|pending| Effect::Answer(pending.reply, Err(problem.clone())))
            .collect()
    }

    /// Something is on disk up to this version that may not have been told.
    pub(super) fn catch_up(&mut self, version: i64) -> Vec<Effect<R>> {
        if version <= self.told {
            return Vec::new();
        }
        let missing = Missing {
            after: self.told,
            up_to: version,
        };
        self.told = version;
        vec![Effect::CatchUp(missing)]
    }

    /// What wasn't told, and the conversation as it is now: everybody is told
    /// what came while they were in, and shown what it is now where more than
    /// messages changed or it is new to some.
    pub(super) fn caught_up(&mut self, missing: Missing, missed: Missed) -> Vec<Effect<R>> {
        let Missed {
            messages,
            record,
            leavers,
        } = missed;
        let messages: Vec<_> = messages.into_iter().map(Arc::new).collect();
        let up_to = record.version;
        self.learn(record);
        let mut effects = Vec::new();
        let missing = Missing { up_to, ..missing };
        if missing.after == 0 || !missing.is_told_by(&messages) {
            effects.push(Effect::Show(Show {
                to: self.everybody.to_vec(),
                cursor: missing.after,
                version: up_to,
            }));
        }
        effects.extend(self.tell_seen(&messages));
        effects.extend(leavers.iter().flat_map(|it| farewell(it, &messages)));
        self.told = up_to;
        effects.push(Effect::Told(up_to));
        effects
    }

    /// The reading that an [`Effect::CatchUp`] asked for failed: it is still
    /// to be told.
    pub(super) fn not_told_after(&mut self, version: i64) {
        self.untold = self.untold.max(self.told);
        self.told = self.told.min(version);
    }

    fn learn(&mut self, record: RoomRecord) {
        self.members = by_id(&record);
        self.everybody = self.members.keys().copied().collect();
        self.record = record;
        // It was read before what is under way is written.
        let mut asked = self.pending.iter();
        self.record.has_archived |= asked.any(|pending| archives(&pending.ask));
    }

    /// Versions are told contiguously: where these don't follow what was told
    /// last, all from there on is read first. What was told already, by a
    /// reading that overtook its commit's news, isn't told again.
    fn tell(&mut self, mut news: Vec<News>) -> Vec<Effect<R>> {
        news.retain(|news| news.version() > self.told);
        let (Some(first), Some(last)) = (news.first(), news.last()) else {
            return Vec::new();
        };
        let (first, last) = (first.version(), last.version());
        if first != self.told + 1 {
            return self.catch_up(last);
        }
        let mut effects = self.introduction(first);
        for news in news {
            let version = news.version();
            match news {
                News::Message(message, returned) => self.message(message, returned, &mut effects),
                News::Change(message, change) => self.change(message, &change, &mut effects),
                News::Touched(_, messages) => effects.extend(self.tell_seen(&messages)),
                News::Settings(user, version) => {
                    effects.push(Effect::Told(self.told));
                    effects.push(Effect::Show(Show {
                        to: vec![user],
                        cursor: version,
                        version,
                    }));
                }
            }
            self.told = version;
        }
        effects.push(Effect::Told(last));
        effects
    }

    /// Only who opened a direct conversation knows of it before its first
    /// message.
    fn introduction(&self, version: i64) -> Vec<Effect<R>> {
        if self.told > 0 || self.record.kind != Kind::Direct {
            return Vec::new();
        }
        vec![Effect::Show(Show {
            to: self.everybody.to_vec(),
            cursor: 0,
            version,
        })]
    }

    /// Messages that follow each other are told in one go.
    fn message(&self, message: Arc<Message>, returned: Vec<UserId>, effects: &mut Vec<Effect<R>>) {
        if !returned.is_empty() {
            effects.push(Effect::Told(self.told));
            effects.push(Effect::Show(Show {
                to: returned,
                cursor: self.told,
                version: message.version,
            }));
        }
        match effects.last_mut() {
            Some(Effect::Tell(to, messages)) if Arc::ptr_eq(to, &self.everybody) => {
                messages.push(message);
            }
            _ => effects.push(Effect::Tell(Arc::clone(&self.everybody), vec![message])),
        }
    }

    /// Those who are gone hear of that and of nothing else; those who are
    /// there now see what it has become. Showing has to read, so what was told
    /// before is noted first: a Room may die meanwhile.
    fn change(&mut self, message: Arc<Message>, change: &Change, effects: &mut Vec<Effect<R>>) {
        self.apply(&message, change);
        effects.push(Effect::Told(self.told));
        effects.push(Effect::Show(Show {
            to: self.everybody.to_vec(),
            cursor: self.told,
            version: message.version,
        }));
        let told = vec![Arc::clone(&message)];
        effects.push(Effect::Tell(Arc::clone(&self.everybody), told));
        for moved in &change.moves {
            if let MemberMove::Leave(user) = moved {
                effects.push(Effect::Removed(*user, reason(*user, &message)));
            }
        }
        effects.push(Effect::Told(message.version));
    }

    fn apply(&mut self, message: &Message, change: &Change) {
        for moved in &change.moves {
            match moved {
                MemberMove::Leave(user) => {
                    self.members.remove(user);
                }
                MemberMove::Join(user) => {
                    let member = RoomMember {
                        user: user.clone(),
                        role: Role::Member,
                        is_deactivated: false,
                        joined_at: message.created_at,
                        joined_seq: message.seq - 1,
                    };
                    self.members.insert(user.id, member);
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
    }

    fn judged(&self, actor: UserId, ask: &Ask) -> Append {
        let (what, verdict) = self.judge(actor, ask);
        let others = self.members.len().saturating_sub(1);
        Append {
            conversation: self.record.id,
            members_version: self.record.members_version,
            verdict,
            actor: self.card(actor),
            what,
            audience: i32::try_from(others).unwrap_or(i32::MAX),
            has_archived: self.record.has_archived,
        }
    }

    fn judge(&self, actor: UserId, ask: &Ask) -> (What, Result<(), Problem>) {
        match ask {
            Ask::Post(post) => {
                let writer = rights::writer(&self.record, &self.members, actor);
                (What::Post(Arc::clone(post)), writer.map(drop))
            }
            Ask::Touch(message, how) => {
                let writer = rights::writer(&self.record, &self.members, actor);
                let is_group = self.record.kind == Kind::Group;
                let touch = Touch {
                    message: *message,
                    how: how.clone(),
                    may_moderate: is_group
                        && writer.as_ref().is_ok_and(|me| me.role >= Role::Admin),
                };
                (What::Touch(touch), writer.map(drop))
            }
            // One's own settings are one's own, also after leaving.
            Ask::Settings(settings) => (What::Settings(*settings), Ok(())),
            ask => match rights::change(&self.record, &self.members, actor, ask) {
                Ok(change) => (What::Change(Arc::new(change)), Ok(())),
                Err(problem) => (What::Change(Arc::default()), Err(problem)),
            },
        }
    }

    /// How somebody is shown. Who isn't in it is never shown in it.
    fn card(&self, user: UserId) -> User {
        self.members.get(&user).map_or_else(
            || User {
                id: user,
                username: String::new(),
                display_name: String::new(),
            },
            |member| member.user.clone(),
        )
    }
}

fn archives(ask: &Ask) -> bool {
    matches!(ask, Ask::Settings(settings) if settings.archived == Some(true))
}

fn by_id(record: &RoomRecord) -> Members {
    let members = record.members.iter().cloned();
    members.map(|member| (member.user.id, member)).collect()
}
