//! A request's body: a JSON object or a form, checked field by field.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;

use super::{App, decoding};
use crate::protocol::fields::{FieldReader, FromFields};
use crate::protocol::{Code, Problem};

/// A buffer for a body has this much room at most beside what came.
const GROWTH: usize = 4096;

/// A JSON body of this shape. What doesn't fit is refused with the field at
/// fault.
pub(super) struct Body<T>(pub(super) T);

impl<T: FromFields + 'static> FromRequest for Body<T> {
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

impl<T: FromFields + 'static> FromRequest for Form<T> {
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

impl<T: FromFields + 'static> FromRequest for FormOrJson<T> {
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

/// The largest body that a path takes, in bytes, if that is less than the
/// server's.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyMax(usize);

impl BodyMax {
    /// Of a path that nobody has to log in for.
    pub(super) const WITHOUT_LOGIN: Self = Self(8 * 1024);
}

/// A body that was read before its handler asked for it, or why it could not
/// be.
struct ReadAhead(Result<Bytes, Problem>);

/// Reads the body for a check before the handler, which gets it all the same.
pub(super) async fn read_ahead(request: &mut ServiceRequest) -> Result<Bytes, Problem> {
    let (head, payload) = request.parts_mut();
    let bytes = read(head, payload).await;
    head.extensions_mut().insert(ReadAhead(bytes.clone()));
    bytes
}

/// The whole body as it came, within the time and the room that there is for
/// it. One that is packed is refused before it is read: a little of it could
/// be anything unpacked, and nobody packs what is as short as ours.
pub(super) fn read(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let ahead = request
        .extensions()
        .get::<ReadAhead>()
        .map(|it| it.0.clone());
    let bounds = request.app_data::<App>().map(|app| {
        let settings = &app.settings;
        let most = request.app_data::<BodyMax>();
        let most = most.map_or(usize::MAX, |most| most.0);
        (
            settings.timings.body_within,
            settings.limits.body_max.min(most),
        )
    });
    let refused = refused_unread(request, bounds.map_or(0, |(_, most)| most));
    let payload = payload.take();
    async move {
        if let Some(bytes) = ahead {
            return bytes;
        }
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
    let mut all = Vec::new();
    while let Some(piece) = payload.next().await {
        let piece =
            piece.map_err(|_| Problem::new(Code::BadRequest, "The body could not be read."))?;
        if all.len() + piece.len() > most {
            return Err(too_large());
        }
        append(&mut all, &piece);
    }
    Ok(all.into())
}

/// A buffer that doubles would hold twice of what a slow client sent.
fn append(all: &mut Vec<u8>, piece: &[u8]) {
    if all.capacity() - all.len() < piece.len() {
        let whole = (all.len() + piece.len()).next_multiple_of(GROWTH);
        all.reserve_exact(whole - all.len());
    }
    all.extend_from_slice(piece);
}

fn too_large() -> Problem {
    Problem::new(Code::TooLarge, "The body is too large.")
}

fn parse<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    let no_object = || Problem::new(Code::BadJson, "The body is no JSON object.");
    let text = std::str::from_utf8(bytes).map_err(|_| no_object())?;
    let mut fields = FieldReader::of_json(text, T::NAMES).map_err(|_| no_object())?;
    let made = T::from_fields(&mut fields);
    fields.finish(made)
}

/// Line ends are those of a text, not those of forms, which double them.
fn parse_form<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    let mut pairs = decoding::pairs(bytes)?;
    for (_, text) in &mut pairs {
        if text.contains('\r') {
            *text = text.replace("\r\n", "\n").replace('\r', "\n");
        }
    }
    read_pairs(&pairs)
}

/// What a form's pairs say.
pub(super) fn read_pairs<T: FromFields>(
    pairs: &[(impl AsRef<str>, impl AsRef<str>)],
) -> Result<T, Problem> {
    let pairs = pairs
        .iter()
        .map(|(name, text)| (name.as_ref(), text.as_ref()));
    let mut fields = FieldReader::of_form(pairs, T::NAMES);
    let made = T::from_fields(&mut fields);
    fields.finish(made)
}

/// Has a page's form read from fields that are texts. One that is missing is
/// empty: the page shows what it lacks.
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
    struct Shape {
        name: String,
    }

    text_fields!(Shape { name });

    #[test]
    fn buffer_holds_little_more_than_came() {
        for step in [1, 700, 4096, 5000, 70_000] {
            let mut all = Vec::new();
            while all.len() < 200_000 {
                append(&mut all, &vec![7; step]);
                assert!(all.capacity() <= all.len() + GROWTH, "{step}");
            }
        }
    }

    #[test]
    fn form_field_comes_once() {
        let read = |body: &str| parse_form::<Shape>(body.as_bytes());
        assert_eq!(read("x=1&name=a+b").unwrap().name, "a b");
        assert_eq!(read("").unwrap().name, "");
        let lines = read("name=a%0D%0Ab%0dc%0A%0d").unwrap();
        assert_eq!(lines.name, "a\nb\nc\n\n");
        let twice = read("name=a&name=b").unwrap_err();
        assert_eq!((twice.code, twice.errors.len()), (Code::Invalid, 1));
        assert_eq!(read("name=caf%E9").unwrap_err().code, Code::BadRequest);
    }
}
