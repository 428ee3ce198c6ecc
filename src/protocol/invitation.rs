//! An invitation to a group that the invited user left.

use entity::{ConversationId, InvitationId, Millis};
use serde::Serialize;

use super::User;

/// The status of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InvitationState {
    /// The invitation was answered or isn't valid any more: only in an
    /// `invitation` event.
    None,
    /// The invitation waits for the answer of the invited user.
    Incoming,
}

/// An invitation, as the invited user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub conversation_id: ConversationId,
    pub title: String,
    pub inviter: User,
    pub state: InvitationState,
    pub created_at: Millis,
}

/// The response to the inviting member. It is the same whether the invitation
/// is delivered or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InvitationReceipt {
    pub conversation_id: ConversationId,
    pub user: User,
    pub state: &'static str,
}
