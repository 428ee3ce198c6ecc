//! The HTTP layer: the table of routes, authentication, error responses and the
//! handlers.
//!
//! A request that changes a conversation sends a command to its Room, as a
//! socket's frame does. Other requests use the store. Reading order:
//! [`routes`](mod@routes), [`auth`] (login), [`body`] and [`paging`] (input),
//! [`problem`] (errors), [`sockets`] (handshakes), [`api`].

mod accept_encoding;
mod accounts;
mod admin;
mod api;
mod assets;
mod auth;
mod body;
mod client_ip;
mod cookies;
mod cors;
mod csrf;
mod decoding;
mod handshake;
mod hashing;
mod header_lists;
mod headers;
mod health;
mod methods;
mod metrics;
mod pages;
mod paging;
mod problem;
mod rate_limit_headers;
mod request_metrics;
mod routes;
mod security_log;
mod security_txt;
mod slow_clients;
mod sockets;
mod tokens;
mod transport;
mod untrusted_proxies;
mod upgrade;

use actix_web::web;

use crate::auth::{CsrfTokens, DeviceTokens, LoginTokens, SocketTickets};
use crate::config::Settings;
use crate::engine::Engine;
use crate::store::Store;
use routes::{at, open_at, to};

pub use accept_encoding::ignore_unsupported_encodings;
pub use admin::PasswordChecks;
pub use cors::{build_cors, explain_cors};
pub use hashing::HashingPool;
pub use headers::default_headers;
pub use metrics::{configure_metrics_listener, configure_public_metrics};
pub use pages::error_pages::show_error_pages;
pub use request_metrics::count_requests;
pub use routes::routes;
pub use slow_clients::track_progress;
pub use transport::serve_watched;
pub use untrusted_proxies::UntrustedProxies;
pub use upgrade::reject_upgrade_body;

/// The state shared by all handlers.
pub struct AppState {
    pub settings: Settings,
    pub store: Store,
    pub engine: Engine,
    pub tokens: LoginTokens,
    pub tickets: SocketTickets,
    pub csrf: CsrfTokens,
    pub devices: DeviceTokens,
    pub hashing: HashingPool,
    pub untrusted_proxies: UntrustedProxies,
    pub password_checks: PasswordChecks,
}

/// [`AppState`] as an argument of a handler.
type AppData = web::Data<AppState>;
