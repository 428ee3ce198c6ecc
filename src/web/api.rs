//! The REST API, by subject.

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
