//! Over sockets.

mod closing;
mod doors;
mod frames;
mod handshake;
mod heartbeat;
mod logins;
mod pieces;
mod slow;
mod stopping;
