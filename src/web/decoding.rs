//! Strict percent-decoding. Invalid UTF-8 is rejected and never replaced, so
//! that the server stores and compares only text that was sent.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, web};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

use crate::protocol::{ErrorCode, Problem};

/// The parameters of a request's path.
pub(super) struct StrictPath<T>(T);

/// The parameters of a request's query.
pub(super) struct StrictQuery<T>(T);

impl<T> StrictPath<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> StrictQuery<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for StrictPath<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for StrictQuery<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for StrictPath<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = decode_percent(request.uri().path().as_bytes()) {
            return ready(Err(problem.into()));
        }
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Self(path.into_inner())))
    }
}

impl<T: DeserializeOwned> FromRequest for StrictQuery<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = decode_pairs(request.query_string().as_bytes()) {
            return ready(Err(problem.into()));
        }
        let query = web::Query::<T>::from_request(request, payload).into_inner();
        ready(query.map(|query| Self(query.into_inner())))
    }
}

/// A name with its value.
pub(super) type QueryPair = (String, String);

/// Decodes the pairs of a form or a query
/// (`application/x-www-form-urlencoded`).
///
/// # Errors
///
/// `bad_request` if a part is not valid UTF-8.
pub(super) fn decode_pairs(encoded: &[u8]) -> Result<Vec<QueryPair>, Problem> {
    let parts = encoded.split(|byte| *byte == b'&');
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            let mut half = || decode_form_value(halves.next().unwrap_or_default());
            Ok((half()?, half()?))
        })
        .collect()
}

fn decode_form_value(encoded: &[u8]) -> Result<String, Problem> {
    let spaced: Cow<'_, [u8]> = if encoded.contains(&b'+') {
        let spaced = encoded.iter().map(|byte| match byte {
            b'+' => b' ',
            byte => *byte,
        });
        Cow::Owned(spaced.collect())
    } else {
        Cow::Borrowed(encoded)
    };
    decode_percent(&spaced).map(Cow::into_owned)
}

/// Decodes a part of a path or a query.
///
/// # Errors
///
/// `bad_request` if the decoded part is not valid UTF-8.
pub(super) fn decode_percent(encoded: &[u8]) -> Result<Cow<'_, str>, Problem> {
    percent_decode(encoded).decode_utf8().map_err(|_| {
        Problem::new(
            ErrorCode::BadRequest,
            "A percent-encoded part of the URL is not valid UTF-8.",
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<QueryPair> {
        decode_pairs(text.as_bytes()).unwrap()
    }

    #[test]
    fn pairs_are_decoded_strictly() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("a=1&&b=x+y%2Bz&c&=d&e=f=g&%41=%c3%a9&h=100%&i=%zz"),
            [
                pair("a", "1"),
                pair("b", "x y+z"),
                pair("c", ""),
                pair("", "d"),
                pair("e", "f=g"),
                pair("A", "é"),
                pair("h", "100%"),
                pair("i", "%zz"),
            ]
        );
        for wrong in [
            &b"a=caf%E9"[..],
            b"%ff=1",
            b"a=\xe9",
            b"a=%ed%a0%80",
            b"a=1&b=%c3",
        ] {
            let refused = decode_pairs(wrong).unwrap_err();
            assert_eq!(refused.code, ErrorCode::BadRequest, "{wrong:?}");
        }
    }

    proptest! {
        /// Valid input is decoded as by the `form_urlencoded` crate.
        #[test]
        fn valid_pairs_match_standard_decoder(text in "[a-f0-9=&%+é]{0,40}") {
            let standard: Vec<QueryPair> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            match decode_pairs(text.as_bytes()) {
                Ok(pairs) => prop_assert_eq!(pairs, standard),
                Err(_) => {
                    let is_cut = |text: &str| text.contains('\u{fffd}');
                    let mut pairs = standard.iter();
                    prop_assert!(pairs.any(|(name, value)| is_cut(name) || is_cut(value)));
                }
            }
        }
    }
}
