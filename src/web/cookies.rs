//! The cookies that the pages' forms set. No script can read them, no other
//! site makes a browser send them with a form; where browsers come over TLS
//! they are bound to it and to this very host.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header;
use entity::Millis;

use crate::config::{PublicUrl, Settings};

/// What a cookie is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jar {
    /// A login's token.
    Login,
    /// What a form of somebody who isn't logged in is known by.
    Form,
    /// What a browser is known by that logged in before (see
    /// [`crate::auth::devices`]).
    Device,
}

/// As long as browsers keep a cookie.
const DEVICE_KEPT: Duration = Duration::days(400);

impl Jar {
    fn name(self, settings: &Settings) -> &'static str {
        match (self, is_https(settings)) {
            (Self::Login, false) => "tidings",
            (Self::Login, true) => "__Host-tidings",
            (Self::Form, false) => "tidings-form",
            (Self::Form, true) => "__Host-tidings-form",
            (Self::Device, false) => "tidings-device",
            (Self::Device, true) => "__Host-tidings-device",
        }
    }

    /// What came in it. Names and values are taken as they stand: a browser
    /// keeps others from setting `__Host-…`, and not from setting what would
    /// be the same once it is decoded. What else came beside it is nobody's
    /// business, whatever it is.
    pub(super) fn of(self, request: &HttpRequest, settings: &Settings) -> Option<String> {
        let name = self.name(settings).as_bytes();
        let value = request
            .headers()
            .get_all(header::COOKIE)
            .flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'))
            .find_map(|cookie| cookie.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))?;
        let value = std::str::from_utf8(value).ok()?;
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// Puts something in, until the browser is closed.
    pub(super) fn filled(self, value: String, settings: &Settings) -> Cookie<'static> {
        Cookie::build(self.name(settings), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_https(settings))
            .finish()
    }

    /// The same, until `end`.
    pub(super) fn filled_until(
        self,
        (value, end): (String, Millis),
        settings: &Settings,
    ) -> Cookie<'static> {
        let left = end.since(Millis::now()).as_secs();
        let mut cookie = self.filled(value, settings);
        cookie.set_max_age(Duration::seconds(i64::try_from(left).unwrap_or(i64::MAX)));
        cookie
    }

    /// Puts something in for as long as a browser keeps it.
    pub(super) fn filled_for_long(self, value: String, settings: &Settings) -> Cookie<'static> {
        let mut cookie = self.filled(value, settings);
        cookie.set_max_age(DEVICE_KEPT);
        cookie
    }

    /// Has the browser forget it.
    pub(super) fn emptied(self, settings: &Settings) -> Cookie<'static> {
        let mut cookie = self.filled(String::new(), settings);
        cookie.set_max_age(Duration::ZERO);
        cookie
    }
}

fn is_https(settings: &Settings) -> bool {
    settings
        .public_url
        .as_ref()
        .is_some_and(PublicUrl::is_https)
}
