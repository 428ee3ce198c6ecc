//! What the actors promise each other.

mod connected;
mod connecting;
mod faults;
mod idempotency;
mod leaving;
mod made_up;
mod order;
mod pressure;
mod removal;
mod stopping;
