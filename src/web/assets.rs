//! Style sheets, scripts and other static files. Browsers cache them. They are
//! part of a release build; a debug build reads them from the source folder.
//!
//! The modules of an entry point are joined into one script, and the style
//! sheets of a page into one. Each file is compressed once. All URLs contain the
//! same version, a hash of all files. So a script and its relative imports
//! always have the same version.

mod catalog;
mod comments;
mod emoji;
mod module_syntax;
mod scripts;
mod styles;

use actix_web::http::header::{
    self, AcceptEncoding, CacheDirective, ETag, Encoding, EntityTag, Header, IfNoneMatch,
};
use actix_web::{HttpRequest, HttpResponse};

use crate::protocol::Problem;
use crate::web::decoding::StrictPath;
use catalog::{ASSETS, StaticAsset};

/// How long browsers may cache a file of the current version, in seconds: a
/// year.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 3600;

/// Returns the URL of a file. It contains the version of all files, so that
/// browsers load a new version at once and never request an old one again.
pub(super) fn url(path: &str) -> String {
    format!("/static/{}/{path}", ASSETS.version)
}

/// Returns the URL of an entry point that is joined with all that it imports: a
/// script such as `js/main.js`, or a style sheet of `css/entry/`.
pub(super) fn joined_url(path: &str) -> String {
    url(&catalog::joined_path(path))
}

/// `GET /static/…`: a file, or a generated one.
pub(super) async fn serve(
    request: HttpRequest,
    path: StrictPath<String>,
) -> Result<HttpResponse, Problem> {
    let (asset, is_versioned) = find_asset(&path).ok_or_else(Problem::not_found)?;
    let directives = if is_versioned {
        vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(MAX_AGE_SECONDS),
            CacheDirective::Extension("immutable".to_owned(), None),
        ]
    } else {
        // A URL without the current version: typed by hand, or from a page that
        // is older than this server. The browser has to revalidate it each
        // time.
        vec![CacheDirective::NoCache]
    };
    let tag = EntityTag::new_weak(catalog::short_hash(&asset.hash));
    let is_known = matches_etag(&request, &tag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(header::CacheControl(directives))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header(ETag(tag));
    if is_known {
        return Ok(response.finish());
    }
    response.content_type(&*asset.kind);
    let compressed = accepts_gzip(&request).then(|| asset.compressed());
    Ok(match compressed.flatten() {
        Some(compressed) => response
            .insert_header(header::ContentEncoding::Gzip)
            .body(compressed),
        None => response.body(asset.contents.clone()),
    })
}

fn matches_etag(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let ours = [Encoding::gzip(), Encoding::identity()];
    let wanted = AcceptEncoding::parse(request);
    wanted.is_ok_and(|wanted| wanted.negotiate(ours.iter()) == Some(Encoding::gzip()))
}

/// Returns an asset, and whether the path has the current version.
fn find_asset(path: &str) -> Option<(&'static StaticAsset, bool)> {
    if let Some(asset) = ASSETS.files.get(path) {
        return Some((asset, false));
    }
    let (version, path) = path.split_once('/')?;
    let is_version =
        version.len() == ASSETS.version.len() && version.bytes().all(|b| b.is_ascii_hexdigit());
    let asset = ASSETS.files.get(path).filter(|_| is_version)?;
    Some((asset, version == ASSETS.version))
}
