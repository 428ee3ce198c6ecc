//! The REST API.

mod auth;
mod bodies;
mod connections;
mod conversations;
mod fields;
mod health;
mod messages;
mod missing_bodies;
mod page_bytes;
mod people;
mod problems;
mod tour;
