//! Style sheets, scripts and the like: part of the binary, and kept by
//! browsers.
//!
//! One version of all stands in front of each path, so that a script's own
//! imports, which are relative, are of its version, too.

mod emoji;

use std::borrow::Cow;
use std::sync::LazyLock;

use actix_web::http::header::{self, CacheDirective, ETag, EntityTag, Header, IfNoneMatch};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::protocol::Problem;
use crate::web::decoding::Path;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// A file, or what stands in one's place.
#[derive(Clone)]
struct Asset {
    contents: Cow<'static, [u8]>,
    kind: Cow<'static, str>,
    hash: [u8; 32],
}

/// The only one that is made up.
const EMOJI: &str = "emoji.json";

static ALL_EMOJI: LazyLock<Vec<u8>> = LazyLock::new(emoji::all);

fn asset(path: &str) -> Option<Asset> {
    if path == EMOJI {
        return Some(Asset {
            contents: Cow::Borrowed(&ALL_EMOJI),
            kind: Cow::Borrowed("application/json"),
            hash: Sha256::digest(&*ALL_EMOJI).into(),
        });
    }
    let file = Files::get(path)?;
    Some(Asset {
        kind: Cow::Owned(file.metadata.mimetype().to_owned()),
        hash: file.metadata.sha256_hash(),
        contents: file.data,
    })
}

/// A year, in seconds.
const KEPT: u32 = 365 * 24 * 3600;

/// What all the files together are known by.
static ALL: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for path in paths() {
        let contents = asset(&path).map(|asset| asset.hash);
        hash.update(path.as_bytes());
        hash.update(contents.unwrap_or_default());
    }
    short(&hash.finalize())
});

/// Where `path` is. What there is in all is part of the address, so that a
/// new version is asked for at once and an old one never again.
pub(super) fn url(path: &str) -> String {
    format!("/static/{}/{path}", *ALL)
}

/// Where the modules are that the messenger's script is made of: a page names
/// them at once, so that none waits for the one that imports it.
pub(super) fn modules() -> Vec<String> {
    let all = paths().into_iter();
    all.filter(|path| is_module(path))
        .map(|path| url(&path))
        .collect()
}

/// Modules are in folders; the scripts beside these begin a page. A sheet is
/// loaded when it is first opened.
fn is_module(path: &str) -> bool {
    let rest = path.strip_prefix("js/");
    rest.is_some_and(|rest| {
        rest.contains('/') && rest.ends_with(".js") && !rest.starts_with("sheets/")
    })
}

/// `GET /static/…`.
pub(super) async fn serve(
    request: HttpRequest,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let (asset, is_versioned) = find(&path).ok_or_else(Problem::not_found)?;
    let directives = match is_versioned {
        true => vec![
            CacheDirective::Public,
            CacheDirective::MaxAge(KEPT),
            CacheDirective::Extension("immutable".to_owned(), None),
        ],
        // Somebody wrote the address by hand, or has a page that is older
        // than we are: asked again each time, and answered shortly.
        false => vec![CacheDirective::NoCache],
    };
    let tag = EntityTag::new_weak(short(&asset.hash));
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
            .content_type(&*asset.kind)
            .body(asset.contents.into_owned()),
    })
}

fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

/// An asset, and whether it was asked for in the version that it has.
fn find(path: &str) -> Option<(Asset, bool)> {
    if let Some(asset) = asset(path) {
        return Some((asset, false));
    }
    let (version, path) = path.split_once('/')?;
    let is_version = version.len() == ALL.len() && version.bytes().all(|b| b.is_ascii_hexdigit());
    let asset = asset(path).filter(|_| is_version)?;
    Some((asset, version == *ALL))
}

fn paths() -> Vec<String> {
    let files = Files::iter().map(|path| path.into_owned());
    let mut paths: Vec<String> = files.chain([EMOJI.to_owned()]).collect();
    paths.sort_unstable();
    paths
}

fn short(hash: &[u8]) -> String {
    let start = hash.iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}
