//! `/static/…`.

use super::Browser;
use crate::support::TestApp;
use reqwest::Method;

#[tokio::test]
async fn versioned_styles_are_cached_forever() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/login").await.expect(200);
    let sheets: Vec<String> = page
        .text
        .split("<link rel=\"stylesheet\" href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(sheets.len(), 1, "{sheets:?}");
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

#[tokio::test]
async fn texts_are_compressed_images_are_not() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    for (path, is_text) in [
        ("/static/joined/js/main.js", true),
        ("/static/joined/css/entry/messages.css", true),
        ("/static/js/lib/dom.js", true),
        ("/static/emoji.json", true),
        ("/static/icons/icon-192.png", false),
    ] {
        let plain = browser.get(path).await.expect(200);
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"), "{path}");
        let request = browser.request(Method::GET, path);
        let request = request.header("accept-encoding", "br, gzip");
        let packed = browser.send(request).await.expect(200);
        let encoding = is_text.then_some("gzip");
        assert_eq!(packed.header("content-encoding"), encoding, "{path}");
        assert_eq!(packed.header("vary"), Some("Accept-Encoding"), "{path}");
        assert_eq!(packed.header("etag"), plain.header("etag"), "{path}");
        let [plain, packed] = [&plain, &packed].map(|got| got.header("content-length"));
        let [plain, packed] = [plain, packed].map(|it| it.unwrap().parse::<usize>().unwrap());
        assert!(
            !is_text || packed * 2 < plain,
            "{path}: {packed} of {plain}"
        );
    }
}

/// Every emoji in the picker is a valid reaction.
#[tokio::test]
async fn offered_emoji_are_valid_reactions() {
    let app = TestApp::spawn().await;
    let mut browser = Browser::at(&app);
    let page = browser.get("/login").await.expect(200);
    let (_, rest) = page.source.split_once("/static/").unwrap();
    let version = rest.split('/').next().unwrap();
    let path = format!("/static/{version}/emoji.json");
    let got = browser.get(&path).await.expect(200);
    assert_eq!(got.header("content-type"), Some("application/json"));
    assert!(got.header("cache-control").unwrap().contains("immutable"));
    let shelves: serde_json::Value = serde_json::from_str(&got.text).unwrap();
    let (mut count, mut toned) = (0, 0);
    for shelf in shelves.as_array().unwrap() {
        assert!(!shelf["name"].as_str().unwrap().is_empty());
        for one in shelf["emoji"].as_array().unwrap() {
            let [sign, words] = [0, 1].map(|at| one[at].as_str().unwrap());
            assert!(tidings::protocol::Emoji::parse(sign).is_ok(), "{sign}");
            assert!(!words.is_empty(), "{sign}");
            let tones = one.get(2).map(|tones| tones.as_array().unwrap());
            for tone in tones.into_iter().flatten() {
                let sign = tone.as_str().unwrap();
                assert!(tidings::protocol::Emoji::parse(sign).is_ok(), "{sign}");
                toned += 1;
            }
            count += 1;
        }
    }
    assert!(count > 1_500, "{count}");
    assert!(toned > 5 * 250, "{toned}");
}
