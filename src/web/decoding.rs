//! What is percent-encoded, decoded strictly: bytes that are no UTF-8 are
//! refused and never replaced, so that nothing is stored, found or compared
//! that wasn't sent.

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, web};
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

use crate::protocol::{Code, Problem};

/// What a request's path names.
pub(super) struct Path<T>(T);

/// What a request's query asks.
pub(super) struct Query<T>(T);

impl<T> Path<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Query<T> {
    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = decoded(request.uri().path().as_bytes()) {
            return ready(Err(problem.into()));
        }
        let path = web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|path| Self(path.into_inner())))
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = pairs(request.query_string().as_bytes()) {
            return ready(Err(problem.into()));
        }
        let query = web::Query::<T>::from_request(request, payload).into_inner();
        ready(query.map(|query| Self(query.into_inner())))
    }
}

/// A name with its value.
pub(super) type Pair = (String, String);

/// The pairs of a form or a query (`application/x-www-form-urlencoded`).
///
/// # Errors
/// `bad_request` if some of it is no UTF-8.
pub(super) fn pairs(encoded: &[u8]) -> Result<Vec<Pair>, Problem> {
    let parts = encoded.split(|byte| *byte == b'&');
    let parts = parts.filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let mut halves = part.splitn(2, |byte| *byte == b'=');
            let mut half = || plus_decoded(halves.next().unwrap_or_default());
            Ok((half()?, half()?))
        })
        .collect()
}

fn plus_decoded(encoded: &[u8]) -> Result<String, Problem> {
    let spaced: Cow<'_, [u8]> = match encoded.contains(&b'+') {
        true => {
            let spaced = encoded.iter().map(|byte| match byte {
                b'+' => b' ',
                byte => *byte,
            });
            Cow::Owned(spaced.collect())
        }
        false => Cow::Borrowed(encoded),
    };
    decoded(&spaced).map(Cow::into_owned)
}

/// What a part of a path or a query says.
///
/// # Errors
/// `bad_request` if it is no UTF-8.
pub(super) fn decoded(encoded: &[u8]) -> Result<Cow<'_, str>, Problem> {
    percent_decode(encoded).decode_utf8().map_err(|_| {
        Problem::new(
            Code::BadRequest,
            "Something percent-encoded is not valid UTF-8.",
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<Pair> {
        pairs(text.as_bytes()).unwrap()
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
            let refused = pairs(wrong).unwrap_err();
            assert_eq!(refused.code, Code::BadRequest, "{wrong:?}");
        }
    }

    proptest! {
        /// Of what is valid, the standard's own decoder reads the same.
        #[test]
        fn valid_pairs_read_as_by_standard(text in "[a-f0-9=&%+é]{0,40}") {
            let standard: Vec<Pair> = form_urlencoded::parse(text.as_bytes()).into_owned().collect();
            match pairs(text.as_bytes()) {
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
