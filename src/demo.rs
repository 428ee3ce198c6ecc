//! A small world to look at: people, what they say to each other, and how far
//! each has read.
//!
//! It is written down in `demo/world.toml`, in the words that stand at the
//! top of that file. [`Script`] is what it says; [`Script::play`] plays it
//! through, line by line, as the Rooms and the Journal would have, so that
//! every number fits the others. It is pure: the same moment gives the same
//! world.

mod act;
mod clock;
mod history;
mod lines;
mod script;

#[cfg(test)]
mod tests;

use entity::connection::{self, State};
use entity::{ConnectionId, Millis, UserId, user_status};

use crate::protocol::User;
use crate::store::{Newcomer, World};
use history::Activity;
pub use script::{Person, Script, ScriptError};

/// Everybody's.
pub const PASSWORD: &str = "look-around-freely";

/// Somebody, by their place among the people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Who(usize);

type Result<T> = std::result::Result<T, ScriptError>;

impl Script {
    /// Those who have an account, in order, with the hash of [`PASSWORD`].
    #[must_use]
    pub fn newcomers(&self, password_hash: &str, now: Millis) -> Vec<Newcomer> {
        let people = self.people.iter().enumerate();
        people
            .map(|(at, person)| person.newcomer(password_hash, clock::arrived(at, now)))
            .collect()
    }

    /// What there is beside them, once they have their ids: `users` in the
    /// order of [`Script::newcomers`].
    ///
    /// # Errors
    /// Where the script contradicts itself.
    pub fn play(&self, users: &[User], now: Millis) -> Result<World> {
        let mut rows = World {
            connections: self.connections(users, now)?,
            ..World::default()
        };
        let mut activity = Activity::default();
        for (at, conversation) in self.conversations.iter().enumerate() {
            let cast = history::Cast {
                users,
                you: self.you,
                now,
            };
            history::play(conversation, at, cast, (&mut rows, &mut activity))?;
        }
        rows.statuses = self.statuses(users, &activity, now)?;
        Ok(rows)
    }

    fn connections(&self, users: &[User], now: Millis) -> Result<Vec<connection::Model>> {
        let agreed = self
            .connected
            .iter()
            .enumerate()
            .map(|(at, pair)| (*pair, State::Connected, clock::connected(at, now)));
        let asked = self
            .requests
            .iter()
            .map(|request| (request.pair, State::Requested, now.before(request.ago)));
        agreed
            .chain(asked)
            .enumerate()
            .map(|(at, ((from, to), state, created_at))| {
                let (from, to) = (user(users, from)?.id, user(users, to)?.id);
                Ok(connection::Model {
                    id: ConnectionId(clock::count(at) + 1),
                    low_id: from.min(to),
                    high_id: from.max(to),
                    requested_by: from,
                    state,
                    created_at,
                })
            })
            .collect()
    }

    /// Nobody was last here before the last thing they did.
    fn statuses(
        &self,
        users: &[User],
        activity: &Activity,
        now: Millis,
    ) -> Result<Vec<user_status::Model>> {
        let people = self.people.iter().enumerate();
        people
            .map(|(at, person)| {
                let said = now.before(person.seen);
                let did = activity.get(&Who(at)).copied().unwrap_or(said);
                Ok(user_status::Model {
                    user_id: user(users, Who(at))?.id,
                    is_online: false,
                    node_id: None,
                    last_seen: Some(said.max(did)),
                })
            })
            .collect()
    }
}

fn user(users: &[User], who: Who) -> Result<&User> {
    let found = users.get(who.0);
    found.ok_or_else(|| ScriptError::new("somebody has no account"))
}

fn id(users: &[User], who: Who) -> Result<UserId> {
    Ok(user(users, who)?.id)
}
