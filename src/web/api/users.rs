//! Other people: looking them up.

use actix_web::{HttpRequest, HttpResponse};
use entity::UserId;
use serde::Deserialize;

use super::super::auth::Auth;
use super::super::{App, paging};
use super::person;
use crate::protocol::{Code, Problem, User};
use crate::store::FoundCursor;
use crate::web::decoding::{Path, Query};

/// Fewer characters would find everybody.
const PREFIX_MIN: usize = 2;

#[derive(Deserialize)]
pub(in crate::web) struct Search {
    q: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
}

/// `GET /api/users/?q=`: those of whom a word begins like that.
pub(in crate::web) async fn search(
    app: App,
    Auth(_): Auth,
    request: HttpRequest,
    query: Query<Search>,
) -> Result<HttpResponse, Problem> {
    let prefix = query.q.as_deref().unwrap_or_default().trim();
    if prefix.chars().count() < PREFIX_MIN || prefix.chars().any(char::is_control) {
        return Err(Problem::field("q", "2 characters or more of a name"));
    }
    let limit = paging::limit(query.limit);
    let after = query.after.as_deref().map(read_cursor).transpose()?;
    let mut found = app.store.find_users(prefix, after, limit + 1).await?;
    let next = paging::cut(&mut found, limit).map(|last| ("after", write_cursor(&last.at)));
    let users: Vec<User> = found.into_iter().map(|found| found.user).collect();
    Ok(paging::page(&request, &users, limit, &[("next", next)]))
}

/// `GET /api/users/{username}/`.
pub(in crate::web) async fn show(
    app: App,
    Auth(login): Auth,
    username: Path<String>,
) -> Result<HttpResponse, Problem> {
    let them = person(&app, &username).await?;
    let profile = app.store.profile(login.user.id, &them).await?;
    Ok(HttpResponse::Ok().json(profile))
}

fn write_cursor(cursor: &FoundCursor) -> String {
    format!("{}.{}", cursor.user, cursor.word)
}

fn read_cursor(text: &str) -> Result<FoundCursor, Problem> {
    let read = || {
        let (user, word) = text.split_once('.')?;
        let has_nul = word.contains('\0');
        (!has_nul).then_some(FoundCursor {
            user: UserId(user.parse().ok()?),
            word: word.to_owned(),
        })
    };
    read().ok_or_else(|| Problem::new(Code::BadRequest, "The cursor 'after' is not one of ours."))
}
