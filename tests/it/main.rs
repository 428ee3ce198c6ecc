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

mod admin;
mod api;
mod authority;
mod browser;
mod budgets;
mod cli;
mod conversations;
mod crash;
mod demo;
mod engine;
mod faults;
mod groups;
mod input;
mod limits;
mod messages;
mod ops;
mod pages;
mod people;
mod presence;
mod receipts;
mod resume;
mod soak;
mod store;
mod support;
mod typing;
mod unread;
mod ws;
