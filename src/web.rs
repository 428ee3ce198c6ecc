//! HTTP: one table of routes, the way in to all of it, and how refusals look.
//!
//! A request that changes a conversation asks its Room, like a socket's frame
//! does; the rest asks the store. Reading order: [`routes`], [`auth`] (who
//! asks), [`body`] and [`paging`] (what they ask), [`problem`] (how they are
//! refused), [`sockets`] (the handshake), [`api`].

mod accounts;
mod api;
mod assets;
mod auth;
mod body;
mod cookies;
mod cors;
mod csrf;
mod headers;
mod health;
mod pages;
mod paging;
mod peer;
mod problem;
mod sockets;

use actix_web::http::Method;
use actix_web::http::header;
use actix_web::web::{PathConfig, PayloadConfig, QueryConfig, ServiceConfig};
use actix_web::{Resource, Route, web};

use crate::auth::{Csrf, Tokens};
use crate::config::Settings;
use crate::engine::Engine;
use crate::protocol::{Code, Problem};
use crate::store::Store;

pub use cors::cors;
pub use csrf::note_form_token;
pub use headers::on_every_response;
pub use pages::refusals::show_refusals;

/// What every handler works with.
pub struct State {
    pub settings: Settings,
    pub store: Store,
    pub engine: Engine,
    pub tokens: Tokens,
    pub csrf: Csrf,
}

/// The state, as handlers take it.
type App = web::Data<State>;

/// Every path there is. A trailing slash makes no difference: it is taken off
/// before this table is looked at.
pub fn routes(config: &mut ServiceConfig, body_max: usize) {
    use api::{connections, identity};
    config.configure(people).configure(by_name);
    config.configure(forms).configure(messenger);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    config
        .app_data(PayloadConfig::new(body_max))
        // An id of more digits than an id can have names nothing.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .app_data(QueryConfig::default().error_handler(|_, _| {
            Problem::new(Code::BadRequest, "The query string is not understood.").into()
        }))
        .service(at("/healthz", [(&get, to(health::check)), (&Method::HEAD, to(health::check))]))
        .configure(socket_routes)
        .service(at("/api/auth/register", [(&post, to(identity::register))]))
        .service(at("/api/auth/login", [(&post, to(identity::login))]))
        .service(at("/api/auth/logout", [(&post, to(identity::logout))]))
        .service(at(
            "/api/connections",
            [
                (&get, to(connections::list)),
                (&post, to(connections::request)),
            ],
        ))
        .service(at(
            "/api/connections/{id:\\d+}",
            [(&delete, to(connections::remove))],
        ))
        .service(at(
            "/api/connections/{id:\\d+}/accept",
            [(&post, to(connections::accept))],
        ))
        .service(at(
            "/api/connections/{id:\\d+}/decline",
            [(&post, to(connections::decline))],
        ))
        .configure(conversation_routes)
        .default_service(web::to(|| async { Err::<String, _>(Problem::not_found()) }));
}

fn socket_routes(config: &mut ServiceConfig) {
    let get = Method::GET;
    config
        .service(at("/ws", [(&get, to(sockets::everything))]))
        .service(at(
            "/ws/notifications",
            [(&get, to(sockets::notifications))],
        ))
        .service(at(
            "/ws/chat/{id:\\d+}",
            [(&get, to(sockets::conversation))],
        ))
        .service(at("/ws/chat/{username}", [(&get, to(sockets::partner))]));
}

fn conversation_routes(config: &mut ServiceConfig) {
    use api::{conversations, groups, messages};
    let (get, post) = (Method::GET, Method::POST);
    let (patch, put, delete) = (Method::PATCH, Method::PUT, Method::DELETE);
    let under = |rest: &str| format!("/api/conversations/{{id:\\d+}}{rest}");
    config
        .service(at("/api/conversations", [(&get, to(conversations::list))]))
        .service(at(
            "/api/conversations/create",
            [(&post, to(conversations::create))],
        ))
        .service(at(
            &under(""),
            [
                (&get, to(conversations::show)),
                (&patch, to(groups::rename)),
            ],
        ))
        .service(at(&under("/me"), [(&patch, to(groups::settings))]))
        .service(at(
            &under("/messages"),
            [(&get, to(messages::history)), (&post, to(messages::send))],
        ))
        .service(at(
            &under("/messages/{message:\\d+}"),
            [
                (&patch, to(messages::edit)),
                (&delete, to(messages::withdraw)),
            ],
        ))
        .service(at(
            &under("/messages/{message:\\d+}/reactions/{emoji}"),
            [
                (&put, to(messages::react)),
                (&delete, to(messages::unreact)),
            ],
        ))
        .service(at(
            &under("/members"),
            [(&get, to(groups::members)), (&post, to(groups::invite))],
        ))
        .service(at(
            &under("/members/{username}"),
            [
                (&patch, to(groups::set_role)),
                (&delete, to(groups::remove)),
            ],
        ))
        .service(at(&under("/leave"), [(&post, to(groups::leave))]));
}

