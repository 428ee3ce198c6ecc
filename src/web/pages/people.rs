//! The forms above the list: finding users, requesting connections, and
//! answering requests and invitations.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use entity::{ConnectionId, InvitationId, Millis, user};

use super::messages::{FormRefusal, MessagesPageState, render_page};
use super::page_login::LoginOrRedirect;
use super::view::thread::conversation_url;
use crate::protocol::message::isolate_name;
use crate::protocol::user::Relationship;
use crate::protocol::{ErrorCode, Problem};
use crate::store::{ActiveLogin, ConnectionRequestOutcome};
use crate::web::AppData;
use crate::web::actions::{connections, invitations};
use crate::web::body::{FormBody, text_fields};
use crate::web::decoding::StrictPath;
use crate::web::lookups::find_active_user;
use crate::web::rendering::{HOME_PATH, redirect_to};

#[derive(Default)]
pub(in crate::web) struct FindUserForm {
    username: String,
}

text_fields!(FindUserForm { username });

impl FindUserForm {
    fn name(&self) -> &str {
        self.username.trim().trim_start_matches('@')
    }
}

/// `POST /messages/chat`: redirects to the conversation with a user.
pub(in crate::web) async fn open_chat(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    FormBody(sought): FormBody<FindUserForm>,
) -> Result<HttpResponse, Problem> {
    let them = match find_sought_user(&app, &sought).await? {
        Ok(them) => them,
        Err(refused) => return show_refusal(&app, &login, sought, refused).await,
    };
    let me = login.user.id;
    let is_open = app
        .store
        .conversations()
        .find_direct(me, them.id)
        .await?
        .is_some();
    let profile = app.store.users().load_profile(me, &them).await?;
    if is_open || profile.connection == Relationship::Connected {
        return Ok(redirect_to(&chat_url(&them), []));
    }
    let name = isolate_name(&them.display_name);
    let refused = FormRefusal {
        status: StatusCode::FORBIDDEN,
        detail: match profile.connection {
            Relationship::Requested => format!("{name} hasn’t accepted your request yet."),
            Relationship::Incoming => {
                format!("{name} wants to connect. Accept the request to message them.")
            }
            _ => format!("You’re not connected with {name}. Connect first."),
        },
    };
    show_refusal(&app, &login, sought, refused).await
}

/// `POST /messages/requests`.
pub(in crate::web) async fn send_request(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    FormBody(sought): FormBody<FindUserForm>,
) -> Result<HttpResponse, Problem> {
    let them = match find_sought_user(&app, &sought).await? {
        Ok(them) => them,
        Err(refused) => return show_refusal(&app, &login, sought, refused).await,
    };
    match connections::request_connection(&app, &login.user, &them).await {
        Ok(ConnectionRequestOutcome::Connected(_)) => Ok(redirect_to(&chat_url(&them), [])),
        Ok(ConnectionRequestOutcome::Requested(_) | ConnectionRequestOutcome::Unchanged(..)) => {
            Ok(redirect_to(HOME_PATH, []))
        }
        Err(problem) if problem.code == ErrorCode::Conflict => {
            show_refusal(&app, &login, sought, FormRefusal::from_problem(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /messages/requests/{id}/accept`: redirects to the conversation.
pub(in crate::web) async fn accept(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.connections().accept(&login.user, id).await?;
    connections::notify_both(&app, login.user.id, &change).await;
    let username = &change.caller_view.user.username;
    Ok(redirect_to(&format!("/messages/chat/{username}/"), []))
}

/// `POST /messages/requests/{id}/decline`.
pub(in crate::web) async fn decline(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .connections()
        .decline(&login.user, id, Millis::now())
        .await?;
    connections::notify_both(&app, login.user.id, &change).await;
    Ok(redirect_to(HOME_PATH, []))
}

/// `POST /messages/invitations/{id}/accept`: redirects to the group.
pub(in crate::web) async fn accept_invitation(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    let group = invitations::accept_invitation(&app, &login, InvitationId(*id)).await?;
    Ok(redirect_to(&conversation_url(group), []))
}

/// `POST /messages/invitations/{id}/decline`.
pub(in crate::web) async fn decline_invitation(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    id: StrictPath<i64>,
) -> Result<HttpResponse, Problem> {
    invitations::decline_invitation(&app, &login, InvitationId(*id)).await?;
    Ok(redirect_to(HOME_PATH, []))
}

fn chat_url(them: &user::Model) -> String {
    format!("/messages/chat/{}/", them.username)
}

/// Returns the user that the form names, or the error to show.
async fn find_sought_user(
    app: &AppData,
    sought: &FindUserForm,
) -> Result<Result<user::Model, FormRefusal>, Problem> {
    match find_active_user(app, sought.name()).await {
        Ok(them) => Ok(Ok(them)),
        Err(problem) if problem.code == ErrorCode::Invalid => Ok(Err(FormRefusal {
            status: problem.status_code(),
            detail: "No account with this username.".to_owned(),
        })),
        Err(problem) => Err(problem),
    }
}

async fn show_refusal(
    app: &AppData,
    login: &ActiveLogin,
    sought: FindUserForm,
    refused: FormRefusal,
) -> Result<HttpResponse, Problem> {
    let scene = MessagesPageState {
        sought: sought.username,
        refused: Some(refused),
        ..MessagesPageState::default()
    };
    render_page(app, login, scene).await
}

impl FormRefusal {
    fn from_problem(problem: &Problem) -> Self {
        Self {
            status: problem.status_code(),
            detail: problem.detail.clone().into_owned(),
        }
    }
}
