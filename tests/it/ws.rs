//! Over sockets.

mod doors;
