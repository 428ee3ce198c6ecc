//! `/profile/{username}`: a user's profile, with the actions on it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use entity::{ConversationId, Millis, UserId, user};
use serde::Deserialize;

use super::page_login::LoginOrRedirect;
use super::view::PresenceMark;
use super::view::thread::conversation_url;
use crate::protocol::Problem;
use crate::protocol::user::Relationship;
use crate::store::ActiveLogin;
use crate::web::actions::{blocks, connections};
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::display::avatars::Avatar;
use crate::web::display::times;
use crate::web::lookups::find_user;
use crate::web::rendering::{HOME_PATH, redirect_to, render_template};
use crate::web::{AppData, assets};

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'a> {
    csrf_token: String,
    avatar: Avatar,
    name: &'a str,
    username: &'a str,
    about: &'a str,
    status: String,
    /// The time in `status`, if it has one.
    seen: Option<Millis>,
    presence: PresenceMark,
    user: UserId,
    /// `None` on the user's own profile.
    relation: Option<Relationship>,
    /// The texts and forms for the script to choose from.
    relations: [Relationship; 5],
    /// Whether there is a conversation to read.
    has_history: bool,
    /// The URL of the page to return to.
    back: String,
}

#[derive(Default, Deserialize)]
pub(in crate::web) struct ProfilePageQuery {
    /// The conversation from which the profile was opened.
    from: Option<ConversationId>,
}

/// `GET /profile/{username}`.
pub(in crate::web) async fn show(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    username: StrictPath<String>,
    asked: StrictQuery<ProfilePageQuery>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    let me = login.user.id;
    let profile = app.store.users().load_profile(me, &them).await?;
    let direct = app.store.conversations().find_direct(me, them.id).await?;
    let page = ProfilePage {
        csrf_token: app.csrf.issue_for_login(login.id),
        avatar: Avatar::from_name(&them.display_name),
        name: &them.display_name,
        username: &them.username,
        about: &them.about,
        status: times::format_presence(profile.is_online, profile.last_seen, Millis::now()),
        seen: profile
            .last_seen
            .filter(|_| profile.is_online == Some(false)),
        presence: PresenceMark::new(profile.is_online),
        user: them.id,
        relation: (me != them.id).then_some(profile.connection),
        relations: Relationship::ALL,
        has_history: direct.is_some(),
        back: asked
            .from
            .or(direct)
            .map_or_else(|| HOME_PATH.to_owned(), conversation_url),
    };
    render_template(StatusCode::OK, &page)
}

/// `POST /profile/{username}/{act}`. Returns to the conversation in which the
/// form is, else to the profile.
pub(in crate::web) async fn change_relation(
    app: AppData,
    LoginOrRedirect(login): LoginOrRedirect,
    path: StrictPath<(String, String)>,
    asked: StrictQuery<ProfilePageQuery>,
) -> Result<HttpResponse, Problem> {
    let (username, act) = path.into_inner();
    let them = find_user(&app, &username).await?;
    match act.as_str() {
        "ask" => drop(connections::request_connection(&app, &login.user, &them).await?),
        "accept" | "decline" | "disconnect" => change_connection(&app, &login, &them, &act).await?,
        "block" => blocks::block_user(&app, &login.user, &them).await?,
        "unblock" => blocks::unblock_user(&app, login.user.id, them.id).await?,
        _ => return Err(Problem::not_found()),
    }
    let profile = || profile_url(&them.username);
    let back = asked.from.map_or_else(profile, conversation_url);
    Ok(redirect_to(&back, []))
}

/// Returns the URL of a user's profile.
pub(super) fn profile_url(username: &str) -> String {
    format!("/profile/{username}")
}

/// Answers or ends a connection. Does nothing if the connection ended after the
/// page was loaded.
async fn change_connection(
    app: &AppData,
    login: &ActiveLogin,
    them: &user::Model,
    act: &str,
) -> Result<(), Problem> {
    let (me, now) = (&login.user, Millis::now());
    let Some(id) = app.store.connections().find(me.id, them.id).await? else {
        return Ok(());
    };
    let change = match act {
        "accept" => app.store.connections().accept(me, id).await?,
        "decline" => app.store.connections().decline(me, id, now).await?,
        _ => app.store.connections().remove(me, id, now).await?,
    };
    connections::notify_both(app, me.id, &change).await;
    Ok(())
}
