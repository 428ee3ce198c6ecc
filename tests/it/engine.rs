//! What the actors promise each other.

mod connected;
mod connecting;
mod faults;
mod idempotency;
mod leaving;
mod order;
mod pressure;
mod removal;
mod stopping;
