//! An invitation to a group that the invited user left.

use entity::{ConversationId, InvitationId, Millis};
use serde::Serialize;

use super::User;

/// How far an invitation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InvitationState {
    /// It was answered, or holds no longer: only in an `invitation` event.
    None,
    /// It waits for the answer of the invited user.
    Incoming,
}

/// An invitation as the invited user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub conversation_id: ConversationId,
    pub title: String,
    pub inviter: User,
    pub state: InvitationState,
    pub created_at: Millis,
}

/// The answer to the member who invites: the same whether it is delivered or
/// not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invited {
    pub conversation_id: ConversationId,
    pub user: User,
    pub state: &'static str,
}
