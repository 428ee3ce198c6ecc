//! Groups: permissions, and what members and former members can see.

mod consent;
mod counts;
mod create;
pub(crate) mod crew;
pub(crate) mod largest_group;
mod leavers;
mod member_frames;
mod members;
mod outdated_members;
mod rights;
mod succession;
mod system_messages;
