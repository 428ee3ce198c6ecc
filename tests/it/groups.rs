//! Groups: permissions, and what members and former members can see.

mod consent;
mod counts;
mod create;
pub(crate) mod crew;
mod leavers;
mod members;
mod rights;
mod succession;
mod system_messages;
mod telling;
pub(crate) mod thousand;
mod vanishing;
