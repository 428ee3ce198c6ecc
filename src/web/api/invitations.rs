//! Invitations to groups that a user left: list, accept and decline.

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, http::Method};
use entity::{ConversationId, InvitationId, Millis, user};
use serde::Deserialize;

use crate::protocol::invitation::InvitationReceipt;
use crate::protocol::{Problem, ServerEvent, User};
use crate::store::ActiveLogin;
use crate::web::actions::invitations::{accept_invitation, decline_invitation};
use crate::web::auth::Authenticated;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::resources::{at, to};
use crate::web::{AppData, paging};

#[derive(Deserialize)]
pub(in crate::web) struct InvitationsQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

pub(in crate::web) fn routes(config: &mut ServiceConfig) {
    let (get, post) = (Method::GET, Method::POST);
    config
        .service(at("/api/invitations", [(&get, to(list))]))
        .service(at(
            "/api/invitations/{id:\\d+}/accept",
            [(&post, to(accept))],
        ))
        .service(at(
            "/api/invitations/{id:\\d+}/decline",
            [(&post, to(decline))],
        ));
}

/// `GET /api/invitations/`: newest first.
async fn list(
    app: AppData,
    Authenticated(login): Authenticated,
    request: HttpRequest,
    query: StrictQuery<InvitationsQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::page_limit(query.limit);
    let (me, before) = (login.user.id, query.before.map(InvitationId));
    let mut found = app
        .store
        .group_invitations()
        .list(me, before, limit + 1)
        .await?;
    let older =
        paging::truncate_page(&mut found, limit).map(|last| ("before", last.id.to_string()));
    Ok(paging::page_response(
        &request,
        &found,
        limit,
        &[("prev", older)],
    ))
}

/// `POST /api/invitations/{id}/accept/`.
async fn accept(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = accept_invitation(&app, &login, InvitationId(*id)).await?;
    let conversation = app.store.conversations().load(login.user.id, id).await?;
    Ok(HttpResponse::Ok().json(conversation))
}

/// `POST /api/invitations/{id}/decline/`.
async fn decline(
    app: AppData,
    Authenticated(login): Authenticated,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    decline_invitation(&app, &login, InvitationId(*id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Invites a user who left the group, and returns the response to the inviter.
pub(super) async fn invite(
    app: &AppData,
    id: ConversationId,
    login: &ActiveLogin,
    them: &user::Model,
) -> Result<HttpResponse, Problem> {
    let new = app
        .store
        .group_invitations()
        .create(id, them.id, login.user.id, Millis::now())
        .await?;
    if let Some(invitation) = new {
        app.engine
            .deliver_event(them.id, &ServerEvent::Invitation { invitation });
    }
    Ok(HttpResponse::Accepted().json(InvitationReceipt {
        conversation_id: id,
        user: User::from(them),
        state: "invited",
    }))
}
