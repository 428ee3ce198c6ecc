//! The binary itself.

mod lines;
mod log;
mod serve;
mod settings;
mod users;
