//! Registration, login and logout, and the list of a user's logins.

use actix_web::{HttpRequest, HttpResponse};
use entity::{LoginId, Millis, login};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::auth::TicketHolder;
use crate::auth::tickets::{TICKET_TTL, TicketError};
use crate::protocol::Problem;
use crate::web::accounts::{self, Credentials, RegistrationForm};
use crate::web::actions::own_account::end_other_logins;
use crate::web::auth::Authenticated;
use crate::web::body::JsonBody;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct SessionListQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

/// A login in the list that users check for logins they don't recognize.
#[derive(Serialize)]
struct LoginSessionBody {
    id: LoginId,
    /// Whether this is the login of the request.
    current: bool,
    device: String,
    address: String,
    created_at: Millis,
    last_used_at: Millis,
    expires_at: Millis,
}

/// `POST /api/auth/register/`.
pub(in crate::web) async fn register(
    app: AppData,
    request: HttpRequest,
    body: Result<JsonBody<RegistrationForm>, Problem>,
) -> Result<HttpResponse, Problem> {
    let wanted = body.map(|JsonBody(wanted)| wanted);
    let answer = accounts::register(&app, &request, None, wanted).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// `POST /api/auth/login/`.
pub(in crate::web) async fn login(
    app: AppData,
    request: HttpRequest,
    JsonBody(body): JsonBody<Credentials>,
) -> Result<HttpResponse, Problem> {
    let answer = accounts::log_in(&app, &request, None, body).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/auth/logout/`.
pub(in crate::web) async fn logout(
    app: AppData,
    Authenticated(login): Authenticated,
) -> Result<HttpResponse, Problem> {
    app.store.logins().end(login.id, Millis::now()).await?;
    app.engine.end_login(login.user.id, login.id);
    Ok(HttpResponse::NoContent().finish())
}

/// A ticket and its lifetime in seconds.
#[derive(Serialize)]
struct TicketResponse {
    ticket: String,
    expires_in: u64,
}

/// `POST /api/auth/ticket/`: issues a ticket that opens one socket by
/// `?token=`.
pub(in crate::web) async fn issue_ticket(
    app: AppData,
    Authenticated(login): Authenticated,
) -> Result<HttpResponse, Problem> {
    let holder = TicketHolder {
        user: login.user.id,
        login: login.id,
    };
    let issued = app.tickets.issue(holder, Instant::now());
    let ticket = issued.map_err(|error| match error {
        TicketError::TooMany => Problem::busy(),
        TicketError::Random(error) => {
            tracing::error!(%error, "can't create a socket ticket");
            Problem::internal()
        }
    })?;
    Ok(HttpResponse::Created().json(TicketResponse {
        ticket,
        expires_in: TICKET_TTL.as_secs(),
    }))
}

/// `GET /api/auth/sessions/`: newest first.
pub(in crate::web) async fn list_sessions(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    query: StrictQuery<SessionListQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::page_limit(query.limit);
    let before = query.before.map(LoginId);
    let mut found = app
        .store
        .logins()
        .list(login.user.id, before, limit + 1)
        .await?;
    let older =
        paging::truncate_page(&mut found, limit).map(|last| ("before", last.id.to_string()));
    let sessions: Vec<LoginSessionBody> = found
        .into_iter()
        .map(|row| LoginSessionBody::from_row(row, login.id))
        .collect();
    Ok(paging::page_response(
        &request,
        &sessions,
        limit,
        &[("prev", older)],
    ))
}

/// `DELETE /api/auth/sessions/{id}/`.
pub(in crate::web) async fn end_session(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let (user, id) = (login.user.id, LoginId(*id));
    app.store.logins().end_own(user, id, Millis::now()).await?;
    app.engine.end_login(user, id);
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/auth/sessions/`: ends every other login.
pub(in crate::web) async fn end_other_sessions(
    app: AppData,
    Authenticated(login): Authenticated,
) -> Result<HttpResponse, Problem> {
    end_other_logins(&app, &login).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl LoginSessionBody {
    fn from_row(row: login::Model, current: LoginId) -> Self {
        Self {
            current: row.id == current,
            id: row.id,
            device: row.device,
            address: row.address,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}
