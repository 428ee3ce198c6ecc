//! The binary itself.

mod log;
mod serve;
mod settings;
mod users;
