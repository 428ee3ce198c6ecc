//! From outside: a real server on a real port, real requests, real sockets.
//!
//! The folders mirror the URLs. [`support`] starts servers and speaks to them;
//! every answer that it reads is checked for what all answers promise. With
//! `TIDINGS_TEST_DATABASE` set to the URL of a PostgreSQL server that may
//! create databases, each test gets one of its own there; else SQLite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't go on should stop where it is"
)]

mod api;
mod cli;
mod conversations;
mod crash;
mod demo;
mod engine;
mod groups;
mod messages;
mod pages;
mod people;
mod store;
mod support;
mod ws;
