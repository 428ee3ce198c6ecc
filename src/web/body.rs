//! A request's body: a JSON object or a form, checked field by field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::protocol::{Code, Problem};

/// A JSON body of this shape. What doesn't fit is refused with the field at
/// fault.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send 'Content-Type: application/json'.",
                ));
            }
            let bytes = bytes.await.map_err(|error| unread(&error))?;
            parse(&bytes).map(Self)
        })
    }
}

/// What a form of a page sends. Which fields may be missing is the shape's to
/// say.
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = is_form(request);
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send 'Content-Type: application/x-www-form-urlencoded'.",
                ));
            }
            let bytes = bytes.await.map_err(|error| unread(&error))?;
            parse_form(&bytes).map(Self)
        })
    }
}

/// The same shape, as a form or as JSON.
pub(super) struct FormOrJson<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for FormOrJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if is_form(request) {
            let form = Form::from_request(request, payload);
            return Box::pin(async move { form.await.map(|Form(inner)| Self(inner)) });
        }
        let json = Body::from_request(request, payload);
        Box::pin(async move { json.await.map(|Body(inner)| Self(inner)) })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    is(request, "application/json")
}

/// Whether a form's fields come with it.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    is(request, "application/x-www-form-urlencoded")
}

fn is(request: &HttpRequest, kind: &str) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let sent = text.split(';').next().unwrap_or("").trim();
    sent.eq_ignore_ascii_case(kind)
}

pub(super) fn unread(error: &actix_web::Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::new(Code::TooLarge, "The body is too large."),
        _ => Problem::new(Code::BadRequest, "The body could not be read."),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if !matches!(serde_json::from_slice(bytes), Ok(Value::Object(_))) {
        return Err(Problem::new(Code::BadJson, "The body is no JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let detail = error.inner().to_string();
        let end = detail.rfind(" at line ").unwrap_or(detail.len());
        let detail = detail.get(..end).unwrap_or_default();
        Problem::field(field(&error.path().to_string(), detail), detail)
    })
}

fn parse_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let fields = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(fields).map_err(|error| {
        let detail = error.inner().to_string();
        Problem::field(field(&error.path().to_string(), &detail), detail)
    })
}

/// The field at fault. Of one that is missing, only the message has the name.
fn field(path: &str, detail: &str) -> String {
    let missing = detail
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next());
    match (path, missing) {
        (".", Some(name)) => name.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
        (path, None) => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Shape {
        #[serde(rename = "name")]
        _name: String,
    }

    fn refused(body: &str) -> (Code, Vec<String>) {
        let problem = parse::<Shape>(body.as_bytes()).unwrap_err();
        let fields = problem.errors.into_iter().map(|error| error.field);
        (problem.code, fields.collect())
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(refused("{}"), (Code::Invalid, vec!["name".to_owned()]));
        let wrong = refused(r#"{"name": 7}"#);
        assert_eq!(wrong, (Code::Invalid, vec!["name".to_owned()]));
        assert_eq!(refused("[]"), (Code::BadJson, vec![]));
        assert_eq!(refused("{"), (Code::BadJson, vec![]));
        assert_eq!(refused(r#"{"name": "a"} x"#).0, Code::BadJson);
    }
}
