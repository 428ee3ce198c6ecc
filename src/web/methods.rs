//! The methods of a path, which are looked at before anything else of a
//! request.

use actix_web::HttpResponse;
use actix_web::http::{Method, header};

use super::problem;
use crate::protocol::{Code, Problem};

/// The methods that a path has.
#[derive(Clone, Debug)]
pub(super) struct AllowedMethods(Vec<Method>);

impl AllowedMethods {
    /// `HEAD` goes where `GET` goes.
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

    /// 405 with what is allowed (RFC 9110, section 15.5.6).
    pub(super) fn refusal(&self) -> HttpResponse {
        let problem = Problem::new(Code::MethodNotAllowed, "This path has no such method.");
        let mut response = problem::response(&problem);
        let names: Vec<&str> = self.0.iter().map(Method::as_str).collect();
        if let Ok(names) = header::HeaderValue::from_str(&names.join(", ")) {
            response.headers_mut().insert(header::ALLOW, names);
        }
        response
    }
}
