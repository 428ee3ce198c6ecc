//! The store: batches, statements, query plans and costs.

mod accounts;
mod admin;
mod batches;
mod changes;
mod conversation_cache;
mod costs;
mod filler;
mod flow;
pub(crate) mod meter;
mod names;
mod plans;
pub(crate) mod statements;
