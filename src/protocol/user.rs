//! A person, as others see them.

use entity::{Millis, UserId};
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

/// How one stands to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nobody asked.
    None,
    /// One asked, and waits.
    Requested,
    /// They asked.
    Incoming,
    /// Both agreed.
    Connected,
    /// One wants nothing from them. They never learn of it.
    Blocked,
}

/// A person, as one who looks them up sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    #[serde(flatten)]
    pub user: User,
    pub about: String,
    /// None where the one who looks may not know.
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
    pub connection: Standing,
}
