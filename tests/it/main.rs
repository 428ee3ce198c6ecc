//! Tests against a real server on a real port, with real requests and sockets.
//!
//! The folders mirror the URLs. [`support`] starts servers, sends requests and
//! checks each response for what all responses must have. If
//! `TIDINGS_TEST_DATABASE` is the URL of a PostgreSQL server that may create
//! databases, each test gets its own database there. Otherwise tests use
//! SQLite.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that can't continue should fail at that line"
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
