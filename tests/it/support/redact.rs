//! Hides in a snapshot what differs from run to run, after checking it.

use insta::internals::{Content, ContentPath};

/// Ids are JSON numbers: past this they would lose digits in JavaScript.
const ID_MAX: u64 = 1 << 53;

/// Every place where something to hide may stand.
const IDS: [&str; 4] = [
    ".**.id",
    ".**.conversation_id",
    ".**.message_id",
    ".**.user_id",
];
const TIMES: [&str; 10] = [
    ".**.at",
    ".**.created_at",
    ".**.joined_at",
    ".**.edited_at",
    ".**.delivered_at",
    ".**.read_at",
    ".**.expires_at",
    ".**.last_seen",
    ".**.last_used_at",
    ".**.server_time",
];

/// Compares JSON with the snapshot of that name beside the calling file.
macro_rules! assert_wire {
    ($name:expr, $json:expr) => {{
        let (name, json): (&str, serde_json::Value) = ($name, $json);
        $crate::support::redact::settings().bind(|| insta::assert_json_snapshot!(name, json));
    }};
}
pub(crate) use assert_wire;

/// How a snapshot is taken.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = status_settings();
    settings.add_dynamic_redaction(".**.is_online", flag);
    settings
}

/// The same, where it is known who is online.
pub(crate) fn status_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    for place in IDS {
        settings.add_dynamic_redaction(place, id);
    }
    for place in TIMES {
        settings.add_dynamic_redaction(place, time);
    }
    settings.add_dynamic_redaction(".**.token", token);
    settings.add_dynamic_redaction(".**.epoch", epoch);
    settings
}

/// A random word.
fn epoch(value: Content, path: ContentPath<'_>) -> Content {
    let word = value.as_str().unwrap_or_default();
    assert!(word.len() >= 22, "{path}: {value:?}");
    "[epoch]".into()
}

/// A positive integer that JavaScript can hold.
fn id(value: Content, path: ContentPath<'_>) -> Content {
    let number = value.as_u64().unwrap_or_default();
    assert!((1..ID_MAX).contains(&number), "{path}: {value:?}");
    "[id]".into()
}

/// RFC 3339 in UTC with milliseconds, or nothing.
fn time(value: Content, path: ContentPath<'_>) -> Content {
    if value.is_nil() {
        return value;
    }
    let text = value.as_str().unwrap_or_default();
    let shape: String = text
        .chars()
        .map(|sign| if sign.is_ascii_digit() { '0' } else { sign })
        .collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z", "{path}: {value:?}");
    let moment: Result<jiff::Timestamp, _> = text.parse();
    assert!(moment.is_ok(), "{path}: {value:?}");
    "[time]".into()
}

/// True or false, since somebody is online a little after they came; null,
/// which says that one may not know, stays.
fn flag(value: Content, path: ContentPath<'_>) -> Content {
    if value.is_nil() {
        return value;
    }
    assert!(matches!(value, Content::Bool(_)), "{path}: {value:?}");
    "[flag]".into()
}

/// Three parts of base64url, the first of which says HS256.
fn token(value: Content, path: ContentPath<'_>) -> Content {
    let text = value.as_str().unwrap_or_default();
    let parts: Vec<&str> = text.split('.').collect();
    let is_base64 = |part: &&str| {
        let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
        !part.is_empty() && part.chars().all(fits)
    };
    // {"typ":"JWT","alg":"HS256"}
    let is_ours = parts.first() == Some(&"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9");
    assert!(
        parts.len() == 3 && parts.iter().all(is_base64) && is_ours,
        "{path}: {value:?}"
    );
    "[token]".into()
}
