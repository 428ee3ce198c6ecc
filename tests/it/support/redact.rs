//! Checks values that differ from run to run, then hides them in snapshots.

use insta::internals::{Content, ContentPath};

/// The exclusive upper bound of ids. An id is a JSON number, and JavaScript
/// loses digits of larger numbers.
const ID_MAX: u64 = 1 << 53;

/// The JSON paths whose values are hidden.
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

/// Compares JSON with the snapshot `name` beside the calling file.
macro_rules! assert_wire {
    ($name:expr, $json:expr) => {{
        let (name, json): (&str, serde_json::Value) = ($name, $json);
        $crate::support::redact::settings().bind(|| insta::assert_json_snapshot!(name, json));
    }};
}
pub(crate) use assert_wire;

/// Returns snapshot settings that hide ids, times, tokens and presence.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = status_settings();
    settings.add_dynamic_redaction(".**.is_online", flag);
    settings
}

/// Returns snapshot settings that keep presence, for tests that control it.
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

/// Accepts a random string of at least 22 characters.
fn epoch(value: Content, path: ContentPath<'_>) -> Content {
    let word = value.as_str().unwrap_or_default();
    assert!(word.len() >= 22, "{path}: {value:?}");
    "[epoch]".into()
}

/// Accepts a positive integer that JavaScript can represent.
fn id(value: Content, path: ContentPath<'_>) -> Content {
    let number = value.as_u64().unwrap_or_default();
    assert!((1..ID_MAX).contains(&number), "{path}: {value:?}");
    "[id]".into()
}

/// Accepts RFC 3339 in UTC with milliseconds, or null.
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

/// Accepts either value, because a user may come online a little after the
/// request. Keeps null, which hides presence from users who may not see it.
fn flag(value: Content, path: ContentPath<'_>) -> Content {
    if value.is_nil() {
        return value;
    }
    assert!(matches!(value, Content::Bool(_)), "{path}: {value:?}");
    "[flag]".into()
}

/// Accepts three parts of base64url with our header, which names HS256.
fn token(value: Content, path: ContentPath<'_>) -> Content {
    let text = value.as_str().unwrap_or_default();
    let parts: Vec<&str> = text.split('.').collect();
    let is_base64 = |part: &&str| {
        let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_');
        !part.is_empty() && part.chars().all(fits)
    };
    // The base64url form of {"typ":"JWT","alg":"HS256"}.
    let is_ours = parts.first() == Some(&"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9");
    assert!(
        parts.len() == 3 && parts.iter().all(is_base64) && is_ours,
        "{path}: {value:?}"
    );
    "[token]".into()
}
