//! The REST surface, by subject.

pub(super) mod blocks;
pub(super) mod by_name;
pub(super) mod connections;
pub(super) mod conversations;
pub(super) mod groups;
pub(super) mod identity;
pub(super) mod invitations;
pub(super) mod invites;
pub(super) mod me;
pub(super) mod messages;
pub(super) mod receipts;
pub(super) mod reports;
pub(super) mod users;

use entity::{ConversationId, UserId, user};

use super::App;
use crate::protocol::{Code, Problem, Username};
use crate::store::Access;

/// The person whom a body names. Nobody of that name is a fault of the body.
pub(super) async fn named(app: &App, username: &str) -> Result<user::Model, Problem> {
    let nobody = || Problem::field("username", "somebody who has an account here");
    let username = Username::parse(username.trim()).map_err(|_| nobody())?;
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

/// Whether somebody is in a conversation: of one that they never were in,
/// nobody may know.
pub(super) async fn must_be_in(app: &App, me: UserId, id: ConversationId) -> Result<(), Problem> {
    match app.store.access(me, id).await? {
        Some(Access::In(_)) => Ok(()),
        None => Err(Problem::not_found()),
        Some(Access::Left(_)) => Err(Problem::new(
            Code::NotAParticipant,
            "You are no longer in this conversation.",
        )),
    }
}
