//! Pages of lists: `limit`, and links to the neighbouring pages (RFC 8288).

use std::borrow::Cow;

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse};
use entity::{ConversationId, Millis};
use serde::Serialize;

use crate::protocol::{ErrorCode, Problem};
use crate::store::ConversationListCursor;

/// The default page size.
const DEFAULT_LIMIT: u64 = 50;
/// The maximum page size; a higher `limit` is reduced to it.
const LIMIT_MAX: u64 = 100;

/// Returns the page size for a `limit`.
pub(super) fn page_limit(asked: Option<u64>) -> u64 {
    asked.unwrap_or(DEFAULT_LIMIT).clamp(1, LIMIT_MAX)
}

/// Truncates `limit` + 1 rows to `limit`. If there was one more, returns the
/// last remaining row, after which the next page begins.
pub(super) fn truncate_page<T>(found: &mut Vec<T>, limit: u64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    found.last().filter(|_| has_more)
}

/// Returns a page with links to its neighbours: `prev` is older, `next` newer.
/// Each neighbour is a cursor parameter with its value. The links keep the
/// other parameters of the query.
pub(super) fn page_response<T: Serialize + ?Sized>(
    request: &HttpRequest,
    items: &T,
    limit: u64,
    neighbours: &[(&str, Option<(&str, String)>)],
) -> HttpResponse {
    let links: Vec<String> = neighbours
        .iter()
        .filter_map(|(relation, place)| {
            let (parameter, value) = place.as_ref()?;
            let path = request.path();
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(other_parameters(request.query_string()))
                .append_pair(parameter, value)
                .append_pair("limit", &limit.to_string())
                .finish();
            Some(format!("<{path}?{query}>; rel=\"{relation}\""))
        })
        .collect();
    let mut response = HttpResponse::Ok().json(items);
    if let Ok(value) = HeaderValue::from_str(&links.join(", "))
        && !links.is_empty()
    {
        response.headers_mut().insert(LINK, value);
    }
    response
}

/// Returns the query's parameters except cursors and page size.
fn other_parameters(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !["before", "after", "around", "limit"].contains(&&**name))
}

/// Writes the cursor of a list of conversations.
pub(super) fn write_list_cursor(cursor: ConversationListCursor) -> String {
    format!("{}.{}.{}", u8::from(cursor.pinned), cursor.at.0, cursor.id)
}

/// Reads the cursor of a list of conversations.
pub(super) fn read_list_cursor(text: &str) -> Result<ConversationListCursor, Problem> {
    let mut parts = text.split('.').map(str::parse::<i64>);
    let mut next = || parts.next().and_then(Result::ok);
    match (next(), next(), next(), next()) {
        (Some(pinned @ 0..=1), Some(at), Some(id), None) => Ok(ConversationListCursor {
            pinned: pinned == 1,
            at: Millis(at),
            id: ConversationId(id),
        }),
        _ => Err(Problem::new(
            ErrorCode::BadRequest,
            "The cursor 'before' is invalid.",
        )),
    }
}
