//! A page with one form, which explains an action and asks for its input.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use crate::protocol::Problem;
use crate::store::ActiveLogin;
use crate::web::{AppState, assets, rendering};

/// The content of the page.
pub(super) struct ActionForm {
    pub(super) here: &'static str,
    pub(super) title: String,
    /// The consequences of the action, one paragraph each.
    pub(super) lead: Vec<String>,
    pub(super) fields: Vec<FormField>,
    pub(super) submit: &'static str,
    /// Whether the action can't be undone or needs a warning.
    pub(super) is_grave: bool,
    pub(super) action: String,
    pub(super) back: String,
}

/// A text field of one line.
pub(super) struct FormField {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
    pub(super) hint: String,
    pub(super) is_required: bool,
    pub(super) longest: usize,
}

impl FormField {
    /// Returns the field for the reason, which the audit log records.
    pub(super) fn reason(value: &str) -> Self {
        Self {
            name: "reason",
            label: "Reason",
            value: value.to_owned(),
            hint: "Written to the audit log.".to_owned(),
            is_required: false,
            longest: super::REASON_MAX,
        }
    }

    /// Returns whether the input is masked.
    pub(super) fn is_password(&self) -> bool {
        self.name == "password"
    }

    /// Makes the field required.
    pub(super) fn required(self) -> Self {
        Self {
            is_required: true,
            ..self
        }
    }
}

#[derive(Template)]
#[template(path = "admin/sheet.html")]
struct ActionFormPage<'a> {
    csrf_token: String,
    here: &'static str,
    sheet: &'a ActionForm,
    problem: Option<&'a Problem>,
}

impl ActionFormPage<'_> {
    fn wrong(&self, field: &str) -> Option<&str> {
        rendering::field_error(self.problem, field)
    }
}

impl ActionForm {
    /// Renders the form, with the problem of a failed attempt if there is one.
    pub(super) fn render(
        &self,
        app: &AppState,
        login: &ActiveLogin,
        problem: Option<&Problem>,
    ) -> Result<HttpResponse, Problem> {
        let page = ActionFormPage {
            csrf_token: app.csrf.issue_for_login(login.id),
            here: self.here,
            sheet: self,
            problem,
        };
        let status = problem.map_or(StatusCode::OK, Problem::status_code);
        rendering::render_template(status, &page)
    }
}
