//! A request's body: a JSON object or a form, validated field by field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;

use super::decoding::QueryPair;
use super::{AppData, decoding};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{ErrorCode, Problem};

/// The form field with the CSRF token.
pub(super) const CSRF_FIELD: &str = "csrf_token";
/// The field's name in Django, which counts in forms without [`CSRF_FIELD`].
const DJANGO_CSRF_FIELD: &str = "csrfmiddlewaretoken";

/// The maximum unused capacity of a body's buffer, in bytes.
const BUFFER_GROWTH: usize = 4096;

/// A JSON body. An invalid one is rejected with a list of its invalid fields.
pub(super) struct JsonBody<T>(pub(super) T);

impl<T: FromFields + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(request);
        let bytes = read_body(request, payload);
        Box::pin(async move {
            if !is_json {
                return Err(Problem::new(
                    ErrorCode::UnsupportedMediaType,
                    "Send 'Content-Type: application/json'.",
                ));
            }
            let bytes = bytes.await?;
            parse_json(&bytes).map(Self)
        })
    }
}

/// The form of a page. `T` decides which fields may be missing.
pub(super) struct FormBody<T>(pub(super) T);

impl<T: FromFields + 'static> FromRequest for FormBody<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_form = is_form(request);
        let bytes = read_body(request, payload);
        Box::pin(async move {
            if !is_form {
                return Err(Problem::new(
                    ErrorCode::UnsupportedMediaType,
                    "Send 'Content-Type: application/x-www-form-urlencoded'.",
                ));
            }
            let bytes = bytes.await?;
            parse_form(&bytes).map(Self)
        })
    }
}

/// A body as a form or as JSON.
pub(super) struct FormOrJson<T>(pub(super) T);

impl<T: FromFields + 'static> FromRequest for FormOrJson<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if is_form(request) {
            let form = FormBody::from_request(request, payload);
            return Box::pin(async move { form.await.map(|FormBody(inner)| Self(inner)) });
        }
        let json = JsonBody::from_request(request, payload);
        Box::pin(async move { json.await.map(|JsonBody(inner)| Self(inner)) })
    }
}

fn is_json(request: &HttpRequest) -> bool {
    has_content_type(request, "application/json")
}

/// Returns whether the body is a URL-encoded form.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    has_content_type(request, "application/x-www-form-urlencoded")
}

fn has_content_type(request: &HttpRequest, kind: &str) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let sent = text.split(';').next().unwrap_or("").trim();
    sent.eq_ignore_ascii_case(kind)
}

/// The maximum size of a body on a path, in bytes, if less than the server's
/// limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimit(usize);

impl BodyLimit {
    /// For paths that need no login.
    pub(super) const WITHOUT_LOGIN: Self = Self(8 * 1024);
}

/// A body that middleware read before the handler runs, or the error of reading
/// it.
struct PrereadBody(Result<Bytes, Problem>);

/// Reads the body for middleware; the handler still receives it.
pub(super) async fn preread_body(request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    let (head, payload) = request.parts_mut();
    let bytes = read_body(head, payload).await;
    head.extensions_mut().insert(PrereadBody(bytes.clone()));
    bytes
}

/// Returns the raw body, within the limits of time and size. A compressed body
/// is rejected unread: it could unpack to any size, and clients have no need to
/// compress such short bodies.
pub(super) fn read_body(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let ahead = request
        .extensions()
        .get::<PrereadBody>()
        .map(|it| it.0.clone());
    let bounds = request.app_data::<AppData>().map(|app| {
        let settings = &app.settings;
        let most = request.app_data::<BodyLimit>();
        let most = most.map_or(usize::MAX, |most| most.0);
        (
            settings.timings.body_within,
            settings.limits.body_max.min(most),
        )
    });
    let refused = reject_by_headers(request, bounds.map_or(0, |(_, most)| most));
    let payload = payload.take();
    async move {
        if let Some(bytes) = ahead {
            return bytes;
        }
        refused?;
        let (timeout, most) = bounds.ok_or_else(Problem::internal)?;
        let bytes = tokio::time::timeout(timeout, collect_body(payload, most)).await;
        bytes
            .map_err(|_| Problem::new(ErrorCode::BadRequest, "The body took too long to arrive."))?
    }
}

/// Rejects a body by the request's headers alone.
fn reject_by_headers(request: &HttpRequest, most: usize) -> Result<(), Problem> {
    let mut codings = request.headers().get_all(header::CONTENT_ENCODING);
    if !codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::new(
            ErrorCode::UnsupportedMediaType,
            "Send the body without 'Content-Encoding'.",
        ));
    }
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > most => Err(too_large()),
        _ => Ok(()),
    }
}

