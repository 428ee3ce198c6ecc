//! Pages of lists: `limit`, and the neighbours' addresses (RFC 8288).

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

/// A page, with links to its neighbours: `prev` is older, `next` newer. Each
/// is a parameter with its value, which clients take as it is.
pub(super) fn page<T: Serialize>(
    request: &HttpRequest,
    items: &[T],
    limit: u64,
    neighbours: &[(&str, Option<(&str, String)>)],
) -> HttpResponse {
    let links: Vec<String> = neighbours
        .iter()
        .filter_map(|(relation, place)| {
            let (parameter, value) = place.as_ref()?;
            let path = request.path();
            Some(format!(
                "<{path}?{parameter}={value}&limit={limit}>; rel=\"{relation}\""
            ))
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
