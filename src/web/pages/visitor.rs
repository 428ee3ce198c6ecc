//! Who looks at a page.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::{Error, FromRequest, HttpRequest};

use super::{HOME, go_on};
use crate::protocol::{Code, Problem};
use crate::store::Login;
use crate::web::auth::Auth;

/// Somebody who is logged in. Others are led to the form for that, and from
/// there back to what they wanted to see.
pub(in crate::web) struct Visitor(pub(in crate::web) Login);

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let login = Auth::from_request(request, payload).into_inner();
        ready(match login {
            Ok(Auth(login)) => Ok(Self(login)),
            Err(problem) => Err(turned(request, problem)),
        })
    }
}

fn turned(request: &HttpRequest, problem: Problem) -> Error {
    if problem.code != Code::Unauthenticated {
        return problem.into();
    }
    let to = way_in(request);
    InternalError::from_response(problem, go_on(&to, [])).into()
}

/// The form to log in by; what a form wanted to do is not repeated by itself.
fn way_in(request: &HttpRequest) -> String {
    let wanted = match *request.method() {
        Method::GET | Method::HEAD => request.uri().path_and_query(),
        _ => None,
    };
    let next = wanted.map_or(HOME, |wanted| wanted.as_str());
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/login?{}", query.append_pair("next", next).finish())
}
