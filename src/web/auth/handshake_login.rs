//! The login of a WebSocket handshake.

use actix_web::HttpRequest;
use actix_web::http::header;

use super::{
    RequestToken, bearer_token, check_ticket, check_token, or_cookie_token, unauthenticated,
};
use crate::protocol::{ErrorCode, Problem};
use crate::store::ActiveLogin;
use crate::web::{AppState, csrf, decoding, header_lists};

/// Returns the login of a WebSocket handshake.
///
/// # Errors
///
/// `unauthenticated`; `bad_origin` for a cookie from another site's page.
pub(in crate::web) async fn authenticate_handshake(
    app: &AppState,
    request: &HttpRequest,
) -> Result<ActiveLogin, Problem> {
    match handshake_token(app, request)? {
        None => Err(unauthenticated()),
        Some(RequestToken::Bearer(token)) => check_token(app, request, &token).await,
        Some(RequestToken::Ticket(ticket)) => check_ticket(app, request, &ticket).await,
        Some(RequestToken::Cookie(token)) => {
            csrf::check_origin(app, request)?;
            check_token(app, request, &token).await
        }
    }
}

/// Returns the admin login of a WebSocket handshake.
///
/// # Errors
///
/// `not_found` for other users; `bad_origin` for a cookie from another site's
/// page.
pub(in crate::web) async fn authenticate_admin_handshake(
    app: &AppState,
    request: &HttpRequest,
) -> Result<ActiveLogin, Problem> {
    let found = handshake_token(app, request).map_err(|_| Problem::not_found())?;
    let (found, is_cookie) = match found {
        None => return Err(Problem::not_found()),
        Some(RequestToken::Bearer(token)) => (check_token(app, request, &token).await, false),
        Some(RequestToken::Ticket(ticket)) => (check_ticket(app, request, &ticket).await, false),
        Some(RequestToken::Cookie(token)) => (check_token(app, request, &token).await, true),
    };
    match found {
        Ok(login) if login.user.is_admin => {
            if is_cookie {
                csrf::check_origin(app, request)?;
            }
            Ok(login)
        }
        Err(problem) if problem.code != ErrorCode::Unauthenticated => Err(problem),
        Ok(_) | Err(_) => Err(Problem::not_found()),
    }
}

fn handshake_token(app: &AppState, request: &HttpRequest) -> Result<Option<RequestToken>, Problem> {
    let query = decoding::decode_pairs(request.query_string().as_bytes())?;
    let in_query = query.into_iter().find(|(name, _)| name == "token");
    let given = bearer_token(request).or_else(|| offered_bearer(request));
    let given = given.map(|token| RequestToken::Bearer(token.to_owned()));
    // A JWT has dots. Clients written before tickets existed send their JWT
    // here.
    let in_query = in_query.map(|(_, token)| {
        if token.contains('.') {
            RequestToken::Bearer(token)
        } else {
            RequestToken::Ticket(token)
        }
    });
    Ok(or_cookie_token(app, request, given.or(in_query)))
}

fn offered_bearer(request: &HttpRequest) -> Option<&str> {
    header_lists::list_items(request.headers(), header::SEC_WEBSOCKET_PROTOCOL)
        .find_map(|offer| offer.strip_prefix("bearer."))
}
