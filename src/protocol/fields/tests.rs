use entity::participant::MemberRole;
use entity::{MessageId, Millis};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::protocol::{ErrorCode, FieldError};

const NAMES: &[&str] = &["text", "number", "flag", "list", "at", "role"];

/// Returns the path and the expected value of each fault in one field.
fn faults<V: FieldValue>(name: &'static str, json: &str) -> Vec<(String, String)> {
    let mut fields = FieldReader::from_json(json, NAMES).unwrap();
    let read: Option<V> = fields.required(name);
    let problem = fields.finish(read).map(drop).unwrap_err();
    assert_eq!(problem.code, ErrorCode::Invalid);
    let errors = problem.errors.into_iter();
    errors.map(|error| (error.field, error.detail)).collect()
}

fn named(field: &str, detail: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), detail.to_owned())]
}

#[test]
fn faults_name_expected_value() {
    assert_eq!(faults::<i64>("number", "{}"), named("number", "required"));
    let twice = faults::<i64>("number", r#"{"number":1,"number":2,"number":3}"#);
    assert_eq!(twice, named("number", "only one value is allowed"));
    for wrong in [
        "\"x\"",
        "1.5",
        "[]",
        "18446744073709551615",
        "true",
        "1e999",
        "null",
    ] {
        let body = format!(r#"{{"number":{wrong}}}"#);
        assert_eq!(
            faults::<i64>("number", &body),
            named("number", "a whole number")
        );
    }
    assert_eq!(
        faults::<String>("text", r#"{"text":1e999}"#),
        named("text", "a text")
    );
    let half = named("text", "a text without half of a surrogate pair");
    assert_eq!(faults::<String>("text", r#"{"text":"a\ud83d"}"#), half);
    assert_eq!(
        faults::<bool>("flag", r#"{"flag":"x"}"#),
        named("flag", "true or false")
    );
    assert_eq!(
        faults::<Vec<String>>("list", r#"{"list":1}"#),
        named("list", "a list")
    );
    let elements = faults::<Vec<String>>("list", r#"{"list":["a",1,"b",[[]]]}"#);
    let second = named("list[1]", "a text").into_iter();
    assert_eq!(
        elements,
        second.chain(named("list[3]", "a text")).collect::<Vec<_>>()
    );
    let time = "a time such as 2026-11-21T20:24:25.123Z";
    for wrong in [
        "",
        "yesterday",
        "2026-99-99T00:00:00Z",
        ", expected one of `x`",
    ] {
        let body = json!({ "at": wrong, "role": wrong }).to_string();
        assert_eq!(faults::<Millis>("at", &body), named("at", time));
        let role = named("role", "one of member, admin, owner");
        assert_eq!(faults::<MemberRole>("role", &body), role);
    }
}

#[test]
fn unused_fields_are_skipped() {
    let deep = 100_000;
    for unused in [
        "1e999".to_owned(),
        r#""\ud83d""#.to_owned(),
        format!("{}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}1{}", r#"{"a":"#.repeat(deep), "}".repeat(deep)),
    ] {
        for name in ["x", "", "\\udc00", "text2"] {
            let body = format!(r#"{{"{name}":{unused},"number":7,"{name}":{unused}}}"#);
            let mut fields = FieldReader::from_json(&body, NAMES).unwrap();
            assert_eq!(fields.required("number"), Some(MessageId(7)), "{name}");
        }
    }
}

#[test]
fn deeply_nested_field_is_named() {
    for open in ["[", r#"{"a":"#] {
        let close = if open == "[" { "]" } else { "}" };
        let deep = 100_000;
        let body = format!("{{\"list\":{}1{}}}", open.repeat(deep), close.repeat(deep));
        let elements = match open {
            "[" => named("list[0]", "a text"),
            _ => named("list", "a list"),
        };
        assert_eq!(faults::<Vec<String>>("list", &body), elements);
        let body = body.replace("list", "text");
        assert_eq!(faults::<String>("text", &body), named("text", "a text"));
    }
}

#[test]
fn escaped_name_is_the_same_field() {
    let mut fields = FieldReader::from_json(r#"{"te\u0078t":"a"}"#, NAMES).unwrap();
    assert_eq!(fields.required::<String>("text").as_deref(), Some("a"));
}

#[test]
fn non_objects_are_refused() {
    for text in [
        "",
        "[]",
        "7",
        "null",
        "\"x\"",
        "{",
        "{} x",
        "{\"a\":}",
        "{\"a\":01}",
        "{a:1}",
    ] {
        let read = FieldReader::from_json(text, NAMES).map(drop);
        assert_eq!(read, Err(NotJsonObject), "{text}");
    }
    assert!(FieldReader::from_json(" \r\n\t{ \"a\" : -0.5E+7 }\n", NAMES).is_ok());
}

#[test]
fn faults_come_in_order_of_body() {
    let body = r#"{"flag":1,"text":2}"#;
    let mut fields = FieldReader::from_json(body, NAMES).unwrap();
    let text: Option<String> = fields.required("text");
    let number: Option<i64> = fields.required("number");
    let flag: Option<bool> = fields.required("flag");
    assert_eq!((&text, number, flag), (&None, None, None));
    let problem = fields.finish(text).unwrap_err();
    let names: Vec<_> = problem.errors.iter().map(|it| &*it.field).collect();
    assert_eq!(names, ["flag", "text", "number"]);
    assert_eq!(problem.code, ErrorCode::Invalid);
}

#[test]
fn single_fault_keeps_its_code() {
    let weak =
        || Problem::new(ErrorCode::WeakPassword, "Too weak.").with_field("password", "Too weak.");
    let mut fields = FieldReader::from_json(r#"{"text":"x"}"#, NAMES).unwrap();
    let made = fields.required_as("text", |_: String| Err::<(), _>(weak()));
    let problem = fields.finish(made).unwrap_err();
    assert_eq!(problem.code, ErrorCode::WeakPassword);
    assert_eq!(problem.errors, [FieldError::new("text", "Too weak.")]);
}

#[test]
fn null_is_missing_unless_nullable() {
    let mut fields = FieldReader::from_json(r#"{"at":null,"text":null}"#, NAMES).unwrap();
    assert_eq!(fields.optional::<String>("text"), Some(None));
    assert_eq!(fields.nullable::<Millis>("at"), Some(Some(None)));
    assert_eq!(fields.nullable::<i64>("number"), Some(None));
    assert!(fields.has_no_faults() && !fields.has("at"));
}

proptest! {
    /// Reading field by field must give the same values as reading the whole
    /// text.
    #[test]
    fn fields_match_whole_text(
        text in "\\PC{0,20}", number in any::<i64>(), other in "\\PC{0,20}",
    ) {
        let body = json!({ "text": text, "number": number, "x": other }).to_string();
        let whole: Value = serde_json::from_str(&body).unwrap();
        let mut fields = FieldReader::from_json(&body, NAMES).unwrap();
        prop_assert_eq!(fields.required::<String>("text"), whole["text"].as_str().map(str::to_owned));
        prop_assert_eq!(fields.required::<i64>("number"), whole["number"].as_i64());
    }
}
