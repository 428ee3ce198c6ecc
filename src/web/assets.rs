//! Style sheets and the like: part of the binary, and kept by browsers.

use actix_web::http::header::{self, CacheDirective, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};
use serde::Deserialize;

use crate::protocol::Problem;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Assets;

#[derive(Deserialize)]
pub(super) struct Version {
    v: Option<String>,
}

/// A year, in seconds.
const KEPT: u32 = 365 * 24 * 3600;

/// Where `path` is. Its contents are part of the address, so that a new
/// version is asked for at once and an old one never again.
pub(super) fn url(path: &str) -> String {
    let version = Assets::get(path).map(|file| version(&file));
    format!("/static/{path}?v={}", version.unwrap_or_default())
}

/// `GET /static/…`.
pub(super) async fn serve(
    request: HttpRequest,
    path: Path<String>,
    query: Query<Version>,
) -> Result<HttpResponse, Problem> {
    let file = Assets::get(&path).ok_or_else(Problem::not_found)?;
    let version = version(&file);
    let directives = match query.v.as_ref() == Some(&version) {
        true => vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(KEPT),
            CacheDirective::Extension("immutable".to_owned(), None),
        ],
        // Somebody wrote the address by hand: asked again each time, and
        // answered shortly.
        false => vec![CacheDirective::NoCache],
    };
    let tag = EntityTag::new_strong(version);
    let mut response = match is_known(&request, &tag) {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header(header::CacheControl(directives))
        .insert_header(ETag(tag.clone()));
    Ok(match is_known(&request, &tag) {
        true => response.finish(),
        false => response
            .content_type(file.metadata.mimetype())
            .body(file.data.into_owned()),
    })
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn version(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let start = hash.iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}
