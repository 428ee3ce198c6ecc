//! The REST API.

mod auth;
mod bodies;
mod connections;
mod conversations;
mod fields;
mod health;
mod messages;
mod page_bytes;
mod people;
mod problems;
mod tour;
mod unsent;
