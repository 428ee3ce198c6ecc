//! What a Room knows, and what follows from what it hears. Pure: no clock, no
//! I/O, no context, so that it can be tested by the thousand.

mod counts;
mod marks;
mod outsiders;
mod pending;
mod seen;
mod telling;
#[cfg(test)]
mod tests;
mod typing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entity::UserId;
use entity::conversation::Kind;
use entity::participant::Role;
use tokio::time::Instant;

use super::effects::{Answered, Effect, Missing, News, Show, farewell, taken, tell};
use super::messages::Ask;
use super::rights;
use crate::protocol::{Problem, User};
use crate::store::append::{self, Append, Mark, Outcome, Touch, What};
use crate::store::{Missed, RoomMember, RoomRecord};
use counts::Counts;
use pending::{Pending, Wanted, archives};
use typing::Typing;

/// Those who take part.
pub(super) type Members = BTreeMap<UserId, RoomMember>;

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
    /// Whether somebody put the conversation away, or is about to.
    has_archived: bool,
    /// Marks that are gathered, in the order of their people.
    gathered: BTreeMap<UserId, Vec<(Mark, R)>>,
    /// Whether `marks_due` will be said.
    is_gathering: bool,
    counts: Counts,
    /// Whether messages were withdrawn since all were counted.
    is_miscounted: bool,
    typing: Typing,
}

impl<R> State<R> {
    pub(super) fn new(record: RoomRecord, told: i64) -> Self {
        let members = by_id(&record);
        Self {
            everybody: members.keys().copied().collect(),
            has_archived: members.values().any(|member| member.archived),
            counts: Counts::new(&record),
            members,
            record,
            judged_by: 0,
            told,
            untold: told,
            pending: VecDeque::new(),
            stale: 0,
            in_flight: 0,
            gathered: BTreeMap::new(),
            is_gathering: false,
            is_miscounted: false,
            typing: Typing::default(),
        }
    }

