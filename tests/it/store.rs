//! The store by itself.

mod filler;
mod flow;
mod plans;
pub(crate) mod statements;
