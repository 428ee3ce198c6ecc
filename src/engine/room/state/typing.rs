//! The typing members. Never stored, and sent on change only.

use std::collections::BTreeMap;

use entity::UserId;
use tokio::time::Instant;

use super::RoomState;
use crate::engine::room::effects::{AddressedEvent, RoomEffect, push_events};
use crate::engine::room::messages::{TYPING_TIMEOUT, TypingReport};
use crate::engine::room::rights;
use crate::protocol::{Problem, ServerEvent, User};
use crate::store::MEMBER_EVENTS_MAX;
use crate::store::append::AppendOutcome;

/// All typing members.
#[derive(Debug, Default)]
pub(super) struct TypingState {
    members: BTreeMap<UserId, TypingMember>,
    /// Whether the timer for `expire_typing` is set.
    has_timer: bool,
}

#[derive(Debug)]
struct TypingMember {
    /// A copy for the event when the typing ends: by then, the user may no
    /// longer be a member.
    user: User,
    /// The user's typing sessions, each with the time of its expiry.
    sessions: BTreeMap<u64, Instant>,
}

impl TypingState {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Records that a session types; returns true if its user wasn't typing
    /// before.
    pub(super) fn start_typing(&mut self, user: &User, session: u64, now: Instant) -> bool {
        let typist = self.members.entry(user.id).or_insert_with(|| TypingMember {
            user: user.clone(),
            sessions: BTreeMap::new(),
        });
        let is_news = typist.sessions.is_empty();
        typist.sessions.insert(session, now + TYPING_TIMEOUT);
        is_news
    }

    /// Records that a session stopped; returns the user if that ends their
    /// typing.
    pub(super) fn stop_typing(&mut self, user: UserId, session: u64) -> Option<User> {
        let typist = self.members.get_mut(&user)?;
        typist.sessions.remove(&session);
        if typist.sessions.is_empty() {
            self.end_typing(user)
        } else {
            None
        }
    }

    /// Ends a user's typing after a message or a removal; returns the user if
    /// they typed.
    pub(super) fn end_typing(&mut self, user: UserId) -> Option<User> {
        self.members.remove(&user).map(|typist| typist.user)
    }

    /// Removes expired sessions; returns the users whose typing ended.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<User> {
        let mut ended = Vec::new();
        self.members.retain(|_, typist| {
            typist.sessions.retain(|_, until| *until > now);
            if typist.sessions.is_empty() {
                ended.push(typist.user.clone());
            }
            !typist.sessions.is_empty()
        });
        ended
    }

    /// Sets the timer for the next expiry, unless it is set.
    fn schedule_expiry<R>(&mut self) -> Option<RoomEffect<R>> {
        let ends = self.members.values().flat_map(|it| it.sessions.values());
        let next = ends.min().copied().filter(|_| !self.has_timer)?;
        self.has_timer = true;
        Some(RoomEffect::WakeAt(next))
    }
}

impl<R> RoomState<R> {
    /// Handles a session's report that its user types or stopped.
    pub(in crate::engine::room) fn set_typing(
        &mut self,
        report: TypingReport,
        now: Instant,
        reply: R,
    ) -> Vec<RoomEffect<R>> {
        if report.is_typing && !self.members.contains_key(&report.user) {
            return vec![RoomEffect::RefuseNonmember(report.user, reply)];
        }
        match self.update_typing(report, now) {
            Err(problem) => vec![RoomEffect::Reply(reply, AppendOutcome::Refused(problem))],
            Ok(mut effects) => {
                effects.push(RoomEffect::Reply(reply, AppendOutcome::Unchanged(None)));
                effects
            }
        }
    }

    fn update_typing(
        &mut self,
        report: TypingReport,
        now: Instant,
    ) -> Result<Vec<RoomEffect<R>>, Problem> {
        let TypingReport {
            user,
            session,
            is_typing,
        } = report;
        if !is_typing {
            let ended: Vec<User> = self.typing.stop_typing(user, session).into_iter().collect();
            return Ok(self.typing_effects(&ended, false));
        }
        let user = rights::check_writer(&self.record, &self.members, user)?
            .user
            .clone();
        if i32::try_from(self.members.len()).is_ok_and(|people| people > MEMBER_EVENTS_MAX) {
            return Ok(Vec::new());
        }
        let mut effects = if self.typing.start_typing(&user, session, now) {
            self.typing_effects(&[user], true)
        } else {
            Vec::new()
        };
        effects.extend(self.typing.schedule_expiry());
        Ok(effects)
    }

    pub(super) fn stop_all_typing(&mut self) -> Vec<RoomEffect<R>> {
        let people = std::mem::take(&mut self.typing.members).into_values();
        let users: Vec<User> = people.map(|typist| typist.user).collect();
        self.typing_effects(&users, false)
    }

    /// Ends typing that wasn't repeated in time.
    pub(in crate::engine::room) fn expire_typing(&mut self, now: Instant) -> Vec<RoomEffect<R>> {
        self.typing.has_timer = false;
        let ended = self.typing.expire(now);
        let mut effects = self.typing_effects(&ended, false);
        effects.extend(self.typing.schedule_expiry());
        effects
    }

    /// Ends all typing for users who are no longer members. They would not get
    /// the later end, and may rejoin before their removal is announced.
    pub(super) fn end_typing_for_removed(&self, before: &[UserId]) -> Vec<RoomEffect<R>> {
        let mut gone = before.to_vec();
        gone.retain(|user| !self.members.contains_key(user));
        let mut effects = Vec::new();
        if !gone.is_empty() {
            let typists = self.typing.members.values();
            let ends = typists.map(|typist| self.typing_event(&typist.user, false, &gone));
            push_events(&mut effects, ends);
        }
        effects
    }

    fn typing_effects(&self, users: &[User], is_typing: bool) -> Vec<RoomEffect<R>> {
        let mut effects = Vec::new();
        push_events(&mut effects, self.typing_events(users, is_typing));
        effects
    }

    /// Returns the typing event of each user, for all other members.
    pub(super) fn typing_events(
        &self,
        users: &[User],
        is_typing: bool,
    ) -> impl Iterator<Item = AddressedEvent> {
        let notes = users.iter();
        notes.map(move |user| self.typing_event(user, is_typing, &self.member_ids))
    }

    fn typing_event(&self, user: &User, is_typing: bool, to: &[UserId]) -> AddressedEvent {
        let others = to.iter().copied();
        AddressedEvent {
            recipients: others.filter(|other| *other != user.id).collect(),
            version: 0,
            event: ServerEvent::Typing {
                conversation_id: self.record.id,
                user_id: user.id,
                username: user.username.clone(),
                is_typing,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// The protocol promises exactly six seconds.
    #[test]
    fn typing_expires_after_six_seconds() {
        let user = User {
            id: UserId(1),
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        };
        let mut typing = TypingState::default();
        let start = Instant::now();
        assert!(typing.start_typing(&user, 1, start));
        let again = start + Duration::from_secs(3);
        assert!(!typing.start_typing(&user, 1, again), "no change");
        let end = again + Duration::from_secs(6);
        assert!(typing.expire(end - Duration::from_millis(1)).is_empty());
        assert_eq!(typing.expire(end), [user]);
        assert!(typing.is_empty());
    }
}
