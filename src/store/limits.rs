//! Limits that several subjects share.

/// In larger conversations, events about single members aren't sent: their
/// markers, names and presence.
pub(crate) const MEMBER_EVENTS_MAX: i32 = 100;
