//! Coming back: what a client is told that it missed.

mod busy;
pub(crate) mod client;
mod cursors;
mod long_lists;
mod races;
mod refusals;
mod replay;
