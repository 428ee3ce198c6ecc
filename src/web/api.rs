//! The REST surface, by subject.

pub(super) mod blocks;
pub(super) mod by_name;
pub(super) mod connections;
pub(super) mod conversations;
pub(super) mod groups;
pub(super) mod identity;
pub(super) mod invites;
pub(super) mod me;
pub(super) mod messages;
pub(super) mod users;

use entity::user;

use super::App;
use crate::protocol::{Problem, Username};

/// The person whom a body names. Nobody of that name is a fault of the body.
pub(super) async fn named(app: &App, username: &str) -> Result<user::Model, Problem> {
    let nobody = || Problem::field("username", "somebody who has an account here");
    let username = Username::parse(username).map_err(|_| nobody())?;
    let found = app.store.user_named(&username).await?;
    found
        .filter(|user| user.deactivated_at.is_none())
        .ok_or_else(nobody)
}

/// The person whom a path names; also one whose account is switched off, whose
/// words are still there to be read.
pub(super) async fn person(app: &App, username: &str) -> Result<user::Model, Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let found = app.store.user_named(&username).await?;
    found.ok_or_else(Problem::not_found)
}
