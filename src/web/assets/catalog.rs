//! All static files by path: those of `static/`, and the generated ones.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use actix_web::web::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::web::assets::{comments, emoji, scripts, styles};

#[derive(RustEmbed)]
#[folder = "static/"]
pub(super) struct StaticFiles;

/// A static file, or a generated one.
pub(super) struct StaticAsset {
    pub(super) contents: Bytes,
    /// The media type.
    pub(super) kind: String,
    pub(super) hash: [u8; 32],
    compressed: OnceLock<Option<Bytes>>,
}

/// All files, and their common version: a hash of their contents.
pub(super) struct AssetCatalog {
    pub(super) files: BTreeMap<String, StaticAsset>,
    pub(super) version: String,
}

pub(super) static ASSETS: LazyLock<AssetCatalog> = LazyLock::new(AssetCatalog::load);

/// Returns the path of a joined file.
pub(super) fn joined_path(path: &str) -> String {
    format!("joined/{path}")
}

/// Returns the start of a hash in hexadecimal digits.
pub(super) fn short_hash(hash: &[u8]) -> String {
    let start = hash.iter().take(8);
    start.map(|byte| format!("{byte:02x}")).collect()
}

impl AssetCatalog {
    fn load() -> Self {
        let mut files = source_files();
        let scripts = scripts::join_all(&texts_below(&files, "js/"));
        let sheets = styles::join_all(&texts_below(&files, "css/"));
        let joined = scripts.into_iter().map(|(path, text)| {
            let path = joined_path(&format!("js/{path}"));
            (path, "text/javascript", text)
        });
        let joined = joined.chain(sheets.into_iter().map(|(path, text)| {
            let path = joined_path(&format!("css/{path}"));
            (path, "text/css", text)
        }));
        for (path, kind, text) in joined {
            files.insert(path, StaticAsset::new(Bytes::from(text), kind));
        }
        let emoji = Bytes::from(emoji::emoji_json());
        files.insert(
            "emoji.json".to_owned(),
            StaticAsset::new(emoji, "application/json"),
        );
        let version = version_of(&files);
        Self { files, version }
    }
}

impl StaticAsset {
    fn new(contents: Bytes, kind: &str) -> Self {
        Self {
            hash: Sha256::digest(&contents).into(),
            contents,
            kind: kind.to_owned(),
            compressed: OnceLock::new(),
        }
    }

    /// Returns the content in the gzip format, unless that saves less than a
    /// tenth, as for images. The first call compresses it.
    pub(super) fn compressed(&self) -> Option<Bytes> {
        self.compressed.get_or_init(|| self.compress()).clone()
    }

    fn compress(&self) -> Option<Bytes> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.contents).ok()?;
        let compressed = encoder.finish().ok()?;
        (compressed.len() * 10 < self.contents.len() * 9).then(|| Bytes::from(compressed))
    }
}

/// Returns the files of `static/`, the scripts without their comments.
fn source_files() -> BTreeMap<String, StaticAsset> {
    let found = StaticFiles::iter().filter_map(|path| {
        let file = StaticFiles::get(&path)?;
        let contents = match file.data {
            _ if path.ends_with(".js") => Bytes::from(comments::blank_comments(&file.data)),
            Cow::Borrowed(data) => Bytes::from_static(data),
            Cow::Owned(data) => Bytes::from(data),
        };
        let asset = StaticAsset {
            contents,
            kind: file.metadata.mimetype().to_owned(),
            hash: file.metadata.sha256_hash(),
            compressed: OnceLock::new(),
        };
        Some((path.into_owned(), asset))
    });
    found.collect()
}

/// Returns the texts of a folder, by their paths in it.
fn texts_below(files: &BTreeMap<String, StaticAsset>, folder: &str) -> BTreeMap<String, String> {
    let found = files.iter().filter_map(|(path, asset)| {
        let path = path.strip_prefix(folder)?.to_owned();
        Some((path, String::from_utf8_lossy(&asset.contents).into_owned()))
    });
    found.collect()
}

fn version_of(files: &BTreeMap<String, StaticAsset>) -> String {
    let mut hash = Sha256::new();
    for (path, asset) in files {
        hash.update(path.as_bytes());
        hash.update(asset.hash);
    }
    short_hash(&hash.finalize())
}
