//! What the actors promise each other.

mod connected;
mod connecting;
mod faults;
mod idempotency;
mod order;
mod removal;
mod stopping;
