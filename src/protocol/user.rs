//! A person, as others see them.

use entity::UserId;
use serde::Serialize;

/// The short form that stands wherever a person is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct User {
    /// For clients to key by.
    pub id: UserId,
    /// As the person spells it; compared without case.
    pub username: String,
    /// What is shown.
    pub display_name: String,
}

/// One's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Me {
    #[serde(flatten)]
    pub user: User,
    /// A few words about oneself.
    pub about: String,
    /// Whether the admin route is open to them.
    pub is_admin: bool,
}
