//! `/static/…`.

use super::Browser;
use crate::support::TestApp;
use reqwest::Method;

#[tokio::test]
async fn styles_are_kept_until_they_change() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/login").await.expect(200);
    let sheets: Vec<String> = page
        .text
        .split("<link rel=\"stylesheet\" href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(sheets.len(), 4, "{sheets:?}");
    for sheet in &sheets {
        let got = browser.get(sheet).await.expect(200);
        assert_eq!(got.header("content-type"), Some("text/css"));
        assert_eq!(
            got.header("cache-control"),
            Some("public, max-age=31536000, immutable")
        );
        let tag = got.header("etag").unwrap();
        let request = browser
            .request(Method::GET, sheet)
            .header("if-none-match", tag);
        let known = browser.send(request).await.expect(304);
        assert_eq!((known.text.as_str(), known.header("etag")), ("", Some(tag)));
    }
    let bare = browser.get("/static/css/base.css").await.expect(200);
    assert_eq!(bare.header("cache-control"), Some("no-cache"));
    for path in [
        "/static/css/none.css",
        "/static/",
        "/static/../Cargo.toml",
        "/static/%2e%2e/Cargo.toml",
    ] {
        browser.get(path).await.expect(404);
    }
}