/// People, and what one is to them.
fn people(config: &mut ServiceConfig) {
    use api::{blocks, identity, invites, me, users};
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    config
        .service(at("/api/auth/sessions", [(&get, to(identity::sessions))]))
        .service(at(
            "/api/auth/sessions/{id:\\d+}",
            [(&delete, to(identity::end_session))],
        ))
        .service(at(
            "/api/me",
            [(&get, to(me::show)), (&patch, to(me::change))],
        ))
        .service(at("/api/me/password", [(&post, to(me::change_password))]))
        .service(at("/api/users", [(&get, to(users::search))]))
        .service(at("/api/users/{username}", [(&get, to(users::show))]))
        .service(at("/api/blocks", [(&get, to(blocks::list))]))
        .service(at(
            "/api/blocks/{username}",
            [(&put, to(blocks::put)), (&delete, to(blocks::lift))],
        ))
        .service(at("/api/admin/invites", [(&post, to(invites::create))]));
}

/// Direct conversations by the other's name.
fn by_name(config: &mut ServiceConfig) {
    use api::by_name;
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at(
            "/messages/history/{username}",
            [(&get, to(by_name::history))],
        ))
        .service(at(
            "/messages/send/{username}",
            [(&post, to(by_name::send))],
        ))
        .service(at("/messages/unread", [(&get, to(by_name::unread))]))
        .service(at(
            "/messages/status/{username}",
            [(&get, to(by_name::status))],
        ));
}

/// The pages of those who aren't logged in yet, and what they are made of.
fn forms(config: &mut ServiceConfig) {
    use pages::{login, register};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at(
            "/login",
            [(&get, to(login::show)), (&post, to(login::submit))],
        ))
        .service(at(
            "/register",
            [(&get, to(register::show)), (&post, to(register::submit))],
        ))
        .service(at("/logout", [(&post, to(login::logout))]))
        .service(at("/static/{path:.*}", [(&get, to(assets::serve))]));
}

/// The pages of those who are.
fn messenger(config: &mut ServiceConfig) {
    use pages::{messages, people};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/", [(&get, to(messages::home))]))
        .service(at(
            "/messages",
            [(&get, to(messages::show)), (&post, to(messages::send))],
        ))
        .service(at(
            "/messages/chat/{username}",
            [
                (&get, to(messages::chat)),
                (&post, to(messages::send_first)),
            ],
        ))
        .service(at("/messages/chat", [(&post, to(people::open))]))
        .service(at("/messages/requests", [(&post, to(people::ask))]))
        .service(at(
            "/messages/requests/{id:\\d+}/accept",
            [(&post, to(people::accept))],
        ))
        .service(at(
            "/messages/requests/{id:\\d+}/decline",
            [(&post, to(people::decline))],
        ));
}

/// A path with its methods; any other is answered 405 with what is allowed
/// (RFC 9110, section 15.5.6).
fn at<const N: usize>(path: &str, routes: [(&Method, Route); N]) -> Resource {
    let allowed: Vec<&str> = routes.iter().map(|(method, _)| method.as_str()).collect();
    let allowed = allowed.join(", ");
    let resource = web::resource(path).default_service(web::to(move || {
        let problem = Problem::new(Code::MethodNotAllowed, "This path has no such method.");
        let mut response = problem::response(&problem);
        if let Ok(allowed) = header::HeaderValue::from_str(&allowed) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        async { response }
    }));
    routes
        .into_iter()
        .fold(resource, |resource, (method, route)| {
            resource.route(route.method(method.clone()))
        })
}

fn to<F, Args>(handler: F) -> Route
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::route().to(handler)
}
