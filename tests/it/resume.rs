//! Coming back: what a client is told that it missed.

mod busy;
pub(crate) mod client;
mod cursors;
mod long_lists;
mod other_history;
mod races;
mod refusals;
mod replay;
