//! Building blocks of hostile input.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

/// All field names of bodies, forms, queries and frames, and an unknown one.
pub(super) const FIELDS: [&str; 36] = [
    "username",
    "password",
    "display_name",
    "about",
    "invite",
    "current_password",
    "new_password",
    "title",
    "usernames",
    "text",
    "message",
    "client_id",
    "reply_to",
    "message_id",
    "conversation_id",
    "conversation",
    "emoji",
    "on",
    "is_typing",
    "after",
    "before",
    "around",
    "limit",
    "cursors",
    "role",
    "muted_until",
    "archived",
    "pinned",
    "uses",
    "expires_at",
    "q",
    "list",
    "next",
    "token",
    "csrf_token",
    "__proto__",
];

/// Small numbers, and the limits of integer types and times.
const NUMBERS: [i64; 17] = [
    0,
    1,
    2,
    3,
    -1,
    50,
    101,
    i8::MAX as i64,
    i32::MAX as i64,
    i32::MIN as i64,
    u32::MAX as i64,
    1 << 53,
    (1 << 53) - 1,
    i64::MAX,
    i64::MAX - 1,
    i64::MIN,
    253_402_300_800_000,
];

const TEXTS: [&str; 40] = [
    "",
    " ",
    "ann",
    "ANN",
    "ben",
    "crew",
    "1",
    "0",
    "-1",
    "+1",
    "01",
    "1e3",
    "0x10",
    "9223372036854775807",
    "9223372036854775808",
    "99999999999999999999999999",
    "null",
    "true",
    "\0",
    "a\0b",
    "%00",
    "%",
    "_",
    "%_%",
    "'",
    "' OR 1=1 --",
    "\"; DROP TABLE message; --",
    "\\",
    "../../etc/passwd",
    "<script>",
    "\u{202e}evil\u{200b}",
    "👍",
    "👨‍👩‍👧‍👦",
    "é\u{301}\u{301}",
    "\u{feff}",
    "\u{fffd}\u{ffff}",
    "\r\nSet-Cookie: x=1",
    "2026-11-22T00:00:00.000Z",
    "9999-12-31T23:59:60.999999999+14:00",
    "-999999-01-01T00:00:00Z",
];

/// Generates a text.
pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => select(&TEXTS[..]).prop_map(str::to_owned),
        3 => "\\PC{0,40}",
        2 => any::<String>(),
        1 => "[A-Za-z0-9_-]{1,80}",
        1 => (select(&TEXTS[..]), 1..400_usize).prop_map(|(text, times)| text.repeat(times)),
    ]
}

pub(super) fn number() -> impl Strategy<Value = i64> {
    prop_oneof![3 => select(&NUMBERS[..]), 2 => 1..8_i64, 1 => any::<i64>()]
}

/// Generates a field's value.
pub(super) fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        4 => number().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<u64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((field(), inner), 0..6).prop_map(object),
        ]
    })
}

/// Generates a field name, mostly a known one.
pub(super) fn field() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => select(&FIELDS[..]).prop_map(str::to_owned),
        1 => text(),
    ]
}

/// Generates an object of mostly known fields, some with valid values.
pub(super) fn fields() -> impl Strategy<Value = Value> {
    proptest::collection::vec((field(), value()), 0..7).prop_map(object)
}

fn object(fields: Vec<(String, Value)>) -> Value {
    Value::Object(fields.into_iter().collect())
}
