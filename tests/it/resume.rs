//! Resuming: the messages and changes that a client missed.

mod busy;
pub(crate) mod client;
mod cursors;
mod long_lists;
mod other_history;
mod races;
mod refusals;
mod replay;
