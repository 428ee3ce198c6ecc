//! Invitations to groups that a user left: the list, and the answers.

use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, http::Method};
use entity::{ConversationId, InvitationId, Millis, user};
use serde::Deserialize;

use crate::engine::room::messages::Ask;
use crate::protocol::invitation::{Invitation, InvitationState, Invited};
use crate::protocol::{Code, Event, Problem, User};
use crate::store::Login;
use crate::web::auth::Auth;
use crate::web::decoding::{Path, Query};
use crate::web::{App, at, paging, to};

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
    app: App,
    Auth(login): Auth,
    request: HttpRequest,
    query: Query<InvitationsQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = paging::limit(query.limit);
    let (me, before) = (login.user.id, query.before.map(InvitationId));
    let mut found = app.store.group_invitations(me, before, limit + 1).await?;
    let older = paging::cut(&mut found, limit).map(|last| ("before", last.id.to_string()));
    Ok(paging::page(&request, &found, limit, &[("prev", older)]))
}

/// `POST /api/invitations/{id}/accept/`.
async fn accept(app: App, Auth(login): Auth, id: Path<i64>) -> Result<HttpResponse, Problem> {
    let id = join(&app, &login, InvitationId(*id)).await?;
    let conversation = app.store.conversation(login.user.id, id).await?;
    Ok(HttpResponse::Ok().json(conversation))
}

/// `POST /api/invitations/{id}/decline/`.
async fn decline(app: App, Auth(login): Auth, id: Path<i64>) -> Result<HttpResponse, Problem> {
    refuse(&app, &login, InvitationId(*id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Invites a user who left, and answers the member who invites.
pub(super) async fn invite(
    app: &App,
    id: ConversationId,
    (login, them): (&Login, &user::Model),
) -> Result<HttpResponse, Problem> {
    let place = (id, them.id);
    let new = app
        .store
        .invite_to_group(place, login.user.id, Millis::now())
        .await?;
    if let Some(invitation) = new {
        app.engine.tell(them.id, &Event::Invitation { invitation });
    }
    Ok(HttpResponse::Accepted().json(Invited {
        conversation_id: id,
        user: User::from(them),
        state: "invited",
    }))
}

/// Accepts: the Room judges the invitation anew, as one of its inviter.
pub(in crate::web) async fn join(
    app: &App,
    login: &Login,
    id: InvitationId,
) -> Result<ConversationId, Problem> {
    let invitation = app.store.group_invitation(login.user.id, id).await?;
    let (group, inviter) = (invitation.conversation_id, invitation.inviter.id);
    let ask = Ask::Invite {
        user: User::from(&login.user),
        is_agreed: true,
    };
    let joined = app.engine.ask(group, inviter, ask).await;
    if let Err(problem) = &joined
        && is_passing(problem.code)
    {
        return Err(problem.clone());
    }
    app.store.forget_invitation(id).await?;
    tell_end(app, login, invitation);
    match joined {
        Ok(_) => Ok(group),
        Err(_) => Err(Problem::new(
            Code::Conflict,
            "This invitation no longer holds.",
        )),
    }
}

/// Declines an invitation.
pub(in crate::web) async fn refuse(
    app: &App,
    login: &Login,
    id: InvitationId,
) -> Result<(), Problem> {
    let invitation = app.store.group_invitation(login.user.id, id).await?;
    app.store
        .decline_invitation(login.user.id, id, Millis::now())
        .await?;
    tell_end(app, login, invitation);
    Ok(())
}

/// Whether the same could succeed later.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::Busy | Code::Unavailable | Code::Internal | Code::RateLimited
    )
}

fn tell_end(app: &App, login: &Login, mut invitation: Invitation) {
    invitation.state = InvitationState::None;
    app.engine
        .tell(login.user.id, &Event::Invitation { invitation });
}
