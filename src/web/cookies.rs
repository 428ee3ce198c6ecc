//! The cookies that the pages' forms set. Scripts can't read them, and browsers
//! don't send them with another site's form. Over TLS they are bound to TLS and
//! to this host.

use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header;
use entity::Millis;

use crate::config::{PublicUrl, Settings};

/// The purpose of a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CookieKind {
    /// The token of a login.
    Login,
    /// The nonce to which the CSRF tokens of forms without a login are bound.
    Form,
    /// A token that shows that this browser logged in before (see
    /// [`crate::auth::devices`]).
    Device,
}

/// The longest lifetime of a cookie that browsers accept.
const DEVICE_MAX_AGE: Duration = Duration::days(400);

impl CookieKind {
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

    /// Returns the cookie's value. Names and values are compared as raw bytes:
    /// browsers protect `__Host-…`, but not a name that equals it only after
    /// decoding. Other cookies are ignored, even malformed ones.
    pub(super) fn read(self, request: &HttpRequest, settings: &Settings) -> Option<String> {
        let name = self.name(settings).as_bytes();
        let value = request
            .headers()
            .get_all(header::COOKIE)
            .flat_map(|cookies| cookies.as_bytes().split(|byte| *byte == b';'))
            .find_map(|cookie| cookie.trim_ascii().strip_prefix(name)?.strip_prefix(b"="))?;
        let value = std::str::from_utf8(value).ok()?;
        Some(value.to_owned()).filter(|value| !value.is_empty())
    }

    /// Returns the cookie with this value, valid until the browser is closed.
    pub(super) fn build(self, value: String, settings: &Settings) -> Cookie<'static> {
        Cookie::build(self.name(settings), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(is_https(settings))
            .finish()
    }

    /// Returns the cookie with this value, valid until `end`.
    pub(super) fn build_until(
        self,
        value: String,
        end: Millis,
        settings: &Settings,
    ) -> Cookie<'static> {
        let left = end.since(Millis::now()).as_secs();
        let mut cookie = self.build(value, settings);
        cookie.set_max_age(Duration::seconds(i64::try_from(left).unwrap_or(i64::MAX)));
        cookie
    }

    /// Returns the cookie with this value, valid for as long as browsers allow.
    pub(super) fn build_persistent(self, value: String, settings: &Settings) -> Cookie<'static> {
        let mut cookie = self.build(value, settings);
        cookie.set_max_age(DEVICE_MAX_AGE);
        cookie
    }

    /// Returns a cookie that makes the browser delete it.
    pub(super) fn build_removal(self, settings: &Settings) -> Cookie<'static> {
        let mut cookie = self.build(String::new(), settings);
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
