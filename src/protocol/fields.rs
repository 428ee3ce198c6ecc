//! What is wrong with a field, in our own words. Those of serde tell of the
//! types behind, and repeat what was sent; of them the names of fields are
//! taken, which are ours, and what was expected, which is said again.

use super::problem::FieldError;

/// How our own types say what they expect.
pub const OWN: [&str; 2] = ["a time such as ", "ids as keys"];

/// How numbers in forms and queries are refused.
const NO_NUMBER: [&str; 3] = ["invalid digit found", "number too ", "cannot parse integer"];

/// What serde said of the field at `path`, or of one below it.
#[must_use]
pub fn explain(path: &str, said: &str) -> FieldError {
    // Where in the text it was helps nobody.
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let named = |start: &str| said.strip_prefix(start)?.split('`').next();
    let (field, detail) = if let Some(name) = named("missing field `") {
        (below(path, name), "this is needed".to_owned())
    } else if let Some(name) = named("duplicate field `") {
        (below(path, name), "only one of this".to_owned())
    } else {
        (path.to_owned(), expected(said))
    };
    FieldError { field, detail }
}

/// Of a field that is missing or doubled, the path may be its own or that of
/// what it belongs to.
fn below(path: &str, name: &str) -> String {
    match path {
        "." => name.to_owned(),
        path if path == name || path.ends_with(&format!(".{name}")) => path.to_owned(),
        path => format!("{path}.{name}"),
    }
}

fn expected(said: &str) -> String {
    if NO_NUMBER.iter().any(|start| said.starts_with(start)) {
        return "a whole number".to_owned();
    }
    let what = said.rsplit_once(", expected ").map(|(_, what)| what);
    let words = match what.unwrap_or_default() {
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "str" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        // The names of what there is.
        names if names.starts_with('`') || names.starts_with("one of `") => {
            return names.replace('`', "");
        }
        own if OWN.iter().any(|start| own.starts_with(start)) => own,
        _ => "something else",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    enum Kind {
        #[serde(rename = "one")]
        _One,
        #[serde(rename = "two")]
        _Two,
    }

    #[derive(Debug, Deserialize)]
    struct Shape {
        #[serde(rename = "number")]
        _number: i64,
        #[serde(rename = "text")]
        _text: Option<String>,
        #[serde(rename = "list")]
        _list: Option<Vec<bool>>,
        #[serde(rename = "at")]
        _at: Option<entity::Millis>,
        #[serde(rename = "kind")]
        _kind: Option<Kind>,
    }

    fn said_of(text: &str) -> (String, String) {
        let mut json = serde_json::Deserializer::from_str(text);
        let error = serde_path_to_error::deserialize::<_, Shape>(&mut json).unwrap_err();
        let said = explain(&error.path().to_string(), &error.inner().to_string());
        (said.field, said.detail)
    }

    fn said(mut body: Value) -> (String, String) {
        if body["number"].is_null() {
            body["number"] = json!(1);
        }
        said_of(&body.to_string())
    }

    #[test]
    fn whatever_is_wrong_is_said_in_our_own_words() {
        let told = |field: &str, detail: &str| (field.to_owned(), detail.to_owned());
        assert_eq!(said_of("{}"), told("number", "this is needed"));
        let twice = said_of(r#"{"number":1,"number":2}"#);
        assert_eq!(twice, told("number", "only one of this"));
        for wrong in [
            json!("x"),
            json!(1.5),
            json!([]),
            json!(u64::MAX),
            json!(true),
        ] {
            assert_eq!(
                said(json!({ "number": wrong })),
                told("number", "a whole number")
            );
        }
        assert_eq!(said(json!({ "text": 1 })), told("text", "a text"));
        assert_eq!(said(json!({ "list": 1 })), told("list", "a list"));
        assert_eq!(
            said(json!({ "list": [1] })),
            told("list[0]", "true or false")
        );
        let time = "a time such as 2026-11-21T20:24:25.123Z";
        for wrong in [
            "",
            "yesterday",
            "2026-99-99T00:00:00Z",
            ", expected one of `x`",
        ] {
            assert_eq!(said(json!({ "at": wrong })), told("at", time));
            let kind = said(json!({ "kind": wrong }));
            assert_eq!(kind, told("kind", "one or two"));
        }
    }
}
