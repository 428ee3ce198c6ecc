//! Typed keys. All are integers below 2^53, so that JavaScript can represent
//! them exactly. Their order has no meaning.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// A user.
    UserId
);
id!(
    /// A login: the `sid` claim of a token.
    LoginId
);
id!(
    /// A connection between two users.
    ConnectionId
);
id!(
    /// A conversation, direct or group.
    ConversationId
);
id!(
    /// A message.
    MessageId
);
id!(
    /// An invitation to register.
    InviteId
);
id!(
    /// An invitation to a group.
    InvitationId
);
id!(
    /// A report of a message.
    ReportId
);
id!(
    /// A server process.
    NodeId
);
id!(
    /// One move of a marker.
    ReceiptId
);
id!(
    /// One entry of the audit log.
    AuditId
);
