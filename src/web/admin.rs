//! `/admin`: for those who look after the server. To everybody else there is
//! nothing here (see [`auth::admins_only`]).
//!
//! Each act is one of the store's (`store::admin`), which writes it to the
//! audit log; what is told to those who are here follows it.

mod audit;
mod conversations;
mod csv_cell;
mod messages;
mod overview;
mod recheck;
mod reports;
mod sheet;
mod users;
mod words;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, Route};
use entity::Millis;
use serde::Deserialize;

use super::body::text_fields;
use super::{State, auth, open_at, peer, to};
use crate::protocol::{Problem, text};
use crate::store::{Act, Login, Place};

pub use recheck::PasswordChecks;

/// How much a page of a list shows.
const LIMIT: u64 = 50;
/// The longest reason, in characters.
const REASON_MAX: usize = 300;

/// Every path there is.
pub(super) fn routes(config: &mut ServiceConfig) {
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/admin", [(&get, to(overview::show))]))
        .service(at("/admin/users", [(&get, to(users::list))]))
        .service(at(
            "/admin/users/new",
            [
                (&get, to(users::opening::show)),
                (&post, to(users::opening::submit)),
            ],
        ))
        .service(at("/admin/users/{id:\\d+}", [(&get, to(users::show))]))
        .service(at(
            "/admin/users/{id:\\d+}/logins/{login:\\d+}/end",
            [(&post, to(users::acts::end_login))],
        ))
        .service(at(
            "/admin/users/{id:\\d+}/{act}",
            [
                (&get, to(users::acts::show)),
                (&post, to(users::acts::submit)),
            ],
        ))
        .service(at("/admin/audit", [(&get, to(audit::show))]))
        .service(at("/admin/audit.csv", [(&post, to(audit::download))]))
        .configure(report_routes)
        .configure(conversation_routes);
}

fn report_routes(config: &mut ServiceConfig) {
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/admin/reports", [(&get, to(reports::list))]))
        .service(at(
            "/admin/reports/{id:\\d+}",
            [(&get, to(reports::show)), (&post, to(reports::read))],
        ))
        .service(at(
            "/admin/reports/{id:\\d+}/done",
            [(&post, to(reports::finish))],
        ));
}

fn conversation_routes(config: &mut ServiceConfig) {
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at(
            "/admin/conversations",
            [(&get, to(conversations::list))],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}",
            [(&get, to(conversations::show))],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}/close",
            [
                (&get, to(conversations::ask_to_close)),
                (&post, to(conversations::close)),
            ],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}/read",
            [(&get, to(messages::ask)), (&post, to(messages::read))],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}/messages/{message:\\d+}/withdraw",
            [
                (&get, to(messages::ask_to_withdraw)),
                (&post, to(messages::withdraw)),
            ],
        ));
}

/// A path for admins alone, with its methods.
fn at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(auth::admins_only))
}

/// Why something is done.
#[derive(Default)]
struct Why {
    reason: String,
}

text_fields!(Why { reason });

/// Who does something now, and from where.
pub(super) fn act(app: &State, login: &Login, request: &HttpRequest) -> Act {
    let address = peer::address(request, &app.settings.trusted_proxies);
    Act {
        by: Some(login.user.id),
        at: Millis::now(),
        address: address.map(|ip| ip.to_string()).unwrap_or_default(),
        reason: None,
    }
}

impl Why {
    /// The act, with the reason that was given for it.
    ///
    /// # Errors
    /// `invalid`, naming `reason`, where it is too long.
    fn of(&self, act: Act) -> Result<Act, Problem> {
        if text::is_blank(&self.reason) {
            return Ok(Act {
                reason: None,
                ..act
            });
        }
        let reason = text::single_line(&self.reason, REASON_MAX);
        let reason = reason.map_err(|why| Problem::field("reason", why))?;
        Ok(Act {
            reason: Some(reason),
            ..act
        })
    }

    /// The same, where there has to be one.
    ///
    /// # Errors
    /// As [`Why::of`], and where there is none.
    fn required(&self, act: Act) -> Result<Act, Problem> {
        let act = self.of(act)?;
        match act.reason {
            Some(_) => Ok(act),
            None => Err(Problem::field("reason", "a few words why")),
        }
    }
}

/// Where a page of a list goes on, as its address says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct After {
    key: String,
    /// An id. It is read here, since what is flattened into a query is text.
    after: String,
}

/// One of the choices of a list.
struct Choice {
    value: &'static str,
    label: &'static str,
    is_chosen: bool,
    /// It can't be had together with what else is asked.
    is_out: bool,
}

impl After {
    fn place(&self) -> Option<Place> {
        Some(Place {
            key: self.key.replace('\0', ""),
            id: self.after.parse().ok()?,
        })
    }
}

/// The address of a list, with what is asked of it.
fn address<'a>(path: &str, asked: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let asked = asked.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend_pairs(asked);
    format!("{path}?{}", query.finish())
}
