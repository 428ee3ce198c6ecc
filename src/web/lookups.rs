//! Looks up what a request names: users, and the caller's conversations.

use entity::{ConversationId, UserId, user};

use super::AppData;
use crate::protocol::{Problem, Username};
use crate::store::ConversationAccess;

/// Returns the active user named in a request body. An unknown name is an error
/// of the field `username`.
pub(super) async fn find_active_user(
    app: &AppData,
    username: &str,
) -> Result<user::Model, Problem> {
    let nobody = || Problem::invalid_field("username", "no account with this username");
    let username = Username::parse(username.trim()).map_err(|_| nobody())?;
    let found = app.store.users().find_by_name(&username).await?;
    found
        .filter(|user| user.deactivated_at.is_none())
        .ok_or_else(nobody)
}

/// Returns the user named in a path. A deactivated user is found too, since
/// their messages remain readable.
pub(super) async fn find_user(app: &AppData, username: &str) -> Result<user::Model, Problem> {
    let username = Username::parse(username).map_err(|_| Problem::not_found())?;
    let found = app.store.users().find_by_name(&username).await?;
    found.ok_or_else(Problem::not_found)
}

/// Checks that `me` is a member of a conversation. A user without access gets
/// `not_found`, so that the conversation's existence isn't revealed.
pub(super) async fn require_participant(
    app: &AppData,
    me: UserId,
    id: ConversationId,
) -> Result<(), Problem> {
    match app.store.conversations().load_access(me, id).await? {
        Some(ConversationAccess::Member(_)) => Ok(()),
        None => Err(Problem::not_found()),
        Some(ConversationAccess::FormerMember(_)) => Err(Problem::not_a_participant()),
    }
}
