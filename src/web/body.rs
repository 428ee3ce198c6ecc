//! A request's body: a JSON object or a form, checked field by field.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::App;
use crate::protocol::problem::FieldError;
use crate::protocol::{Code, Problem, fields};

/// A JSON body of this shape. What doesn't fit is refused with the field at
/// fault.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = read(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send 'Content-Type: application/json'.",
                ));
            }
            let bytes = bytes.await?;
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
        let bytes = read(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(Problem::new(
                    Code::UnsupportedMediaType,
                    "Send 'Content-Type: application/x-www-form-urlencoded'.",
                ));
            }
            let bytes = bytes.await?;
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

/// The whole body as it came, within the time and the room that there is for
/// it. One that is packed is refused before it is read: a little of it could
/// be anything unpacked, and nobody packs what is as short as ours.
pub(super) fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let bounds = request.app_data::<App>().map(|app| {
        let settings = &app.settings;
        (settings.timings.body_within, settings.limits.body_max)
    });
    let refused = refused_unread(request, bounds.map_or(0, |(_, most)| most));
    let payload = payload.take();
    async move {
        refused?;
        let (patience, most) = bounds.ok_or_else(Problem::internal)?;
        let bytes = tokio::time::timeout(patience, collect(payload, most)).await;
        bytes.map_err(|_| Problem::new(Code::BadRequest, "The body took too long."))?
    }
}

/// What can be told by the head alone.
fn refused_unread(request: &HttpRequest, most: usize) -> Result<(), Problem> {
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING);
    if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "Send the body as it is, without a 'Content-Encoding'.",
        ));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > most => Err(too_large()),
        _ => Ok(()),
    }
}

async fn collect(mut payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let mut all = BytesMut::new();
    while let Some(piece) = payload.next().await {
        let piece =
            piece.map_err(|_| Problem::new(Code::BadRequest, "The body could not be read."))?;
        if all.len() + piece.len() > most {
            return Err(too_large());
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

fn too_large() -> Problem {
    Problem::new(Code::TooLarge, "The body is too large.")
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if !matches!(serde_json::from_slice(bytes), Ok(Value::Object(_))) {
        return Err(Problem::new(Code::BadJson, "The body is no JSON object."));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut json).map_err(|error| at_fault(&error))
}

fn parse_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let fields = serde_urlencoded::Deserializer::new(form_urlencoded::parse(bytes));
    serde_path_to_error::deserialize(fields).map_err(|error| at_fault(&error))
}

fn at_fault(error: &serde_path_to_error::Error<impl Display>) -> Problem {
    let FieldError { field, detail } =
        fields::explain(&error.path().to_string(), &error.inner().to_string());
    Problem::field(field, detail)
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
