//! `/.well-known/security.txt` (RFC 9116): where to report vulnerabilities.

use std::fmt::Write;
use std::time::Duration;

use actix_web::HttpResponse;
use entity::Millis;

use super::AppData;
use crate::config::{PublicUrl, Settings};
use crate::protocol::Problem;

/// How long a response is valid. RFC 9116 recommends less than a year. The time
/// starts at each response, since the settings of a running server are current.
const VALID_FOR: Duration = Duration::from_secs(180 * 24 * 3600);

/// `GET /.well-known/security.txt`: 404 unless the settings name a contact,
/// which the file must contain.
pub(super) async fn show(app: AppData) -> Result<HttpResponse, Problem> {
    if app.settings.security_contacts.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(write_security_txt(&app.settings, Millis::now())))
}

fn write_security_txt(settings: &Settings, now: Millis) -> String {
    let mut text = String::new();
    for uri in settings.security_contacts.uris() {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "Contact: {uri}");
    }
    let _ = writeln!(text, "Expires: {}", now.after(VALID_FOR));
    // RFC 9116 requires `https` for web addresses.
    let public = settings.public_url.as_ref();
    if let Some(public) = public.filter(|url| PublicUrl::is_https(url)) {
        let _ = writeln!(text, "Canonical: {public}/.well-known/security.txt");
    }
    text
}
