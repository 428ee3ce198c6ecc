//! Guarantees of the engine's actors: order, idempotency, recovery and stop.

mod connected;
mod connecting;
mod faults;
mod idempotency;
mod leaving;
mod order;
mod pressure;
mod removal;
mod stopping;
mod unknown_ids;
