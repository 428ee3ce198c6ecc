//! The `tidings` binary: commands, settings and log.

mod error_lines;
mod log;
mod secret;
mod security_log;
mod serve;
mod settings;
mod users;
