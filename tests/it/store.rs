//! The store by itself.

mod accounts;
mod batches;
mod changes;
mod costs;
mod filler;
mod flow;
mod house;
mod memory;
pub(crate) mod meter;
mod plans;
pub(crate) mod statements;