async fn collect_body(mut payload: Payload, most: usize) -> Result<Bytes, Problem> {
    let mut all = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece = piece
            .map_err(|_| Problem::new(ErrorCode::BadRequest, "The body could not be read."))?;
        if all.len() + piece.len() > most {
            return Err(too_large());
        }
        append_chunk(&mut all, &piece);
    }
    Ok(all.into())
}

/// Appends a chunk; the buffer grows in small steps. Doubling could reserve
/// twice the memory that a slow client fills.
fn append_chunk(all: &mut Vec<u8>, piece: &[u8]) {
    if all.capacity() - all.len() < piece.len() {
        let whole = (all.len() + piece.len()).next_multiple_of(BUFFER_GROWTH);
        all.reserve_exact(whole - all.len());
    }
    all.extend_from_slice(piece);
}

fn too_large() -> Problem {
    Problem::new(ErrorCode::TooLarge, "The body is too large.")
}

fn parse_json<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    let no_object = || Problem::new(ErrorCode::BadJson, "The body is not a JSON object.");
    let text = std::str::from_utf8(bytes).map_err(|_| no_object())?;
    let mut fields = FieldReader::from_json(text, T::NAMES).map_err(|_| no_object())?;
    let made = T::from_fields(&mut fields);
    fields.finish(made)
}

/// Parses a form. Browsers send line ends as CRLF; texts are stored with LF.
fn parse_form<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    let mut pairs = decode_form(bytes)?;
    for (_, text) in &mut pairs {
        if text.contains('\r') {
            *text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
    }
    parse_pairs(&pairs)
}

/// Decodes the pairs of a form. Its CSRF token is in [`CSRF_FIELD`], if it has
/// one.
pub(super) fn decode_form(bytes: &[u8]) -> Result<Vec<QueryPair>, Problem> {
    let mut pairs = decoding::decode_pairs(bytes)?;
    if pairs.iter().all(|(name, _)| name != CSRF_FIELD) {
        for (name, _) in &mut pairs {
            if name == DJANGO_CSRF_FIELD {
                CSRF_FIELD.clone_into(name);
            }
        }
    }
    Ok(pairs)
}

/// Parses the pairs of a form.
pub(super) fn parse_pairs<T: FromFields>(
    pairs: &[(impl AsRef<str>, impl AsRef<str>)],
) -> Result<T, Problem> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| (name.as_ref(), text.as_ref()));
    let mut fields = FieldReader::from_form(pairs, T::NAMES);
    let made = T::from_fields(&mut fields);
    fields.finish(made)
}

/// Implements `FromFields` for a form of text fields. A missing field is empty:
/// the page then shows it as required.
macro_rules! text_fields {
    ($form:ty { $($name:ident),* $(,)? }) => {
        impl $crate::protocol::fields::FromFields for $form {
            const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            fn from_fields(
                fields: &mut $crate::protocol::fields::FieldReader<'_>,
            ) -> Option<Self> {
                $(let $name = fields.text(stringify!($name));)*
                Some(Self { $($name: $name?),* })
            }
        }
    };
}

pub(super) use text_fields;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct SampleForm {
        name: String,
    }

    text_fields!(SampleForm { name });

    #[test]
    fn buffer_capacity_stays_near_length() {
        for step in [1, 700, 4096, 5000, 70_000] {
            let mut all = Vec::new();
            while all.len() < 200_000 {
                append_chunk(&mut all, &vec![7; step]);
                assert!(all.capacity() <= all.len() + BUFFER_GROWTH, "{step}");
            }
        }
    }

    #[test]
    fn form_is_parsed_strictly() {
        let read = |body: &str| parse_form::<SampleForm>(body.as_bytes());
        assert_eq!(read("x=1&name=a+b").unwrap().name, "a b");
        assert_eq!(read("").unwrap().name, "");
        let lines = read("name=a%0D%0Ab%0dc%0A%0d").unwrap();
        assert_eq!(lines.name, "a\nb\nc\n\n");
        let twice = read("name=a&name=b").unwrap_err();
        assert_eq!((twice.code, twice.errors.len()), (ErrorCode::Invalid, 1));
        assert_eq!(read("name=caf%E9").unwrap_err().code, ErrorCode::BadRequest);
    }

    #[test]
    fn django_field_counts_without_ours() {
        let token = |body: &str| {
            let pairs = decode_form(body.as_bytes()).unwrap().into_iter();
            let tokens = pairs.filter(|(name, _)| name == CSRF_FIELD);
            tokens.map(|(_, token)| token).collect::<Vec<_>>()
        };
        assert_eq!(token("x=1&csrfmiddlewaretoken=a"), ["a"]);
        assert_eq!(token("csrfmiddlewaretoken=a&csrf_token=b"), ["b"]);
        assert_eq!(token("csrf_token=b"), ["b"]);
        assert_eq!(token("CSRFMiddlewareToken=a"), [""; 0]);
    }
}
