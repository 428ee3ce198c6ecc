//! Other people: looking them up.

use actix_web::{HttpRequest, HttpResponse};
use entity::UserId;
use serde::Deserialize;

use super::person;
use crate::protocol::{Code, Problem, User};
use crate::store::{FoundCursor, Wanted};
use crate::web::auth::Auth;
use crate::web::decoding::{Path, Query};
use crate::web::{App, paging};

/// Fewer characters would find everybody.
const PREFIX_MIN: usize = 2;

#[derive(Deserialize)]
pub(in crate::web) struct Search {
    q: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
}

/// `GET /api/users/?q=`: users of whom words begin with each word of `q`.
pub(in crate::web) async fn search(
    app: App,
    Auth(_): Auth,
    request: HttpRequest,
    query: Query<Search>,
) -> Result<HttpResponse, Problem> {
    let typed = query.q.as_deref().unwrap_or_default().trim();
    let typed = typed.trim_start_matches('@');
    let wanted = Wanted::of(typed);
    let is_long = typed.chars().count() >= PREFIX_MIN && !wanted.is_empty();
    if !is_long || typed.chars().any(char::is_control) {
        return Err(Problem::field("q", "2 characters or more of a name"));
    }
    let limit = paging::limit(query.limit);
    let after = query.after.as_deref().map(read_cursor).transpose()?;
    let page = app.store.find_users(&wanted, after, limit).await?;
    let next = page.next.map(|last| ("after", write_cursor(&last)));
    let users: Vec<User> = page.found.into_iter().map(|found| found.user).collect();
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
