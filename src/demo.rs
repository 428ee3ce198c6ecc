//! The demo data of `tidings demo`: users, their messages, and their markers.
//!
//! The data is in `demo/world.toml`; the top of that file describes the format.
//! [`DemoScript`] is the parsed file. [`DemoScript::play`] replays it line by
//! line, with the numbers that Rooms and the Journal would assign. It is pure:
//! the same moment gives the same rows.

mod clock;
mod history;
mod script;
mod script_reader;
mod timeline;

#[cfg(test)]
mod tests;

use entity::connection::{self, ConnectionRowState};
use entity::{ConnectionId, Millis, UserId, user_status};

use crate::protocol::User;
use crate::store::{ImportData, ImportedUser};
use history::LastActivity;
pub use script::{DemoPerson, DemoScript, ScriptError};

/// The password of all demo users.
pub const PASSWORD: &str = "look-around-freely";

/// A user, as an index into [`DemoScript::people`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PersonIndex(usize);

type Result<T> = std::result::Result<T, ScriptError>;

impl DemoScript {
    /// Returns the users to create, in order, with the hash of [`PASSWORD`].
    #[must_use]
    pub fn newcomers(&self, password_hash: &str, now: Millis) -> Vec<ImportedUser> {
        let people = self.people.iter().enumerate();
        people
            .map(|(at, person)| {
                person.to_newcomer(password_hash, clock::account_opened_at(at, now))
            })
            .collect()
    }

    /// Returns all other rows. `users` are the created users, in the order of
    /// [`DemoScript::newcomers`].
    ///
    /// # Errors
    /// If the script contradicts itself.
    pub fn play(&self, users: &[User], now: Millis) -> Result<ImportData> {
        let mut rows = ImportData {
            connections: self.connection_rows(users, now)?,
            ..ImportData::default()
        };
        let mut activity = LastActivity::default();
        for (at, conversation) in self.conversations.iter().enumerate() {
            let cast = history::DemoContext {
                users,
                viewer: self.viewer,
                now,
            };
            history::play_conversation(conversation, at, cast, (&mut rows, &mut activity))?;
        }
        rows.statuses = self.status_rows(users, &activity, now)?;
        Ok(rows)
    }

    fn connection_rows(&self, users: &[User], now: Millis) -> Result<Vec<connection::Model>> {
        let agreed = self.connected.iter().enumerate().map(|(at, pair)| {
            (
                *pair,
                ConnectionRowState::Connected,
                clock::connected_at(at, now),
            )
        });
        let asked = self.requests.iter().map(|request| {
            (
                request.pair,
                ConnectionRowState::Requested,
                now.before(request.ago),
            )
        });
        agreed
            .chain(asked)
            .enumerate()
            .map(|(at, ((from, to), state, created_at))| {
                let (from, to) = (find_user(users, from)?.id, find_user(users, to)?.id);
                Ok(connection::Model {
                    id: ConnectionId(clock::to_i64(at) + 1),
                    low_id: from.min(to),
                    high_id: from.max(to),
                    requested_by: from,
                    state,
                    created_at,
                })
            })
            .collect()
    }

    /// A user's `last_seen` is never before the user's last action.
    fn status_rows(
        &self,
        users: &[User],
        activity: &LastActivity,
        now: Millis,
    ) -> Result<Vec<user_status::Model>> {
        let people = self.people.iter().enumerate();
        people
            .map(|(at, person)| {
                let said = now.before(person.last_seen_ago);
                let did = activity.get(&PersonIndex(at)).copied().unwrap_or(said);
                Ok(user_status::Model {
                    user_id: find_user(users, PersonIndex(at))?.id,
                    is_online: false,
                    node_id: None,
                    last_seen: Some(said.max(did)),
                })
            })
            .collect()
    }
}

fn find_user(users: &[User], who: PersonIndex) -> Result<&User> {
    let found = users.get(who.0);
    found.ok_or_else(|| ScriptError::new("a person has no account"))
}

fn find_user_id(users: &[User], who: PersonIndex) -> Result<UserId> {
    Ok(find_user(users, who)?.id)
}
