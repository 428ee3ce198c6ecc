//! A page with one form: what is about to be done, in words, and what has to
//! be said for it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use crate::protocol::Problem;
use crate::store::Login;
use crate::web::{State, assets, pages};

/// What it says.
pub(super) struct Sheet {
    pub(super) here: &'static str,
    pub(super) title: String,
    /// What will follow, a paragraph each.
    pub(super) lead: Vec<String>,
    pub(super) fields: Vec<Field>,
    pub(super) submit: &'static str,
    /// It can't be undone.
    pub(super) is_grave: bool,
    pub(super) action: String,
    pub(super) back: String,
}

/// One line to fill in.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
    pub(super) is_required: bool,
    pub(super) longest: usize,
}

impl Field {
    /// Why it is done: for whoever reads the log.
    pub(super) fn reason(value: &str) -> Self {
        Self {
            name: "reason",
            label: "Why",
            value: value.to_owned(),
            hint: "It goes to the audit log.".to_owned(),
            is_required: false,
            longest: super::REASON_MAX,
        }
    }

    /// Whether what is typed is not to be seen.
    pub(super) fn is_password(&self) -> bool {
        self.name == "password"
    }

    /// The same, where there is no doing it without.
    pub(super) fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

#[derive(Template)]
#[template(path = "admin/sheet.html")]
struct Page<'a> {
    csrf_token: String,
    here: &'static str,
    sheet: &'a Sheet,
    problem: Option<&'a Problem>,
}

impl Page<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        pages::wrong(self.problem, field)
    }
}

impl Sheet {
    /// It, and what was wrong with what was tried.
    pub(super) fn page(
        &self,
        app: &State,
        login: &Login,
        problem: Option<&Problem>,
    ) -> Result<HttpResponse, Problem> {
        let page = Page {
            csrf_token: app.csrf.of_login(login.id),
            here: self.here,
            sheet: self,
            problem,
        };
        let status = problem.map_or(StatusCode::OK, Problem::status_code);
        pages::page_as(status, &page)
    }
}
