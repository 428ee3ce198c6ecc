//! Invitations to groups that a user left: list, accept and decline.

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, http::Method};
use entity::{ConversationId, InvitationId, Millis, user};
use serde::Deserialize;

use crate::protocol::invitation::{Invitation, InvitationReceipt, InvitationState};
use crate::protocol::{ConversationAction, ErrorCode, GroupCommand, Problem, ServerEvent, User};
use crate::store::ActiveLogin;
use crate::web::auth::Authenticated;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::{AppData, at, paging, to};

#[derive(Deserialize)]
pub(in crate::web) struct InvitationsQuery {
    before: Option<i64>,
    limit: Option<u64>,
}

pub(in crate::web) fn routes(config: &mut ServiceConfig) {
    use crate::web::pages::people;
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
        ))
        .service(at(
            "/messages/invitations/{id:\\d+}/accept",
            [(&post, to(people::accept_invitation))],
        ))
        .service(at(
            "/messages/invitations/{id:\\d+}/decline",
            [(&post, to(people::decline_invitation))],
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
    let place = (id, them.id);
    let new = app
        .store
        .group_invitations()
        .create(place, login.user.id, Millis::now())
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

/// Accepts an invitation. The Room checks again whether the inviter may add
/// members.
pub(in crate::web) async fn accept_invitation(
    app: &AppData,
    login: &ActiveLogin,
    id: InvitationId,
) -> Result<ConversationId, Problem> {
    let invitation = app
        .store
        .group_invitations()
        .load(login.user.id, id)
        .await?;
    let (group, inviter) = (invitation.conversation_id, invitation.inviter.id);
    let join = GroupCommand::Invite {
        user: User::from(&login.user),
        is_agreed: true,
    };
    let join = ConversationAction::ChangeGroup(join);
    let joined = app.engine.execute_action(group, inviter, join).await;
    if let Err(problem) = &joined
        && is_transient(problem.code)
    {
        return Err(problem.clone());
    }
    app.store.group_invitations().delete(id).await?;
    send_invitation_end(app, login, invitation);
    match joined {
        Ok(_) => Ok(group),
        Err(_) => Err(Problem::new(
            ErrorCode::Conflict,
            "This invitation is no longer valid.",
        )),
    }
}

/// Declines an invitation.
pub(in crate::web) async fn decline_invitation(
    app: &AppData,
    login: &ActiveLogin,
    id: InvitationId,
) -> Result<(), Problem> {
    let invitation = app
        .store
        .group_invitations()
        .load(login.user.id, id)
        .await?;
    app.store
        .group_invitations()
        .decline(login.user.id, id, Millis::now())
        .await?;
    send_invitation_end(app, login, invitation);
    Ok(())
}

/// Returns whether a retry after this error could succeed.
fn is_transient(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Busy | ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::RateLimited
    )
}

fn send_invitation_end(app: &AppData, login: &ActiveLogin, mut invitation: Invitation) {
    invitation.state = InvitationState::None;
    app.engine
        .deliver_event(login.user.id, &ServerEvent::Invitation { invitation });
}
