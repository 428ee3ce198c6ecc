//! Groups: who may do what, and who sees what of it.

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
