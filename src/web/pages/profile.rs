//! `/profile/{username}`: somebody, and what one can do with them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{ConversationId, Millis, user};
use serde::Deserialize;

use super::view::avatar::Avatar;
use super::view::thread::page_of;
use super::view::times;
use super::visitor::Visitor;
use super::{HOME, go_on, page_as};
use crate::protocol::Problem;
use crate::protocol::user::Standing;
use crate::store::Login;
use crate::web::api::{blocks, connections, person};
use crate::web::decoding::{Path, Query};
use crate::web::{App, assets};

#[derive(Template)]
#[template(path = "profile.html")]
struct Page<'a> {
    csrf_token: String,
    avatar: Avatar,
    name: &'a str,
    username: &'a str,
    about: &'a str,
    status: String,
    is_me: bool,
    is_online: bool,
    standing: Standing,
    /// There is something to read already.
    has_history: bool,
    /// Where one came from.
    back: String,
}

#[derive(Default, Deserialize)]
pub(in crate::web) struct Asked {
    /// The conversation in which one was.
    from: Option<ConversationId>,
}

/// `GET /profile/{username}`.
pub(in crate::web) async fn show(
    app: App,
    Visitor(login): Visitor,
    username: Path<String>,
    asked: Query<Asked>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    let me = login.user.id;
    let profile = app.store.profile(me, &them).await?;
    let direct = app.store.direct_between(me, them.id).await?;
    let page = Page {
        csrf_token: app.csrf.of_login(login.id),
        avatar: Avatar::of(&them.display_name),
        name: &them.display_name,
        username: &them.username,
        about: &them.about,
        status: times::status(profile.is_online, profile.last_seen, Millis::now()),
        is_me: me == them.id,
        is_online: profile.is_online == Some(true),
        standing: profile.connection,
        has_history: direct.is_some(),
        back: asked
            .from
            .or(direct)
            .map_or_else(|| HOME.to_owned(), page_of),
    };
    page_as(StatusCode::OK, &page)
}

/// `POST /profile/{username}/{act}`.
pub(in crate::web) async fn change(
    app: App,
    Visitor(login): Visitor,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (username, act) = path.into_inner();
    let them = person(&app, &username).await?;
    match act.as_str() {
        "ask" => drop(connections::ask(&app, &login.user, &them).await?),
        "accept" | "decline" | "disconnect" => answer(&app, &login, &them, &act).await?,
        "block" => blocks::block(&app, &login.user, &them).await?,
        "unblock" => blocks::unblock(&app, login.user.id, them.id).await?,
        _ => return Err(Problem::not_found()),
    }
    Ok(go_on(&format!("/profile/{}", them.username), []))
}

/// What there was may have gone while the page stood there: then there is
/// nothing to do.
async fn answer(app: &App, login: &Login, them: &user::Model, act: &str) -> Result<(), Problem> {
    let (me, now) = (&login.user, Millis::now());
    let Some(id) = app.store.connection_between(me.id, them.id).await? else {
        return Ok(());
    };
    let change = match act {
        "accept" => app.store.accept_connection(me, id).await?,
        "decline" => app.store.decline_connection(me, id, now).await?,
        _ => app.store.remove_connection(me, id, now).await?,
    };
    connections::tell(app, me.id, &change).await;
    Ok(())
}
