//! The HTTP layer: the table of routes, authentication, error responses and the
//! handlers.
//!
//! A request that changes a conversation sends a command to its Room, as a
//! socket's frame does. Other requests use the store. Reading order:
//! [`routes`](mod@routes), [`auth`] (login), [`body`] and [`paging`] (input),
//! [`middleware`], [`problem`] (errors), [`sockets`] (handshakes), [`api`].

mod accounts;
mod actions;
mod admin;
mod api;
mod assets;
mod audit_context;
mod auth;
mod body;
mod client_ip;
mod cookies;
mod csrf;
mod decoding;
mod display;
mod handshake;
mod hashing;
mod header_lists;
mod health;
mod lookups;
mod methods;
mod metrics;
mod middleware;
mod pages;
mod paging;
mod problem;
mod rate_limit_headers;
mod rendering;
mod resources;
mod routes;
mod security_log;
mod security_txt;
mod sockets;
mod tokens;
mod transport;
mod untrusted_proxies;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, NormalizePath, TrailingSlash, from_fn};
use actix_web::{App, Error, web};
use tracing_actix_web::TracingLogger;

use crate::auth::{CsrfTokens, DeviceTokens, LoginTokens, SocketTickets};
use crate::config::Settings;
use crate::engine::Engine;
use crate::store::Store;
use crate::telemetry::RootSpan;
use middleware::accept_encoding::ignore_unsupported_encodings;
use middleware::cors::{build_cors, explain_cors};
use middleware::error_pages::show_error_pages;
use middleware::request_metrics::count_requests;
use middleware::security_headers::default_headers;
use middleware::slow_clients::track_progress;
use middleware::upgrade_bodies::reject_upgrade_body;

pub use admin::PasswordChecks;
pub use hashing::HashingPool;
pub use transport::serve_watched;
pub use untrusted_proxies::UntrustedProxies;

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

/// Builds the application of a worker: all middleware and routes.
///
/// actix runs the last `wrap` first. Read from the bottom, this is the order of
/// the middleware for a request; a response passes it from the top. The
/// middleware of single routes comes last (see [`resources`]).
pub fn build_app(
    state: web::Data<AppState>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state.clone())
        // 11. Last, so that its rejection passes the others like any response.
        .wrap(from_fn(reject_upgrade_body))
        // 10. Turns errors into pages if a browser navigates.
        .wrap(from_fn(show_error_pages))
        // 9. Answers preflight requests, and rejects other origins.
        .wrap(build_cors(&state.settings))
        // 8. Before CORS, whose rejections it turns into problem documents.
        .wrap(from_fn(explain_cors))
        // 7. Adds headers to all responses, also to rejections by CORS.
        .wrap(default_headers(&state.settings))
        // 6. Counts rejections, too. Sets the payer of database time.
        .wrap(from_fn(count_requests))
        // 5. Pages, styles and JSON shrink to a fifth. Their length reveals no
        // secret of a page, because each page masks its token anew (see
        // `auth::CsrfTokens`).
        .wrap(Compress::default())
        // 4. Before `Compress`, which would reject these requests.
        .wrap(from_fn(ignore_unsupported_encodings))
        // 3. Logs a request with its normalized path.
        .wrap(TracingLogger::<RootSpan>::new())
        // 2. Before routing: a trailing slash makes no difference.
        .wrap(NormalizePath::new(TrailingSlash::Trim))
        // 1. Records the time of the request's head, and of each chunk sent.
        .wrap(from_fn(track_progress))
        .configure(|config| metrics::configure_public_metrics(config, &state.settings))
        .configure(routes::routes)
}

/// Builds the application of the separate listener for metrics.
pub fn build_metrics_app(
    state: web::Data<AppState>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(state.clone())
        .wrap(default_headers(&state.settings))
        .configure(metrics::configure_metrics_listener)
}