    /// Whether nothing is under way and nothing is left to be told: with the
    /// Room goes the memory of what was.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty()
            && self.gathered.is_empty()
            && self.typing.is_empty()
            && !self.is_miscounted
            && self.untold <= self.told
    }

    /// Whether what waits for each has to be counted again.
    pub(super) fn is_miscounted(&self) -> bool {
        self.is_miscounted
    }

    /// Somebody asks for something.
    pub(super) fn ask(
        &mut self,
        (actor, now): (UserId, Instant),
        ask: Ask,
        reply: R,
    ) -> Vec<Effect<R>> {
        match ask {
            Ask::Mark(mark) => self.gather(actor, mark, reply),
            Ask::Type { session, is_typing } => {
                self.types((actor, now), (session, is_typing), reply)
            }
            ask => {
                self.has_archived |= archives(&ask);
                let mut effects = self.submit_marks(actor);
                let wanted = Wanted::This(ask, reply);
                effects.extend(self.enqueue(Pending { actor, wanted }));
                effects
            }
        }
    }

    fn enqueue(&mut self, pending: Pending<R>) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        if !self.must_wait() {
            effects.push(Effect::Submit(self.judged(&pending)));
            self.in_flight += 1;
            self.judged_by = self.record.members_version;
        }
        self.pending.push_back(pending);
        effects
    }

    /// Whether what is asked now could overtake something asked before: what
    /// waits already, or what is at the Journal by another judgement and will
    /// come back stale.
    fn must_wait(&self) -> bool {
        self.pending.len() > self.in_flight
            || (self.in_flight > 0 && self.judged_by != self.record.members_version)
    }

    /// The conversation of two as it is now: whether they may write. What
    /// else happened in it is told by commits.
    pub(super) fn refreshed(&mut self, record: RoomRecord) -> Vec<Effect<R>> {
        if record.kind != Kind::Direct || record.members_version <= self.record.members_version {
            return Vec::new();
        }
        self.record.members_version = record.members_version;
        self.record.open = record.open;
        self.members = by_id(&record);
        match record.open {
            true => Vec::new(),
            false => self.all_stop_typing(),
        }
    }

    /// Somebody is shown as this from now on.
    pub(super) fn renamed(&mut self, user: User) {
        if let Some(member) = self.members.get_mut(&user.id) {
            member.user = user;
        }
    }

    /// The Journal says what became of the oldest appends that it has, and
    /// which marks moved by that.
    pub(super) fn committed(
        &mut self,
        outcomes: Vec<Outcome>,
        marks: append::Marks,
    ) -> Vec<Effect<R>> {
        let mut news = Vec::new();
        let mut answers = Vec::new();
        for outcome in outcomes {
            self.in_flight = self.in_flight.saturating_sub(1);
            if matches!(outcome, Outcome::Stale) {
                self.stale += 1;
                continue;
            }
            let pending = self.pending.remove(self.stale);
            let (told, answer) = taken(outcome);
            news.extend(told);
            if let Some(pending) = pending {
                self.answer(pending, answer, &mut answers);
            }
        }
        if let Some(first) = news.first().map(News::version) {
            // What a dead predecessor moved in the same batch is read with the
            // rest of what that did. What moved by a message is told after it.
            let moved = marks.moved.into_iter();
            let moved = moved.filter(|moved| moved.version >= first);
            news.extend(moved.map(News::Moved));
            news.extend(marks.raised.map(News::Raised));
            news.sort_by_key(News::version);
        }
        let mut effects = self.tell(news, &marks.unread);
        effects.extend(answers);
        if self.in_flight == 0 && !self.pending.is_empty() {
            effects.push(Effect::Reload);
        }
        effects
    }

    /// The conversation as it is now: what came back stale is judged again,
    /// and what came meanwhile after it, in the order they were asked.
    pub(super) fn reloaded(&mut self, record: RoomRecord) -> Vec<Effect<R>> {
        let before = Arc::clone(&self.everybody);
        self.learn(record);
        let mut effects = self.nobody_types_for_the_gone(&before);
        self.stale = 0;
        self.in_flight = self.pending.len();
        self.judged_by = self.record.members_version;
        let asked = self.pending.iter();
        effects.extend(asked.map(|pending| Effect::Submit(self.judged(pending))));
        effects
    }

    /// The conversation can't be read: everything is answered with why.
    pub(super) fn failed(&mut self, problem: &Problem) -> Vec<Effect<R>> {
        self.stale = 0;
        self.in_flight = 0;
        let mut effects = Vec::new();
        for pending in self.pending.drain(..) {
            pending.answer(Answered::With(Err(problem.clone())), &mut effects);
        }
        effects
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

    /// What wasn't told, and the conversation as it is now: everybody is shown
    /// that, with everybody's marks, and told what came while they were in.
    pub(super) fn caught_up(&mut self, missing: Missing, missed: Missed) -> Vec<Effect<R>> {
        let Missed {
            messages,
            has_more,
            record,
            leavers,
        } = missed;
        let messages: Vec<_> = messages.into_iter().map(Arc::new).collect();
        let up_to = record.version;
        self.learn(record);
        let mut effects = Vec::new();
        if !leavers.is_empty() {
            effects.push(Effect::SettleStatuses);
        }
        effects.push(Effect::Show(Show {
            to: self.in_the_know(),
            cursor: missing.after,
            version: up_to,
        }));
        let seen = self.tell_seen(&messages, |version| version > missing.after);
        effects.extend(seen.into_iter().map(Effect::Tell));
        if has_more {
            tell(&mut effects, self.too_far_behind(up_to));
        }
        self.counts.tell_all_again();
        self.tell_counts(&mut effects);
        let leavers = leavers.iter();
        effects.extend(leavers.flat_map(|it| farewell(self.record.id, it, &messages)));
        self.told = up_to;
        effects.push(Effect::Told(up_to));
        effects
    }

    /// In whose list it stands: until there is something to read in one of two,
    /// in its opener's alone.
    fn in_the_know(&self) -> Vec<UserId> {
        match (self.record.kind, self.record.last_seq) {
            (Kind::Direct, 0) => vec![self.record.opened_by],
            _ => self.everybody.to_vec(),
        }
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
        self.counts.learn(&record);
        self.counts.keep(&self.members);
        self.record = record;
        // It was read before what is under way is written.
        let mut asked = self.pending.iter();
        self.has_archived =
            asked.any(Pending::archives) || self.members.values().any(|member| member.archived);
    }

    fn judged(&self, pending: &Pending<R>) -> Append {
        let actor = pending.actor;
        let (what, verdict) = match &pending.wanted {
            Wanted::This(ask, _) => self.judge(actor, ask),
            // Marks are for all who are in, also where nothing may be written.
            Wanted::Marks(marks) => {
                let marks = marks.iter().map(|(mark, _)| *mark).collect();
                let inside = rights::inside(&self.members, actor);
                (What::Mark(marks), inside.map(drop))
            }
        };
        Append {
            conversation: self.record.id,
            members_version: self.record.members_version,
            verdict,
            actor: self.card(actor),
            what,
            has_others: self.members.len() > 1,
            has_archived: self.has_archived,
        }
    }

    fn judge(&self, actor: UserId, ask: &Ask) -> (What, Result<(), Problem>) {
        match ask {
            Ask::Post(post) => {
                let writer = rights::writer(&self.record, &self.members, actor);
                (What::Post(Arc::clone(post)), writer.map(drop))
            }
            // Whoever sent a message may learn of it, also after leaving.
            Ask::FindSent(retry) => (What::FindSent(Arc::clone(retry)), Ok(())),
            Ask::Touch(message, how) => {
                let writer = rights::writer(&self.record, &self.members, actor);
                let is_group = self.record.kind == Kind::Group;
                let touch = Touch {
                    message: *message,
                    how: how.clone(),
                    may_moderate: is_group
                        && writer.as_ref().is_ok_and(|me| me.role >= Role::Admin),
                };
                let verdict = match how.is_removal() {
                    true => rights::remover(&self.members, actor),
                    false => writer.map(drop),
                };
                (What::Touch(touch), verdict)
            }
            Ask::Mark(mark) => (What::Mark(vec![*mark]), Ok(())),
            // Nothing is written of it.
            Ask::Type { .. } => {
                let inside = rights::inside(&self.members, actor);
                (What::Mark(Vec::new()), inside.map(drop))
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

fn by_id(record: &RoomRecord) -> Members {
    let members = record.members.iter().cloned();
    members.map(|member| (member.user.id, member)).collect()
}
