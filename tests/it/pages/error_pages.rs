//! Refusals: pages for browsers, problem documents for programs.

use reqwest::Method;
use reqwest::header::ACCEPT;

use super::messages::at_the_list;
use super::{Browser, Shown};
use crate::support::TestApp;

const BROWSERS: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn ask(browser: &mut Browser, path: &str, accept: &str) -> Shown {
    let request = browser.request(Method::GET, path);
    browser.send(request.header(ACCEPT, accept)).await
}

#[tokio::test]
async fn browsers_get_error_pages() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let (mut browser, _) = at_the_list(&app, "ann").await;
    for path in [
        "/nowhere",
        "/messages/chat/nobody",
        "/messages?conversation=9",
    ] {
        let page = ask(&mut browser, path, BROWSERS).await.expect(404);
        page.check_page();
        assert!(page.text.contains("<h1>Page not found</h1>"));
        assert!(page.text.contains("href=\"/messages\""));
        for accept in ["application/json", "*/*"] {
            let problem = ask(&mut browser, path, accept).await.expect(404);
            let kind = problem.header("content-type");
            assert_eq!(kind, Some("application/problem+json"), "{path}");
        }
    }
    for path in ["/api/nothing", "/static/nothing", "/ws/chat/9"] {
        let problem = ask(&mut browser, path, BROWSERS).await;
        let kind = problem.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{path}");
    }
}

#[tokio::test]
async fn outdated_form_gets_error_page() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
    let (mut browser, _) = at_the_list(&app, "ann").await;
    let request = browser.request(Method::POST, "/messages/requests");
    let request = request
        .header(ACCEPT, BROWSERS)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("csrf_token=old&username=ben");
    let page = browser.send(request).await.expect(403);
    page.check_page();
    assert!(page.text.contains("<h1>This page has expired</h1>"));
    let page = ask(&mut browser, "/logout", BROWSERS).await.expect(405);
    page.check_page();
    assert_eq!(page.header("allow"), Some("POST"));
}
