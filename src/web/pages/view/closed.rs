//! What a conversation shows in the composer's place if the user can't write:
//! the reason, and the actions that change it.

use entity::ConversationId;

use crate::protocol::message::isolate_name;
use crate::protocol::user::Relationship;
use crate::protocol::{Conversation, UserProfile};

/// Why the user can't write in the open conversation.
pub(in crate::web) struct ClosedComposer {
    pub(in crate::web) reason: String,
    /// The relationship whose change lets the user write. `None` for groups.
    pub(in crate::web) relation: Option<Relationship>,
    pub(in crate::web) username: String,
    /// The query of the form's URL: the conversation to return to.
    pub(in crate::web) from: String,
}

impl ClosedComposer {
    /// Returns `None` if the user can write.
    pub(in crate::web) fn new(
        conversation: Option<&Conversation>,
        them: Option<&UserProfile>,
        name: &str,
    ) -> Option<Self> {
        if conversation.is_some_and(|found| found.left) {
            return Some(Self {
                reason: "You are no longer in this group. You can still read earlier messages."
                    .to_owned(),
                relation: None,
                username: String::new(),
                from: String::new(),
            });
        }
        let them = them?;
        Some(Self {
            reason: relation_reason(them.connection, conversation.is_some(), name)?,
            relation: Some(them.connection),
            username: them.user.username.clone(),
            from: return_query(conversation.map(|found| found.id)),
        })
    }
}

/// Returns the query that leads back to a conversation after an action.
pub(in crate::web) fn return_query(conversation: Option<ConversationId>) -> String {
    conversation.map_or_else(String::new, |id| format!("?from={id}"))
}

fn relation_reason(relation: Relationship, has_history: bool, name: &str) -> Option<String> {
    let name = isolate_name(name);
    match relation {
        Relationship::Connected => None,
        Relationship::None if !has_history => Some(format!("You’re not connected with {name}.")),
        Relationship::None => Some(format!(
            "You’re no longer connected with {name}. You can still read earlier messages."
        )),
        Relationship::Requested => Some(format!(
            "{name} hasn’t accepted your request yet. You can message them when they do."
        )),
        Relationship::Incoming => Some(format!(
            "{name} wants to connect. Accept the request to message them."
        )),
        Relationship::Blocked => Some(format!(
            "You blocked {name}. To message them, unblock them and connect again."
        )),
    }
}
