//! The login that a page requires: a request without one is redirected to the
//! login form.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::{Error, FromRequest, HttpRequest};

use crate::protocol::{ErrorCode, Problem};
use crate::store::ActiveLogin;
use crate::web::auth::Authenticated;
use crate::web::rendering::{HOME_PATH, redirect_to};

/// The login of a page. Without one, the user is redirected to the login form
/// and from there back to the page.
pub(in crate::web) struct LoginOrRedirect(pub(in crate::web) ActiveLogin);

impl FromRequest for LoginOrRedirect {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let login = Authenticated::from_request(request, payload).into_inner();
        ready(match login {
            Ok(Authenticated(login)) => Ok(Self(login)),
            Err(problem) => Err(redirect_or_error(request, problem)),
        })
    }
}

fn redirect_or_error(request: &HttpRequest, problem: Problem) -> Error {
    if problem.code != ErrorCode::Unauthenticated {
        return problem.into();
    }
    let to = login_url(request);
    InternalError::from_response(problem, redirect_to(&to, [])).into()
}

/// Returns the URL of the login form. A `POST` is not repeated after the login.
fn login_url(request: &HttpRequest) -> String {
    let wanted = match *request.method() {
        Method::GET | Method::HEAD => request.uri().path_and_query(),
        _ => None,
    };
    let next = wanted.map_or(HOME_PATH, |wanted| wanted.as_str());
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/login?{}", query.append_pair("next", next).finish())
}
