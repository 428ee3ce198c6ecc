//! The HTTP middleware, one file for each purpose.
//!
//! [`build_app`](super::build_app) applies the middleware of all requests, in
//! its order. [`resources`](super::resources) and [`routes`](mod@super::routes)
//! apply that of single routes: [`authentication`] and [`database_time`].

pub(super) mod accept_encoding;
pub(super) mod authentication;
pub(super) mod cors;
pub(super) mod database_time;
pub(super) mod error_pages;
pub(super) mod request_metrics;
pub(super) mod security_headers;
pub(super) mod slow_clients;
pub(super) mod upgrade_bodies;
