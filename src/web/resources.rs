//! Builds the resources of paths.

use std::future::ready;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{Resource, Route, guard, web};

use super::methods::AllowedMethods;
use super::middleware::authentication;

/// Builds the resource of a path whose handlers may take
/// [`Authenticated`](super::auth::Authenticated).
pub(super) fn at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(authentication::authenticate))
}

/// Like [`at`], but a `POST` counts against the rate limit for messages.
pub(super) fn sending_at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(authentication::authenticate_sender))
}

/// Builds the resource of a path, without authentication. A method without a
/// handler gets 405 and the list of allowed methods (RFC 9110, section 15.5.6).
/// `HEAD` uses the handler of `GET`.
pub(super) fn open_at<const N: usize>(path: &str, routes: [(&Method, Route); N]) -> Resource {
    let allowed = AllowedMethods::new(routes.iter().map(|(method, _)| *method));
    let resource = web::resource(path).app_data(allowed.clone());
    let resource = resource.default_service(web::to(move || ready(allowed.not_allowed_response())));
    routes
        .into_iter()
        .fold(resource, |resource, (method, route)| {
            resource.route(match *method {
                Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
                ref method => route.method(method.clone()),
            })
        })
}

/// Builds a route from a handler.
pub(super) fn to<F, Args>(handler: F) -> Route
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::route().to(handler)
}
