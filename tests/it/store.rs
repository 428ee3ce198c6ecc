//! The store: batches, statements, query plans and costs.

mod accounts;
mod batches;
mod changes;
mod costs;
mod filler;
mod flow;
mod house;
mod memory;
pub(crate) mod meter;
mod names;
mod plans;
pub(crate) mod statements;
