//! Who types. Never stored, told on change only.

use std::collections::BTreeMap;

use entity::UserId;
use tokio::time::Instant;

use super::{Pending, State, Wanted};
use crate::engine::reply::Done;
use crate::engine::room::effects::{Effect, Note, Said, tell};
use crate::engine::room::messages::{Ask, TYPING_HOLDS_FOR};
use crate::engine::room::rights;
use crate::protocol::{Event, Problem, User};
use crate::store::TELLS_EACH_UP_TO;

/// Everybody who types.
#[derive(Debug, Default)]
pub(super) struct Typing {
    people: BTreeMap<UserId, Typist>,
    /// Whether `typing_due` will be said.
    is_watched: bool,
}

#[derive(Debug)]
struct Typist {
    /// As they were told; they may be gone by the time that it ends.
    user: User,
    /// Each of their sessions that says so, and until when it holds.
    sessions: BTreeMap<u64, Instant>,
}

impl Typing {
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// A session says that its person types; true where that is news.
    pub(super) fn started(&mut self, user: &User, session: u64, now: Instant) -> bool {
        let typist = self.people.entry(user.id).or_insert_with(|| Typist {
            user: user.clone(),
            sessions: BTreeMap::new(),
        });
        let is_news = typist.sessions.is_empty();
        typist.sessions.insert(session, now + TYPING_HOLDS_FOR);
        is_news
    }

    /// A session says that its person doesn't; who that was, where it is news.
    pub(super) fn stopped(&mut self, user: UserId, session: u64) -> Option<User> {
        let typist = self.people.get_mut(&user)?;
        typist.sessions.remove(&session);
        match typist.sessions.is_empty() {
            true => self.ended(user),
            false => None,
        }
    }

    /// They sent it, or went; who that was, where they typed.
    pub(super) fn ended(&mut self, user: UserId) -> Option<User> {
        self.people.remove(&user).map(|typist| typist.user)
    }

    /// Those of whom nothing was heard for too long.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<User> {
        let mut ended = Vec::new();
        self.people.retain(|_, typist| {
            typist.sessions.retain(|_, until| *until > now);
            if typist.sessions.is_empty() {
                ended.push(typist.user.clone());
            }
            !typist.sessions.is_empty()
        });
        ended
    }

    /// Has it looked at again once there is something to expire.
    fn watch<R>(&mut self) -> Option<Effect<R>> {
        let ends = self.people.values().flat_map(|it| it.sessions.values());
        let next = ends.min().copied().filter(|_| !self.is_watched)?;
        self.is_watched = true;
        Some(Effect::WakeAt(next))
    }
}

impl<R> State<R> {
    /// A session says that its person types, or doesn't any more.
    pub(super) fn types(
        &mut self,
        (user, now): (UserId, Instant),
        (session, is_typing): (u64, bool),
        reply: R,
    ) -> Vec<Effect<R>> {
        // Whether they ever were in it is known under the lock alone, and who
        // never was isn't told that there is something to be in.
        if is_typing && rights::inside(&self.members, user).is_err() {
            let wanted = Wanted::This(Ask::Type { session, is_typing }, reply);
            return self.enqueue(Pending {
                actor: user,
                wanted,
            });
        }
        match self.typed((user, session, now), is_typing) {
            Err(problem) => vec![Effect::Answer(reply, Err(problem))],
            Ok(mut effects) => {
                effects.push(Effect::Answer(reply, Ok(Done::Changed)));
                effects
            }
        }
    }

    fn typed(
        &mut self,
        (user, session, now): (UserId, u64, Instant),
        is_typing: bool,
    ) -> Result<Vec<Effect<R>>, Problem> {
        if !is_typing {
            let ended: Vec<User> = self.typing.stopped(user, session).into_iter().collect();
            return Ok(self.tell_typing(&ended, false));
        }
        let user = rights::writer(&self.record, &self.members, user)?
            .user
            .clone();
        if i32::try_from(self.members.len()).is_ok_and(|people| people > TELLS_EACH_UP_TO) {
            return Ok(Vec::new());
        }
        let mut effects = match self.typing.started(&user, session, now) {
            true => self.tell_typing(&[user], true),
            false => Vec::new(),
        };
        effects.extend(self.typing.watch());
        Ok(effects)
    }

    pub(super) fn all_stop_typing(&mut self) -> Vec<Effect<R>> {
        let people = std::mem::take(&mut self.typing.people).into_values();
        let users: Vec<User> = people.map(|typist| typist.user).collect();
        self.tell_typing(&users, false)
    }

    /// Some may not have said for too long that they type.
    pub(in crate::engine::room) fn typing_due(&mut self, now: Instant) -> Vec<Effect<R>> {
        self.typing.is_watched = false;
        let ended = self.typing.expire(now);
        let mut effects = self.tell_typing(&ended, false);
        effects.extend(self.typing.watch());
        effects
    }

    /// Those who aren't in any more won't hear of an end, and may be back
    /// before they hear that they were gone.
    pub(super) fn nobody_types_for_the_gone(&self, before: &[UserId]) -> Vec<Effect<R>> {
        let mut gone = before.to_vec();
        gone.retain(|user| !self.members.contains_key(user));
        let mut effects = Vec::new();
        if !gone.is_empty() {
            for typist in self.typing.people.values() {
                tell(&mut effects, self.typing_note(&typist.user, false, &gone));
            }
        }
        effects
    }

    fn tell_typing(&self, users: &[User], is_typing: bool) -> Vec<Effect<R>> {
        let mut effects = Vec::new();
        for note in self.typing_notes(users, is_typing) {
            tell(&mut effects, note);
        }
        effects
    }

    /// It is for everybody else.
    pub(super) fn typing_notes(
        &self,
        users: &[User],
        is_typing: bool,
    ) -> impl Iterator<Item = Note> {
        let notes = users.iter();
        notes.map(move |user| self.typing_note(user, is_typing, &self.everybody))
    }

    fn typing_note(&self, user: &User, is_typing: bool, to: &[UserId]) -> Note {
        let others = to.iter().copied();
        Note {
            to: others.filter(|other| *other != user.id).collect(),
            version: 0,
            said: Said::Event(Event::Typing {
                conversation_id: self.record.id,
                user_id: user.id,
                username: user.username.clone(),
                is_typing,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Six seconds are promised: not one less, and not one more.
    #[test]
    fn it_holds_for_six_seconds_after_the_last_word_of_it() {
        let user = User {
            id: UserId(1),
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        };
        let mut typing = Typing::default();
        let start = Instant::now();
        assert!(typing.started(&user, 1, start));
        let again = start + Duration::from_secs(3);
        assert!(!typing.started(&user, 1, again), "no news");
        let end = again + Duration::from_secs(6);
        assert!(typing.expire(end - Duration::from_millis(1)).is_empty());
        assert_eq!(typing.expire(end), [user]);
        assert!(typing.is_empty());
    }
}
