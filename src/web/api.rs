//! The REST surface, by subject.

pub(super) mod connections;
pub(super) mod conversations;
pub(super) mod groups;
pub(super) mod identity;
pub(super) mod messages;

use entity::user;

use super::App;
use crate::protocol::{Problem, Username};

/// The person whom a body names. Nobody of that name is a fault of the body.
async fn named(app: &App, username: &str) -> Result<user::Model, Problem> {
    let nobody = || Problem::field("username", "somebody who has an account here");
    let username = Username::parse(username).map_err(|_| nobody())?;
    let found = app.store.user_named(&username).await?;
    found
        .filter(|user| user.deactivated_at.is_none())
        .ok_or_else(nobody)
}
