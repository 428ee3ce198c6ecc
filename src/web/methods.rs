//! The methods of a path, checked before anything else in a request.

use actix_web::HttpResponse;
use actix_web::http::{Method, header};

use super::problem;
use crate::protocol::{ErrorCode, Problem};

/// The methods that a path supports.
#[derive(Clone, Debug)]
pub(super) struct AllowedMethods(Vec<Method>);

impl AllowedMethods {
    /// Creates the list; `GET` also allows `HEAD`.
    pub(super) fn new<'a>(methods: impl IntoIterator<Item = &'a Method>) -> Self {
        let methods = methods.into_iter().flat_map(|method| match *method {
            Method::GET => vec![Method::GET, Method::HEAD],
            ref method => vec![method.clone()],
        });
        Self(methods.collect())
    }

    pub(super) fn has(&self, method: &Method) -> bool {
        self.0.contains(method)
    }

    /// Returns a 405 with the allowed methods (RFC 9110, section 15.5.6).
    pub(super) fn not_allowed_response(&self) -> HttpResponse {
        let problem = Problem::new(
            ErrorCode::MethodNotAllowed,
            "This path doesn't support this method.",
        );
        let mut response = problem::problem_response(&problem);
        let names: Vec<&str> = self.0.iter().map(Method::as_str).collect();
        if let Ok(names) = header::HeaderValue::from_str(&names.join(", ")) {
            response.headers_mut().insert(header::ALLOW, names);
        }
        response
    }
}
