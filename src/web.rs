//! HTTP: one table of routes, the way in to all of it, and how refusals look.
//!
//! A request that changes a conversation asks its Room, like a socket's frame
//! does; the rest asks the store. Reading order: [`routes`], [`auth`] (who
//! asks), [`body`] and [`paging`] (what they ask), [`problem`] (how they are
//! refused), [`sockets`] (the handshake), [`api`].

mod accounts;
mod admin;
mod api;
mod assets;
mod auth;
mod body;
mod cookies;
mod cors;
mod counting;
mod csrf;
mod decoding;
mod encoding;
mod forwarders;
mod handshake;
mod hashing;
mod headers;
mod health;
mod limits;
mod lists;
mod made;
mod methods;
mod metrics;
mod pages;
mod paging;
mod patience;
mod peer;
mod problem;
mod security_lines;
mod security_txt;
mod sockets;
mod transport;
mod upgrade;

use std::future::ready;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{PathConfig, QueryConfig, ServiceConfig};
use actix_web::{Resource, Route, guard, web};

use crate::auth::{Csrf, DeviceTokens, Tickets, Tokens};
use crate::config::Settings;
use crate::engine::Engine;
use crate::protocol::{Code, Problem};
use crate::store::Store;
use body::BodyMax;
use methods::AllowedMethods;

pub use admin::PasswordChecks;
pub use cors::{cors, explain_cors};
pub use counting::count_requests;
pub use encoding::can_be_met;
pub use forwarders::Forwarders;
pub use hashing::Hashing;
pub use headers::on_every_response;
pub use metrics::{metrics_alone, public_metrics};
pub use pages::refusals::show_refusals;
pub use patience::note_steps;
pub use transport::serve_watched;
pub use upgrade::brings_no_body;

/// What every handler works with.
pub struct State {
    pub settings: Settings,
    pub store: Store,
    pub engine: Engine,
    pub tokens: Tokens,
    pub tickets: Tickets,
    pub csrf: Csrf,
    pub devices: DeviceTokens,
    pub hashing: Hashing,
    pub forwarders: Forwarders,
    pub password_checks: PasswordChecks,
}

/// The state, as handlers take it.
type App = web::Data<State>;

/// Every path there is. A trailing slash makes no difference: it is taken off
/// before this table is looked at.
pub fn routes(config: &mut ServiceConfig) {
    use api::{connections, identity};
    config.configure(people).configure(by_name);
    config.configure(forms).configure(messenger);
    config.configure(api::invitations::routes);
    config.configure(api::reports::routes);
    config
        .configure(oneself_and_others)
        .configure(admin::routes);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    config
        // An id of more digits than an id can have names nothing.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .app_data(QueryConfig::default().error_handler(|_, _| {
            Problem::new(Code::BadRequest, "The query string is not understood.").into()
        }))
        .service(open_at("/healthz", [(&get, to(health::check))]))
        .service(open_at(
            "/.well-known/security.txt",
            [(&get, to(security_txt::show))],
        ))
        .configure(socket_routes)
        .service(
            open_at("/api/auth/register", [(&post, to(identity::register))])
                .app_data(BodyMax::WITHOUT_LOGIN)
                .wrap(from_fn(auth::look_up)),
        )
        .service(
            open_at("/api/auth/login", [(&post, to(identity::login))])
                .app_data(BodyMax::WITHOUT_LOGIN)
                .wrap(from_fn(auth::look_up)),
        )
        .service(at("/api/auth/logout", [(&post, to(identity::logout))]))
        .service(at("/api/auth/ticket", [(&post, to(identity::ticket))]))
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

/// The handshakes, which look for themselves who asks.
fn socket_routes(config: &mut ServiceConfig) {
    let get = Method::GET;
    config
        .service(open_at("/ws", [(&get, to(sockets::everything))]))
        .service(open_at(
            "/ws/notifications",
            [(&get, to(sockets::notifications))],
        ))
        .service(
            open_at("/ws/admin", [(&get, to(sockets::watch))])
                .wrap(from_fn(auth::admins_or_a_handshake)),
        )
        .service(open_at(
            "/ws/chat/{id:\\d+}",
            [(&get, to(sockets::conversation))],
        ))
        .service(open_at(
            "/ws/chat/{username}",
            [(&get, to(sockets::partner))],
        ));
}

