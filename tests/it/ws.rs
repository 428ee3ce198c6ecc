//! WebSockets: handshakes, frames, heartbeats, closing, and slow clients.

mod closing;
mod conformance;
mod endpoints;
mod fragments;
mod frames;
mod handshake;
mod heartbeat;
mod logins;
mod partial_input;
pub(crate) mod slow_clients;
mod stopping;
mod tickets;
