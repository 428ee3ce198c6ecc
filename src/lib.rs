//! Tidings: a self-hosted, real-time messaging engine.
//!
//! Every live action is a typed message in an actor's mailbox. A chat message
//! always takes this path:
//!
//! ```text
//!  client ──▶ Session ──RoomCommand──▶ Room ──AppendCommand──▶ Journal ══ transaction ══▶ database
//!                                      │ ◀── BatchCommit ────────┘
//!                                      └── SessionDelivery ──▶ Sessions of participants ──▶ clients
//! ```
//!
//! A REST request enters the mailbox of the same Room. The server delivers
//! nothing before it is on disk: the echo *is* the acknowledgement.
//!
//! Each layer may use the layers below it, never those above:
//!
//! | layer | what it holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`app`] | builds the application; startup and the order of shutdown |
//! | [`web`] | HTTP and the handshake of sockets |
//! | [`engine`] | the actors |
//! | [`demo`] | the demo data of `tidings demo` |
//! | [`store`] | queries for both databases |
//! | [`auth`] | passwords and tokens |
//! | [`counters`] | the metrics of the process |
//! | [`protocol`] | the wire format |
//! | [`config`], [`telemetry`] | settings; the log |
//!
//! `docs/ARCHITECTURE.md` has the rules, each with the tests that guard it.

#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod counters;
pub mod demo;
pub mod engine;
pub mod protocol;
pub mod store;
pub mod telemetry;
pub mod web;
