//! Logging in and out, and one's logins.

use actix_web::{HttpRequest, HttpResponse};
use entity::{LoginId, Millis, login};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::auth::TicketHolder;
use crate::auth::tickets::{TICKET_TTL, TicketError};
use crate::protocol::Problem;
use crate::web::accounts::{self, Credentials, Register};
use crate::web::auth::Auth;
use crate::web::body::Body;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

#[derive(Deserialize)]
pub(in crate::web) struct PageQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

/// A login, for whoever looks for one they don't know.
#[derive(Serialize)]
struct Session {
    id: LoginId,
    /// Whether it is the one that asks.
    current: bool,
    device: String,
    address: String,
    created_at: Millis,
    last_used_at: Millis,
    expires_at: Millis,
}

/// `POST /api/auth/register/`.
pub(in crate::web) async fn register(
    app: App,
    request: HttpRequest,
    body: Result<Body<Register>, Problem>,
) -> Result<HttpResponse, Problem> {
    let wanted = body.map(|Body(wanted)| wanted);
    let answer = accounts::register(&app, (&request, None), wanted).await?;
    Ok(HttpResponse::Created().json(answer))
}

/// `POST /api/auth/login/`.
pub(in crate::web) async fn login(
    app: App,
    request: HttpRequest,
    Body(body): Body<Credentials>,
) -> Result<HttpResponse, Problem> {
    let answer = accounts::log_in(&app, (&request, None), body).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/auth/logout/`.
pub(in crate::web) async fn logout(app: App, Auth(login): Auth) -> Result<HttpResponse, Problem> {
    app.store.end_login(login.id, Millis::now()).await?;
    app.engine.end_login(login.user.id, login.id);
    Ok(HttpResponse::NoContent().finish())
}

/// A ticket, and how many seconds it holds.
#[derive(Serialize)]
struct TicketIssued {
    ticket: String,
    expires_in: u64,
}

/// `POST /api/auth/ticket/`: what opens one socket by `?token=`.
pub(in crate::web) async fn ticket(app: App, Auth(login): Auth) -> Result<HttpResponse, Problem> {
    let holder = TicketHolder {
        user: login.user.id,
        login: login.id,
    };
    let issued = app.tickets.issue(holder, Instant::now());
    let ticket = issued.map_err(|error| match error {
        TicketError::TooMany => Problem::busy(),
        TicketError::Random(error) => {
            tracing::error!(%error, "can't make a ticket");
            Problem::internal()
        }
    })?;
    Ok(HttpResponse::Created().json(TicketIssued {
        ticket,
        expires_in: TICKET_TTL.as_secs(),
    }))
}

/// `GET /api/auth/sessions/`: newest first.
pub(in crate::web) async fn sessions(
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::limit(query.limit);
    let before = query.before.map(LoginId);
    let mut found = app.store.logins(login.user.id, before, limit + 1).await?;
    let older = paging::cut(&mut found, limit).map(|last| ("before", last.id.to_string()));
    let sessions: Vec<Session> = found
        .into_iter()
        .map(|row| Session::seen_from(row, login.id))
        .collect();
    Ok(paging::page(&request, &sessions, limit, &[("prev", older)]))
}

/// `DELETE /api/auth/sessions/{id}/`.
pub(in crate::web) async fn end_session(
    app: App,
    Auth(login): Auth,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let (user, id) = (login.user.id, LoginId(*id));
    app.store.end_own_login(user, id, Millis::now()).await?;
    app.engine.end_login(user, id);
    Ok(HttpResponse::NoContent().finish())
}

impl Session {
    fn seen_from(row: login::Model, current: LoginId) -> Self {
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
