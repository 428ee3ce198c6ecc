//! The pages under `/admin`. Users without admin rights get 404 (see
//! [`require_admin`]).
//!
//! Each action is a function of `store::admin`, which writes it to the audit
//! log. The engine sends events to clients afterwards.

mod action_form;
mod audit;
mod conversations;
mod csv_cell;
mod messages;
mod overview;
mod recheck;
mod reports;
mod users;
mod words;

use actix_web::Route;
use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::ServiceConfig;
use serde::Deserialize;

use super::body::text_fields;
use super::middleware::authentication::require_admin;
use super::resources::{open_at, to};
use crate::protocol::{Problem, text};
use crate::store::{AdminListCursor, AuditContext};

pub use recheck::PasswordChecks;

/// The number of rows on a page of a list.
const PAGE_SIZE: u64 = 50;
/// The maximum length of a reason, in characters.
const REASON_MAX: usize = 300;

/// Registers every path under `/admin`.
pub(super) fn routes(config: &mut ServiceConfig) {
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/admin", [(&get, to(overview::show))]))
        .service(at("/admin/users", [(&get, to(users::list))]))
        .service(at(
            "/admin/users/new",
            [
                (&get, to(users::account_creation::show)),
                (&post, to(users::account_creation::submit)),
            ],
        ))
        .service(at("/admin/users/{id:\\d+}", [(&get, to(users::show))]))
        .service(at(
            "/admin/users/{id:\\d+}/logins/{login:\\d+}/end",
            [(&post, to(users::actions::end_login))],
        ))
        .service(at(
            "/admin/users/{id:\\d+}/{act}",
            [
                (&get, to(users::actions::show)),
                (&post, to(users::actions::submit)),
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
            [
                (&get, to(reports::show)),
                (&post, to(reports::read_context)),
            ],
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
                (&get, to(conversations::confirm_closing)),
                (&post, to(conversations::close)),
            ],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}/read",
            [
                (&get, to(messages::confirm_reading)),
                (&post, to(messages::read_messages)),
            ],
        ))
        .service(at(
            "/admin/conversations/{id:\\d+}/messages/{message:\\d+}/delete",
            [
                (&get, to(messages::confirm_deletion)),
                (&post, to(messages::delete_message)),
            ],
        ));
}

/// Builds the resource of a path for admins only.
fn at<const N: usize>(
    path: &str,
    routes: [(&Method, Route); N],
) -> impl HttpServiceFactory + 'static {
    open_at(path, routes).wrap(from_fn(require_admin))
}

/// The form field with an admin's reason for an action.
#[derive(Default)]
struct ReasonForm {
    reason: String,
}

text_fields!(ReasonForm { reason });

impl ReasonForm {
    /// Adds the form's reason to `act`. A blank reason counts as none.
    ///
    /// # Errors
    ///
    /// `invalid`, naming `reason`, if the reason is too long.
    fn add_to(&self, act: AuditContext) -> Result<AuditContext, Problem> {
        if text::is_blank(&self.reason) {
            return Ok(AuditContext {
                reason: None,
                ..act
            });
        }
        let reason = text::single_line(&self.reason, REASON_MAX);
        let reason = reason.map_err(|why| Problem::invalid_field("reason", why))?;
        Ok(AuditContext {
            reason: Some(reason),
            ..act
        })
    }

    /// Adds the reason to `act`, and requires one.
    ///
    /// # Errors
    ///
    /// Those of [`ReasonForm::add_to`], and `invalid` if there is no reason.
    fn add_required_to(&self, act: AuditContext) -> Result<AuditContext, Problem> {
        let act = self.add_to(act)?;
        match act.reason {
            Some(_) => Ok(act),
            None => Err(Problem::invalid_field("reason", "a short reason")),
        }
    }
}

/// The position at which a page of a list begins, from the query.
#[derive(Default, Deserialize)]
#[serde(default)]
struct KeysetQuery {
    key: String,
    /// An id. It is parsed later: serde's `flatten` passes query values as
    /// text.
    after: String,
}

/// A sort order or filter of a list.
struct ListChoice {
    value: &'static str,
    label: &'static str,
    is_chosen: bool,
    /// Whether the choice can't be combined with the search query.
    is_out: bool,
}

impl KeysetQuery {
    fn cursor(&self) -> Option<AdminListCursor> {
        Some(AdminListCursor {
            key: self.key.replace('\0', ""),
            id: self.after.parse().ok()?,
        })
    }
}

/// Returns the URL of a list with its non-empty parameters.
fn list_url<'a>(path: &str, asked: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let asked = asked.into_iter().filter(|(_, value)| !value.is_empty());
    query.extend_pairs(asked);
    format!("{path}?{}", query.finish())
}
