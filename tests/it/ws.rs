//! Over sockets.

mod closing;
mod frames;
mod handshake;
mod heartbeat;
mod logins;
mod pieces;
mod slow;
mod stopping;