fn conversation_routes(config: &mut ServiceConfig) {
    use api::{conversations, groups, messages, receipts};
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
        .service(sending_at(
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
            &under("/messages/{message:\\d+}/receipts"),
            [(&get, to(receipts::list))],
        ))
        .service(at(&under("/delivered"), [(&post, to(receipts::delivered))]))
        .service(at(&under("/read"), [(&post, to(receipts::read))]))
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
        .service(
            open_at("/api/admin/invites", [(&post, to(invites::create))])
                .wrap(from_fn(auth::look_up))
                .wrap(from_fn(auth::admins_only)),
        );
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
        .service(sending_at(
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
    use pages::{login, register, reset};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(
            open_at(
                "/login",
                [(&get, to(login::show)), (&post, to(login::submit))],
            )
            .app_data(BodyMax::WITHOUT_LOGIN)
            .wrap(from_fn(auth::look_up)),
        )
        .service(
            open_at(
                "/register",
                [(&get, to(register::show)), (&post, to(register::submit))],
            )
            .app_data(BodyMax::WITHOUT_LOGIN)
            .wrap(from_fn(auth::look_up)),
        )
        .service(at("/logout", [(&post, to(login::logout))]))
        .service(
            open_at(
                "/reset",
                [(&get, to(reset::show)), (&post, to(reset::submit))],
            )
            .app_data(BodyMax::WITHOUT_LOGIN)
            .wrap(from_fn(auth::within_budget)),
        )
        .service(open_at("/static/{path:.*}", [(&get, to(assets::serve))]));
}

/// The pages of those who are.
fn messenger(config: &mut ServiceConfig) {
    use pages::{messages, people, reading};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/", [(&get, to(messages::home))]))
        .service(sending_at(
            "/messages",
            [(&get, to(messages::show)), (&post, to(messages::send))],
        ))
        .service(sending_at(
            "/messages/chat/{username}",
            [
                (&get, to(messages::chat)),
                (&post, to(messages::send_first)),
            ],
        ))
        .service(at("/messages/read", [(&post, to(reading::mark))]))
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

/// Oneself, and others.
fn oneself_and_others(config: &mut ServiceConfig) {
    use pages::{export, profile, settings};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/settings", [(&get, to(settings::show))]))
        .service(at("/settings/profile", [(&post, to(settings::rename))]))
        .service(at("/settings/notices", [(&post, to(settings::forget))]))
        .service(at("/settings/password", [(&post, to(settings::renew))]))
        .service(at(
            "/settings/logins/{id:\\d+}/end",
            [(&post, to(settings::end_login))],
        ))
        .service(at("/settings/export", [(&post, to(export::download))]))
        .service(at("/profile/{username}", [(&get, to(profile::show))]))
        .service(at(
            "/profile/{username}/{act}",
            [(&post, to(profile::change))],
        ));
}

/// A path whose handlers may ask who asks, with its methods.
fn at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(auth::look_up))
}

/// The same, where `POST` sends a message: that has a limit of its own.
fn sending_at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(auth::look_up_sender))
}

/// A path with its methods; any other is answered 405 with what is allowed
/// (RFC 9110, section 15.5.6). `HEAD` goes where `GET` goes. Nobody looks who
/// asks.
fn open_at<const N: usize>(path: &str, routes: [(&Method, Route); N]) -> Resource {
    let allowed = AllowedMethods::new(routes.iter().map(|(method, _)| *method));
    let resource = web::resource(path).app_data(allowed.clone());
    let resource = resource.default_service(web::to(move || ready(allowed.refusal())));
    routes
        .into_iter()
        .fold(resource, |resource, (method, route)| {
            resource.route(match *method {
                Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
                ref method => route.method(method.clone()),
            })
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
