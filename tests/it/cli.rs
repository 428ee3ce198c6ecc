//! The binary itself.

mod lines;
mod log;
mod secret;
mod security_log;
mod serve;
mod settings;
mod users;
