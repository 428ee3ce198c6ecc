//! Public security information: `security.txt`, and HSTS for browsers.

use reqwest::Method;

use crate::people::settings;
use crate::support::TestApp;

const PATH: &str = "/.well-known/security.txt";

async fn app_with(flags: &[&str]) -> TestApp {
    let set = settings(flags);
    let change = move |own: &mut tidings::config::Settings| {
        own.public_url = set.public_url;
        own.security_contacts = set.security_contacts;
        own.hsts_subdomains = set.hsts_subdomains;
    };
    TestApp::builder().settings(change).spawn().await
}

#[tokio::test]
async fn security_txt_names_contacts() {
    let app = app_with(&[
        "--security-contact",
        "mailto:security@example.org, https://example.org/report",
        "--public-url",
        "https://chat.example.org",
    ])
    .await;
    let answer = app.site().request(Method::GET, PATH).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    let text = answer.text().await.unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let [first, second, expires, canonical] = lines[..] else {
        panic!("{text}");
    };
    assert_eq!(first, "Contact: mailto:security@example.org");
    assert_eq!(second, "Contact: https://example.org/report");
    assert_eq!(
        canonical,
        "Canonical: https://chat.example.org/.well-known/security.txt"
    );
    let expires = expires.strip_prefix("Expires: ").unwrap();
    let expires: jiff::Timestamp = expires.parse().unwrap();
    let days = expires.duration_since(jiff::Timestamp::now()).as_hours() / 24;
    assert!((30..365).contains(&days), "{days}");
}

/// The file must name a contact, and there is no default contact.
#[tokio::test]
async fn security_txt_needs_contact() {
    let app = TestApp::spawn().await;
    app.get(PATH).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn hsts_covers_subdomains_if_set() {
    let url = ["--public-url", "https://chat.example.org"];
    for (switch, policy) in [
        ("off", "max-age=31536000"),
        ("on", "max-age=31536000; includeSubDomains"),
    ] {
        let app = app_with(&[&url[..], &["--hsts-subdomains", switch]].concat()).await;
        for path in ["/healthz", "/api/me/"] {
            let answer = app.get(path).await;
            let header = answer.header("strict-transport-security");
            assert_eq!(header, Some(policy), "{path}");
        }
    }
    // Over plain HTTP browsers must ignore it (RFC 6797, section 7.2).
    let app = app_with(&["--hsts-subdomains", "on"]).await;
    let answer = app.get("/healthz").await;
    assert_eq!(answer.header("strict-transport-security"), None);
}
