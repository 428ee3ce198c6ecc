//! Coming back: what a client is told that it missed.

mod busy;
pub(crate) mod client;
mod cursors;
mod races;
mod refusals;
mod replay;
