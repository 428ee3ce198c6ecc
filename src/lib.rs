//! Tidings: a self-hosted, real-time messaging engine.
//!
//! Everything that happens in real time is a typed message in an actor's
//! mailbox. A message's way, and the only way:
//!
//! ```text
//!  client ──frame──▶ Session ──Post──▶ Room ──Append──▶ Journal ══ one transaction ══▶ database
//!                                       │ ◀── Committed ──┘
//!                                       └── Deliver ──▶ every participant's Sessions ──▶ clients
//! ```
//!
//! A request over REST enters at the same Room's mailbox. Nothing is told, to
//! anybody, before it is on disk: the echo *is* the acknowledgement.
//!
//! The layers, each of which may use those below it and none above:
//!
//! | layer | what it is |
//! |---|---|
//! | [`cli`] | the commands |
//! | [`app`] | puts it all together; start-up and the order of stopping |
//! | [`web`] | HTTP and the sockets' handshake |
//! | [`engine`] | the actors |
//! | [`demo`] | a small world to look at |
//! | [`store`] | questions to the database |
//! | [`auth`] | passwords and tokens |
//! | [`counters`] | what a process counts of itself |
//! | [`protocol`] | what goes over the wire |
//! | [`config`], [`telemetry`] | settings; the log |
//!
//! `docs/ARCHITECTURE.md` has the rules that keep it right, each with the
//! test that guards it.

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
