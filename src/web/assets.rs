//! Style sheets, scripts and other static files. Browsers cache them. They are
//! part of a release build; a debug build reads them from the source folder.
//!
//! All URLs contain the same version, a hash of all files. So a script and its
//! relative imports always have the same version.

mod comments;
mod emoji;

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::http::header::{self, CacheDirective, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::protocol::Problem;
use crate::web::decoding::StrictPath;

#[derive(RustEmbed)]
#[folder = "static/"]
struct StaticFiles;

/// A static file, or a generated one.
#[derive(Clone)]
struct StaticAsset {
    contents: Cow<'static, [u8]>,
    kind: Cow<'static, str>,
    hash: [u8; 32],
}

/// The only generated file.
const EMOJI_PATH: &str = "emoji.json";

static ALL_EMOJI: LazyLock<Vec<u8>> = LazyLock::new(emoji::emoji_json);

fn load_asset(path: &str) -> Option<StaticAsset> {
    if path == EMOJI_PATH {
        return Some(StaticAsset {
            contents: Cow::Borrowed(&ALL_EMOJI),
            kind: Cow::Borrowed("application/json"),
            hash: Sha256::digest(&*ALL_EMOJI).into(),
        });
    }
    let file = StaticFiles::get(path)?;
    let is_script = path.ends_with(".js");
    Some(StaticAsset {
        kind: Cow::Owned(file.metadata.mimetype().to_owned()),
        hash: file.metadata.sha256_hash(),
        contents: if is_script {
            Cow::Owned(comments::blank_comments(&file.data))
        } else {
            file.data
        },
    })
}

/// How long browsers may cache a file of the current version, in seconds: a
/// year.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 3600;

/// The common version of all files: a hash of their contents.
static ASSETS_VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for path in asset_paths() {
        let contents = load_asset(&path).map(|asset| asset.hash);
        hash.update(path.as_bytes());
        hash.update(contents.unwrap_or_default());
    }
    short_hash(&hash.finalize())
});

/// Returns the URL of `path`. It contains the version of all files, so that
/// browsers load a new version at once and never request an old one again.
pub(super) fn url(path: &str) -> String {
    format!("/static/{}/{path}", *ASSETS_VERSION)
}

/// Returns the URLs of the messenger's modules. A page preloads them all, so
/// that no module waits for the one that imports it.
pub(super) fn modules() -> Vec<String> {
    let all = asset_paths().into_iter();
    all.filter(|path| is_module(path))
        .map(|path| url(&path))
        .collect()
}

/// Returns whether a script is a module to preload. Modules are in folders;
/// scripts outside of them are entry points. Modules in `sheets/` are excluded:
/// the client loads a sheet when it first opens.
fn is_module(path: &str) -> bool {
    let rest = path.strip_prefix("js/");
    rest.is_some_and(|rest| {
        rest.contains('/') && rest.ends_with(".js") && !rest.starts_with("sheets/")
    })
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
    let tag = EntityTag::new_weak(short_hash(&asset.hash));
    let mut response = if matches_etag(&request, &tag) {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(header::CacheControl(directives))
        .insert_header(ETag(tag.clone()));
    Ok(if matches_etag(&request, &tag) {
        response.finish()
    } else {
        response
            .content_type(&*asset.kind)
            .body(asset.contents.into_owned())
    })
}

fn matches_etag(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// Returns an asset, and whether the path has the current version.
fn find_asset(path: &str) -> Option<(StaticAsset, bool)> {
    if let Some(asset) = load_asset(path) {
        return Some((asset, false));
    }
    let (version, path) = path.split_once('/')?;
    let is_version =
        version.len() == ASSETS_VERSION.len() && version.bytes().all(|b| b.is_ascii_hexdigit());
    let asset = load_asset(path).filter(|_| is_version)?;
    Some((asset, version == *ASSETS_VERSION))
}

fn asset_paths() -> Vec<String> {
    let files = StaticFiles::iter().map(|path| path.into_owned());
    let mut paths: Vec<String> = files.chain([EMOJI_PATH.to_owned()]).collect();
    paths.sort_unstable();
    paths
}

fn short_hash(hash: &[u8]) -> String {
    let start = hash.iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}
