//! Searching for users, and their profiles.

use actix_web::{HttpRequest, HttpResponse};
use entity::UserId;
use serde::Deserialize;

use crate::protocol::{ErrorCode, Problem, User};
use crate::store::{SearchTerms, UserSearchCursor};
use crate::web::auth::Authenticated;
use crate::web::decoding::{StrictPath, StrictQuery};
use crate::web::lookups::find_user;
use crate::web::{AppData, paging};

/// The minimum length of a query; a shorter one would match nearly all users.
const PREFIX_MIN: usize = 2;

#[derive(Deserialize)]
pub(in crate::web) struct UserSearchQuery {
    q: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
}

/// `GET /api/users/?q=`: users with a word that begins with each word of `q`.
pub(in crate::web) async fn search(
    app: AppData,
    Authenticated(_): Authenticated,
    request: HttpRequest,
    query: StrictQuery<UserSearchQuery>,
) -> Result<HttpResponse, Problem> {
    let typed = query.q.as_deref().unwrap_or_default().trim();
    let typed = typed.trim_start_matches('@');
    let wanted = SearchTerms::parse(typed);
    let is_long = typed.chars().count() >= PREFIX_MIN && !wanted.is_empty();
    if !is_long || typed.chars().any(char::is_control) {
        return Err(Problem::invalid_field(
            "q",
            "at least 2 characters of a name",
        ));
    }
    let limit = paging::page_limit(query.limit);
    let after = query.after.as_deref().map(read_cursor).transpose()?;
    let page = app.store.users().search(&wanted, after, limit).await?;
    let next = page.next.map(|last| ("after", write_cursor(&last)));
    let users: Vec<User> = page.users.into_iter().map(|found| found.user).collect();
    Ok(paging::page_response(
        &request,
        &users,
        limit,
        &[("next", next)],
    ))
}

/// `GET /api/users/{username}/`.
pub(in crate::web) async fn show(
    app: AppData,
    Authenticated(login): Authenticated,
    username: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let them = find_user(&app, &username).await?;
    let profile = app.store.users().load_profile(login.user.id, &them).await?;
    Ok(HttpResponse::Ok().json(profile))
}

fn write_cursor(cursor: &UserSearchCursor) -> String {
    format!("{}.{}", cursor.user, cursor.word)
}

fn read_cursor(text: &str) -> Result<UserSearchCursor, Problem> {
    let read = || {
        let (user, word) = text.split_once('.')?;
        let has_nul = word.contains('\0');
        (!has_nul).then_some(UserSearchCursor {
            user: UserId(user.parse().ok()?),
            word: word.to_owned(),
        })
    };
    read().ok_or_else(|| Problem::new(ErrorCode::BadRequest, "The cursor 'after' is invalid."))
}
