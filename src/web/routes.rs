//! The table of routes.

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web;
use actix_web::web::{PathConfig, QueryConfig, ServiceConfig};

use super::body::BodyLimit;
use super::middleware::authentication::{authenticate, require_admin, require_admin_or_handshake};
use super::middleware::database_time::limit_database_time;
use super::resources::{at, open_at, sending_at, to};
use super::{admin, api, assets, health, pages, security_txt, sockets};
use crate::protocol::{ErrorCode, Problem};

/// Registers every path. A trailing slash makes no difference: it is removed
/// before a path is matched.
pub(super) fn routes(config: &mut ServiceConfig) {
    use api::{connections, identity};
    config.configure(user_routes).configure(by_name_routes);
    config
        .configure(guest_page_routes)
        .configure(messenger_routes);
    config.configure(api::invitations::routes);
    config.configure(api::reports::routes);
    config
        .configure(account_page_routes)
        .configure(admin::routes);
    let (get, post, delete) = (Method::GET, Method::POST, Method::DELETE);
    config
        // An id with too many digits is an unknown id: 404, not 400.
        .app_data(PathConfig::default().error_handler(|_, _| Problem::not_found().into()))
        .app_data(QueryConfig::default().error_handler(|_, _| {
            Problem::new(ErrorCode::BadRequest, "The query string is invalid.").into()
        }))
        .service(open_at("/healthz", [(&get, to(health::check_health))]))
        .service(open_at(
            "/.well-known/security.txt",
            [(&get, to(security_txt::show))],
        ))
        .configure(socket_routes)
        .service(
            open_at("/api/auth/register", [(&post, to(identity::register))])
                .app_data(BodyLimit::WITHOUT_LOGIN)
                .wrap(from_fn(authenticate)),
        )
        .service(
            open_at("/api/auth/login", [(&post, to(identity::login))])
                .app_data(BodyLimit::WITHOUT_LOGIN)
                .wrap(from_fn(authenticate)),
        )
        .service(at("/api/auth/logout", [(&post, to(identity::logout))]))
        .service(at("/api/auth/ticket", [(&post, to(identity::issue_ticket))]))
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

/// The WebSocket handshakes; they authenticate by themselves.
fn socket_routes(config: &mut ServiceConfig) {
    let get = Method::GET;
    config
        .service(open_at("/ws", [(&get, to(sockets::connect_all))]))
        .service(open_at(
            "/ws/notifications",
            [(&get, to(sockets::connect_notifications))],
        ))
        .service(
            open_at("/ws/admin", [(&get, to(sockets::connect_admin))])
                .wrap(from_fn(require_admin_or_handshake)),
        )
        .service(open_at(
            "/ws/chat/{id:\\d+}",
            [(&get, to(sockets::connect_conversation))],
        ))
        .service(open_at(
            "/ws/chat/{username}",
            [(&get, to(sockets::connect_direct))],
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
        .service(at(&under("/me"), [(&patch, to(groups::update_settings))]))
        .service(sending_at(
            &under("/messages"),
            [(&get, to(messages::history)), (&post, to(messages::send))],
        ))
        .service(at(
            &under("/messages/{message:\\d+}"),
            [
                (&patch, to(messages::edit)),
                (&delete, to(messages::delete)),
            ],
        ))
        .service(at(
            &under("/messages/{message:\\d+}/receipts"),
            [(&get, to(receipts::list))],
        ))
        .service(at(
            &under("/delivered"),
            [(&post, to(receipts::mark_delivered))],
        ))
        .service(at(&under("/read"), [(&post, to(receipts::mark_read))]))
        .service(at(
            &under("/messages/{message:\\d+}/reactions/{emoji}"),
            [
                (&put, to(messages::react)),
                (&delete, to(messages::unreact)),
            ],
        ))
        .service(at(
            &under("/members"),
            [
                (&get, to(groups::list_members)),
                (&post, to(groups::invite)),
            ],
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

/// Users, blocks, and the caller's own account and logins.
fn user_routes(config: &mut ServiceConfig) {
    use api::{blocks, identity, invites, me, users};
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    config
        .service(at(
            "/api/auth/sessions",
            [
                (&get, to(identity::list_sessions)),
                (&delete, to(identity::end_other_sessions)),
            ],
        ))
        .service(at(
            "/api/auth/sessions/{id:\\d+}",
            [(&delete, to(identity::end_session))],
        ))
        .service(at(
            "/api/me",
            [
                (&get, to(me::show)),
                (&patch, to(me::change)),
                (&delete, to(me::delete)),
            ],
        ))
        .service(at("/api/me/password", [(&post, to(me::change_password))]))
        .service(at("/api/users", [(&get, to(users::search))]))
        .service(at("/api/users/{username}", [(&get, to(users::show))]))
        .service(at("/api/blocks", [(&get, to(blocks::list))]))
        .service(at(
            "/api/blocks/{username}",
            [(&put, to(blocks::put)), (&delete, to(blocks::remove))],
        ))
        .service(
            open_at("/api/admin/invites", [(&post, to(invites::create))])
                .wrap(from_fn(authenticate))
                .wrap(from_fn(require_admin)),
        );
}

/// Direct conversations, addressed by the other user's name.
fn by_name_routes(config: &mut ServiceConfig) {
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

/// The pages that need no login, and their static files.
fn guest_page_routes(config: &mut ServiceConfig) {
    use pages::{login, register, reset};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(
            open_at(
                "/login",
                [(&get, to(login::show)), (&post, to(login::submit))],
            )
            .app_data(BodyLimit::WITHOUT_LOGIN)
            .wrap(from_fn(authenticate)),
        )
        .service(
            open_at(
                "/register",
                [(&get, to(register::show)), (&post, to(register::submit))],
            )
            .app_data(BodyLimit::WITHOUT_LOGIN)
            .wrap(from_fn(authenticate)),
        )
        .service(at("/logout", [(&post, to(login::logout))]))
        .service(
            open_at(
                "/reset",
                [(&get, to(reset::show)), (&post, to(reset::submit))],
            )
            .app_data(BodyLimit::WITHOUT_LOGIN)
            .wrap(from_fn(limit_database_time)),
        )
        .service(open_at("/static/{path:.*}", [(&get, to(assets::serve))]));
}

/// The pages of the messenger, for logged-in users.
fn messenger_routes(config: &mut ServiceConfig) {
    use pages::{messages, people, read_marker};
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
                (&get, to(messages::show_chat)),
                (&post, to(messages::send_first)),
            ],
        ))
        .service(at("/messages/read", [(&post, to(read_marker::mark_read))]))
        .service(at("/messages/chat", [(&post, to(people::open_chat))]))
        .service(at(
            "/messages/requests",
            [(&post, to(people::send_request))],
        ))
        .service(at(
            "/messages/requests/{id:\\d+}/accept",
            [(&post, to(people::accept))],
        ))
        .service(at(
            "/messages/requests/{id:\\d+}/decline",
            [(&post, to(people::decline))],
        ))
        .service(at(
            "/messages/invitations/{id:\\d+}/accept",
            [(&post, to(people::accept_invitation))],
        ))
        .service(at(
            "/messages/invitations/{id:\\d+}/decline",
            [(&post, to(people::decline_invitation))],
        ));
}

/// The user's settings and data export, and the profiles of other users.
fn account_page_routes(config: &mut ServiceConfig) {
    use pages::{export, profile, settings};
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/settings", [(&get, to(settings::show))]))
        .service(at(
            "/settings/profile",
            [(&post, to(settings::change_profile))],
        ))
        .service(at(
            "/settings/notices",
            [(&post, to(settings::forget_notices))],
        ))
        .service(at(
            "/settings/password",
            [(&post, to(settings::change_password))],
        ))
        .service(at(
            "/settings/logins/{id:\\d+}/end",
            [(&post, to(settings::end_login))],
        ))
        .service(at(
            "/settings/logins/end-others",
            [(&post, to(settings::end_other_logins))],
        ))
        .service(at(
            "/settings/blocks/{username}/end",
            [(&post, to(settings::unblock))],
        ))
        .service(at(
            "/settings/delete",
            [(&post, to(settings::delete_account))],
        ))
        .service(at("/settings/export", [(&post, to(export::download))]))
        .service(at("/profile/{username}", [(&get, to(profile::show))]))
        .service(at(
            "/profile/{username}/{act}",
            [(&post, to(profile::change_relation))],
        ));
}
