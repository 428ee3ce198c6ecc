//! Pages of lists: `limit`, and the neighbours' addresses (RFC 8288).

use std::borrow::Cow;

use actix_web::http::header::{HeaderValue, LINK};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

/// Unless asked otherwise.
const LIMIT: u64 = 50;
/// More is cut to it.
const LIMIT_MAX: u64 = 100;

/// How many are asked for.
pub(super) fn limit(asked: Option<u64>) -> u64 {
    asked.unwrap_or(LIMIT).clamp(1, LIMIT_MAX)
}

/// One more than `limit` was read, to learn whether there is more: it is cut
/// off, and where there is, the last one that stays is where the next page
/// goes on.
pub(super) fn cut<T>(found: &mut Vec<T>, limit: u64) -> Option<&T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = found.len() > limit;
    found.truncate(limit);
    found.last().filter(|_| has_more)
}

/// A page, with links to its neighbours: `prev` is older, `next` newer. Each
/// is a parameter with its value, which clients take as it is; what else was
/// asked is asked there too.
pub(super) fn page<T: Serialize + ?Sized>(
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
                .extend_pairs(besides(request.query_string()))
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

/// What a query asks beside the place and the size of the page.
fn besides(query: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| !["before", "after", "around", "limit"].contains(&&**name))
}
