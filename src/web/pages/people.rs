//! Finding people, asking them, and answering those who ask: the forms above
//! the list.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use entity::{ConnectionId, InvitationId, Millis, user};

use super::messages::{Refused, Scene, page};
use super::view::thread::page_of;
use super::visitor::Visitor;
use super::{HOME, go_on};
use crate::protocol::message::isolate;
use crate::protocol::user::Standing;
use crate::protocol::{Code, Problem};
use crate::store::{Login, RequestOutcome};
use crate::web::App;
use crate::web::api::{connections, invitations, named};
use crate::web::body::{Form, text_fields};
use crate::web::decoding::Path;

#[derive(Default)]
pub(in crate::web) struct Sought {
    username: String,
}

text_fields!(Sought { username });

impl Sought {
    fn name(&self) -> &str {
        self.username.trim().trim_start_matches('@')
    }
}

/// `POST /messages/chat`: to the conversation with somebody.
pub(in crate::web) async fn open(
    app: App,
    Visitor(login): Visitor,
    Form(sought): Form<Sought>,
) -> Result<HttpResponse, Problem> {
    let them = match find(&app, &sought).await? {
        Ok(them) => them,
        Err(refused) => return refuse(&app, &login, sought, refused).await,
    };
    let me = login.user.id;
    let is_open = app.store.direct_between(me, them.id).await?.is_some();
    let profile = app.store.profile(me, &them).await?;
    if is_open || profile.connection == Standing::Connected {
        return Ok(go_on(&chat(&them), []));
    }
    let name = isolate(&them.display_name);
    let refused = Refused {
        status: StatusCode::FORBIDDEN,
        detail: match profile.connection {
            Standing::Requested => format!("{name} hasn’t answered yet."),
            Standing::Incoming => format!("{name} asked you. Accept, and you can write."),
            _ => format!("You’re not connected with {name} yet. Ask first."),
        },
    };
    refuse(&app, &login, sought, refused).await
}

/// `POST /messages/requests`.
pub(in crate::web) async fn ask(
    app: App,
    Visitor(login): Visitor,
    Form(sought): Form<Sought>,
) -> Result<HttpResponse, Problem> {
    let them = match find(&app, &sought).await? {
        Ok(them) => them,
        Err(refused) => return refuse(&app, &login, sought, refused).await,
    };
    match connections::ask(&app, &login.user, &them).await {
        Ok(RequestOutcome::Connected(_)) => Ok(go_on(&chat(&them), [])),
        Ok(RequestOutcome::Requested(_) | RequestOutcome::Unchanged(..)) => Ok(go_on(HOME, [])),
        Err(problem) if problem.code == Code::Conflict => {
            refuse(&app, &login, sought, Refused::by(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// `POST /messages/requests/{id}/accept`: and on to the conversation.
pub(in crate::web) async fn accept(
    app: App,
    Visitor(login): Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app.store.accept_connection(&login.user, id).await?;
    connections::tell(&app, login.user.id, &change).await;
    let username = &change.mine.user.username;
    Ok(go_on(&format!("/messages/chat/{username}/"), []))
}

/// `POST /messages/requests/{id}/decline`.
pub(in crate::web) async fn decline(
    app: App,
    Visitor(login): Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionId(*id);
    let change = app
        .store
        .decline_connection(&login.user, id, Millis::now())
        .await?;
    connections::tell(&app, login.user.id, &change).await;
    Ok(go_on(HOME, []))
}

/// `POST /messages/invitations/{id}/accept`: and on to the group.
pub(in crate::web) async fn accept_invitation(
    app: App,
    Visitor(login): Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    let group = invitations::join(&app, &login, InvitationId(*id)).await?;
    Ok(go_on(&page_of(group), []))
}

/// `POST /messages/invitations/{id}/decline`.
pub(in crate::web) async fn decline_invitation(
    app: App,
    Visitor(login): Visitor,
    id: Path<i64>,
) -> Result<HttpResponse, Problem> {
    invitations::refuse(&app, &login, InvitationId(*id)).await?;
    Ok(go_on(HOME, []))
}

fn chat(them: &user::Model) -> String {
    format!("/messages/chat/{}/", them.username)
}

/// Whom the form names; else what to say to that.
async fn find(app: &App, sought: &Sought) -> Result<Result<user::Model, Refused>, Problem> {
    match named(app, sought.name()).await {
        Ok(them) => Ok(Ok(them)),
        Err(problem) if problem.code == Code::Invalid => Ok(Err(Refused {
            status: problem.status_code(),
            detail: "Nobody here has this username.".to_owned(),
        })),
        Err(problem) => Err(problem),
    }
}

async fn refuse(
    app: &App,
    login: &Login,
    sought: Sought,
    refused: Refused,
) -> Result<HttpResponse, Problem> {
    let scene = Scene {
        sought: sought.username,
        refused: Some(refused),
        ..Scene::default()
    };
    page(app, login, scene).await
}

impl Refused {
    fn by(problem: &Problem) -> Self {
        Self {
            status: problem.status_code(),
            detail: problem.detail.clone().into_owned(),
        }
    }
}
