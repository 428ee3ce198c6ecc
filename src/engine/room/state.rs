//! What a Room knows, and what follows from what it hears. Pure: no clock, no
//! I/O, no context, so that it can be tested by the thousand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entity::UserId;
use entity::conversation::Kind;

use crate::engine::reply::Sent;
use crate::protocol::{Code, Message, Problem};
use crate::store::append::{Append, Outcome, Post};
use crate::store::{RoomMember, RoomRecord};

/// What the Room has to do, in this order.
#[derive(Debug)]
pub(super) enum Effect<R> {
    /// Have it judged and written under the lock.
    Submit(Append),
    /// Tell everybody that this conversation has come to be.
    Introduce,
    /// Tell these messages to everybody, in this order.
    Tell(Vec<Arc<Message>>),
    /// Read what wasn't told, and tell it.
    CatchUp(Missing),
    /// Answer who asked.
    Answer(R, Result<Sent, Problem>),
    /// Read the conversation again, and say so by [`State::reloaded`].
    Reload,
}

/// The versions after the one and up to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) after: i64,
    pub(super) up_to: i64,
}

/// One post, from being asked to being answered.
#[derive(Debug)]
struct Pending<R> {
    post: Arc<Post>,
    reply: R,
}

/// A Room's state; `R` is the way back to who asked.
#[derive(Debug)]
pub(super) struct State<R> {
    record: RoomRecord,
    members: BTreeMap<UserId, RoomMember>,
    told: i64,
    /// Up to which version there is something that couldn't be read, and so
    /// is still to be told.
    untold: i64,
    /// First those that came back stale, then those at the Journal, then
    /// those that wait for the others to be judged again.
    pending: VecDeque<Pending<R>>,
    stale: usize,
    in_flight: usize,
}

impl<R> State<R> {
    pub(super) fn new(record: RoomRecord, told: i64) -> Self {
        Self {
            members: by_id(&record),
            record,
            told,
            untold: told,
            pending: VecDeque::new(),
            stale: 0,
            in_flight: 0,
        }
    }

    /// Those who hear what happens here.
    pub(super) fn members(&self) -> impl Iterator<Item = UserId> {
        self.members.keys().copied()
    }

    /// Up to which version everything has been told.
    pub(super) fn told(&self) -> i64 {
        self.told
    }

    /// Whether nothing is under way and nothing is left to be told: with the
    /// Room goes the memory of what was.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.untold <= self.told
    }

    /// Somebody wants to send something.
    pub(super) fn post(&mut self, post: Arc<Post>, reply: R) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        if self.stale == 0 {
            effects.push(Effect::Submit(self.judged(&post)));
            self.in_flight += 1;
        }
        self.pending.push_back(Pending { post, reply });
        effects
    }

    /// The Journal says what became of the oldest appends that it has.
    pub(super) fn committed(&mut self, outcomes: Vec<Outcome>) -> Vec<Effect<R>> {
        let mut told = Vec::new();
        let mut answers = Vec::new();
        for outcome in outcomes {
            self.in_flight = self.in_flight.saturating_sub(1);
            if matches!(outcome, Outcome::Stale) {
                self.stale += 1;
                continue;
            }
            let pending = self.pending.remove(self.stale);
            let result = match outcome {
                Outcome::Stale => continue,
                Outcome::Posted(message) => {
                    told.push(Arc::clone(&message));
                    Ok(Sent {
                        message,
                        is_new: true,
                    })
                }
                Outcome::Known(message) => Ok(Sent {
                    message,
                    is_new: false,
                }),
                Outcome::Refused(problem) => Err(problem),
            };
            answers.extend(pending.map(|pending| Effect::Answer(pending.reply, result)));
        }
        let mut effects = self.tell(told);
        effects.extend(answers);
        if self.stale > 0 && self.in_flight == 0 {
            effects.push(Effect::Reload);
        }
        effects
    }

    /// The conversation as it is now: what came back stale is judged again,
    /// and what came meanwhile after it, in the order they were asked.
    pub(super) fn reloaded(&mut self, record: RoomRecord) -> Vec<Effect<R>> {
        self.members = by_id(&record);
        self.record = record;
        self.stale = 0;
        self.in_flight = self.pending.len();
        let posts = self.pending.iter();
        posts
            .map(|pending| Effect::Submit(self.judged(&pending.post)))
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
        let mut effects = self.introduction();
        effects.push(Effect::CatchUp(Missing {
            after: self.told,
            up_to: version,
        }));
        self.told = version;
        effects
    }

    /// The reading that a [`Effect::CatchUp`] asked for failed: it is still
    /// to be told.
    pub(super) fn not_told_after(&mut self, version: i64) {
        self.untold = self.untold.max(self.told);
        self.told = self.told.min(version);
    }

    /// Versions are told contiguously: where these don't follow what was told
    /// last, all from there on is read first. What was told already, by a
    /// reading that overtook its commit's news, isn't told again.
    fn tell(&mut self, mut messages: Vec<Arc<Message>>) -> Vec<Effect<R>> {
        messages.retain(|message| message.version > self.told);
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else {
            return Vec::new();
        };
        if first.version != self.told + 1 {
            return self.catch_up(last.version);
        }
        let mut effects = self.introduction();
        self.told = last.version;
        effects.push(Effect::Tell(messages));
        effects
    }

    /// Only who opened a direct conversation knows of it before its first
    /// message.
    fn introduction(&self) -> Vec<Effect<R>> {
        if self.told == 0 && self.record.kind == Kind::Direct {
            vec![Effect::Introduce]
        } else {
            Vec::new()
        }
    }

    fn judged(&self, post: &Arc<Post>) -> Append {
        Append {
            conversation: self.record.id,
            members_version: self.record.members_version,
            verdict: self.judge(post),
            post: Arc::clone(post),
            audience: i32::try_from(self.members.len().saturating_sub(1)).unwrap_or(i32::MAX),
        }
    }

    fn judge(&self, post: &Post) -> Result<(), Problem> {
        let Some(member) = self.members.get(&post.sender.id) else {
            return Err(Problem::new(
                Code::NotAParticipant,
                "You are not in this conversation.",
            ));
        };
        if member.is_deactivated {
            return Err(Problem::new(
                Code::Deactivated,
                "This account is switched off.",
            ));
        }
        match (self.record.open, self.record.kind) {
            (true, _) => Ok(()),
            (false, Kind::Direct) => Err(Problem::new(
                Code::NotConnected,
                "You can only message people you are connected with.",
            )),
            (false, Kind::Group) => Err(Problem::new(
                Code::Forbidden,
                "This conversation is closed.",
            )),
        }
    }
}

fn by_id(record: &RoomRecord) -> BTreeMap<UserId, RoomMember> {
    let members = record.members.iter().cloned();
    members.map(|member| (member.user.id, member)).collect()
}

#[cfg(test)]
mod tests;
