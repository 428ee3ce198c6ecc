//! The demo data of `tidings demo`: users, their messages, and their markers.
//!
//! The data is in `demo/world.toml`; the top of that file describes the format.
//! [`DemoScript`] is the parsed file. [`DemoScript::play`] replays it line by
//! line, with the numbers that Rooms and the Journal would assign. It is pure:
//! the same moment gives the same rows.

mod history;
mod schedule;
mod script;

#[cfg(test)]
mod tests;

use std::time::Duration;

use entity::connection::{self, ConnectionRowState};
use entity::{ConnectionId, Millis, user_status};

use crate::protocol::{DisplayName, User, Username};
use crate::store::{ImportData, ImportedUser, NewUser};
use history::DemoCast;
use schedule::{MINUTE, midnight};
use script::Result;
pub use script::{DemoPerson, DemoScript, ScriptError};

/// The password of all demo users.
pub const PASSWORD: &str = "look-around-freely";

/// Ages of the oldest account and the oldest connection, in days. All accounts
/// and connections are older than the first scene.
const ACCOUNT_AGE_DAYS: u32 = 40;
const CONNECTION_AGE_DAYS: u32 = 33;

impl DemoScript {
    /// Returns the users to create, in order, with the hash of [`PASSWORD`].
    ///
    /// # Errors
    /// If a name is invalid.
    pub fn newcomers(&self, password_hash: &str, now: Millis) -> Result<Vec<ImportedUser>> {
        let people = self.people.iter().enumerate();
        let newcomers = people.map(|(place, person)| {
            Ok(ImportedUser {
                user: NewUser {
                    username: Username::parse(&person.username).map_err(ScriptError::new)?,
                    display_name: DisplayName::parse(&person.name).map_err(ScriptError::new)?,
                    password_hash: password_hash.to_owned(),
                    is_admin: false,
                },
                about: person.about.clone(),
                created_at: midnight(ACCOUNT_AGE_DAYS, now).after(nth_delay(place)),
            })
        });
        newcomers.collect()
    }

    /// Returns all other rows. `users` are the created users.
    ///
    /// # Errors
    /// If the script contradicts itself.
    pub fn play(&self, users: &[User], now: Millis) -> Result<ImportData> {
        let cast = DemoCast {
            users,
            you: &self.you,
            now,
        };
        let mut rows = ImportData::default();
        for person in &self.people {
            rows.statuses.push(user_status::Model {
                user_id: cast.find_user(&person.username)?.id,
                is_online: false,
                node_id: None,
                last_seen: Some(now.before(MINUTE * person.seen)),
            });
        }
        self.add_connections(cast, &mut rows)?;
        for conversation in &self.conversations {
            history::play_conversation(conversation, cast, &mut rows)?;
        }
        Ok(rows)
    }

    fn add_connections(&self, cast: DemoCast<'_>, rows: &mut ImportData) -> Result<()> {
        let mut add = |from: &str, to: &str, state, created_at| {
            let (from, to) = (cast.find_user(from)?.id, cast.find_user(to)?.id);
            rows.connections.push(connection::Model {
                id: ConnectionId(history::next_id(rows.connections.len())),
                low_id: from.min(to),
                high_id: from.max(to),
                requested_by: from,
                state,
                created_at,
            });
            Ok(())
        };
        let pairs = self.connected.iter();
        let pairs = pairs.flat_map(|(from, others)| others.iter().map(move |to| (from, to)));
        for (place, (from, to)) in pairs.enumerate() {
            let created_at = midnight(CONNECTION_AGE_DAYS, cast.now).after(nth_delay(place));
            add(from, to, ConnectionRowState::Connected, created_at)?;
        }
        for request in &self.requests {
            let created_at = cast.now.before(MINUTE * request.ago);
            let state = ConnectionRowState::Requested;
            add(&request.from, &request.to, state, created_at)?;
        }
        Ok(())
    }
}

/// Returns the time of the next account or connection after the first one.
fn nth_delay(place: usize) -> Duration {
    MINUTE * 97 * u32::try_from(place).unwrap_or(u32::MAX)
}
