//! WebSockets: handshakes, frames, heartbeats, closing, and slow clients.

mod closing;
mod conformance;
mod doors;
mod drips;
mod frames;
mod handshake;
mod heartbeat;
mod logins;
mod pieces;
pub(crate) mod slow;
mod stopping;
mod tickets;
