//! `/.well-known/security.txt` (RFC 9116): where to report a fault in security.

use std::fmt::Write;
use std::time::Duration;

use actix_web::HttpResponse;
use entity::Millis;

use super::App;
use crate::config::{PublicUrl, Settings};
use crate::protocol::Problem;

/// RFC 9116 recommends less than a year. Each answer counts from its own moment:
/// a server that answers has settings that hold.
const HOLDS_FOR: Duration = Duration::from_secs(180 * 24 * 3600);

/// `GET /.well-known/security.txt`: nothing unless the settings name a contact,
/// which the file must have.
pub(super) async fn show(app: App) -> Result<HttpResponse, Problem> {
    if app.settings.security_contacts.is_empty() {
        return Err(Problem::not_found());
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body(write(&app.settings, Millis::now())))
}

fn write(settings: &Settings, now: Millis) -> String {
    let mut text = String::new();
    for uri in settings.security_contacts.uris() {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "Contact: {uri}");
    }
    let _ = writeln!(text, "Expires: {}", now.after(HOLDS_FOR));
    // A web address in this file has to be one of TLS.
    let public = settings.public_url.as_ref();
    if let Some(public) = public.filter(|url| PublicUrl::is_https(url)) {
        let _ = writeln!(text, "Canonical: {public}/.well-known/security.txt");
    }
    text
}
