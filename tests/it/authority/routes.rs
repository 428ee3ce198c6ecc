//! The real endpoints: read from the sources of `web` and compared with the
//! running server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use reqwest::Method;

use crate::admin::admin;
use crate::support::TestApp;

/// The prefix that `under(…)` adds to a path below a conversation.
const UNDER: &str = "/api/conversations/{id:\\d+}";

/// The methods of each path in the table of routes.
pub(crate) type Routes = BTreeMap<String, Vec<String>>;

/// Returns every route made by `at`, `open_at` and their wrappers. The sources
/// may use no other way to make one.
pub(crate) fn of_the_sources() -> Routes {
    let mut routes = Routes::new();
    let (mut resources, mut wrappers) = (0, 0);
    for text in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for other in [
            ".route(\"",
            "web::scope(",
            "Resource::new(",
            "Scope::new(",
            "web::redirect(",
            "external_resource(",
            "#[get(",
            "#[post(",
            "#[put(",
            "#[patch(",
            "#[delete(",
            "#[route(",
            "#[routes]",
        ] {
            assert!(
                !text.contains(other),
                "this test can't find a route made by {other}"
            );
        }
        resources += text.matches("web::resource(").count();
        wrappers += text.matches("open_at(path, ").count();
        for (path, methods) in calls(&text) {
            routes.entry(path).or_default().extend(methods);
        }
    }
    assert_eq!(
        resources, 2,
        "one in `open_at`, and /metrics, which has separate tests"
    );
    assert_eq!(
        wrappers, 3,
        "`at`, `sending_at` and the `at` of /admin, which `calls` finds"
    );
    routes
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.starts_with(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src")
                .join("web"),
        ) || path.ends_with("src/web.rs")
        {
            found.push(fs::read_to_string(&path).unwrap());
        }
    }
    found
}

/// Returns path and methods of each call of `at(…)`, `open_at(…)` and
/// `sending_at(…)`.
fn calls(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("at(") {
        let before = &text[..at];
        let name = before
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap();
        let is_method = before.ends_with('.');
        let is_call = ["", "open_", "sending_"].contains(&name) && !is_method;
        let rest = text[at + 3..].trim_start();
        let path = match rest.strip_prefix('&').unwrap_or(rest) {
            rest if rest.starts_with('"') => literal(rest),
            rest if rest.starts_with("under(") => UNDER.to_owned() + &literal(&rest[6..]),
            // Skips other functions, and `at(path, …)` inside a wrapper: the
            // paths are in the calls of the wrapper.
            rest => {
                let is_own = rest.starts_with("path, ") || !is_call;
                assert!(is_own, "this test can't read the path: {:.60}", rest);
                continue;
            }
        };
        if is_call {
            assert!(path.starts_with('/'), "{path}");
            found.push((path, methods(rest)));
        }
    }
    found
}

fn literal(text: &str) -> String {
    let text = text.strip_prefix('"').unwrap();
    let (inner, _) = text.split_once('"').unwrap();
    inner.replace("\\\\", "\\")
}

/// Returns the methods in the first `[…]` of `text`.
fn methods(text: &str) -> Vec<String> {
    let (_, list) = text.split_once('[').unwrap();
    let mut depth = 1;
    let end = list.find(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth == 0
    });
    let words = list[..end.unwrap()].split("(&").skip(1);
    let methods = words.map(|word| {
        let name = word.split(',').next().unwrap();
        name.trim().trim_start_matches("Method::").to_uppercase()
    });
    methods.collect()
}

/// Returns a path with `{}` in place of each parameter, so that a table's row
/// and its route are equal.
pub(crate) fn shape(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let mut shape = String::new();
    let mut depth = 0;
    for c in path.chars() {
        depth += i32::from(c == '{');
        if depth == 0 {
            shape.push(c);
        }
        if c == '}' {
            depth -= 1;
            shape.push_str("{}");
        }
    }
    match shape.strip_suffix('/') {
        Some(bare) if !bare.is_empty() => bare.to_owned(),
        _ => shape,
    }
}

/// Reads the routes from the sources and compares their methods with the
/// server's `Allow` header, by requests with an unsupported method.
#[tokio::test]
async fn routes_of_sources_match_server() {
    let app = TestApp::spawn().await;
    // The endpoints below `/admin` exist only for admins.
    let admin = admin(&app, "root").await;
    let routes = of_the_sources();
    assert!(routes.len() > 50, "{routes:?}");
    for (path, methods) in routes {
        let real = path
            .replace("{id:\\d+}", "7")
            .replace("{message:\\d+}", "7")
            .replace("{login:\\d+}", "7")
            .replace("{path:.*}", "x")
            .replace(['{', '}'], "");
        let purge = Method::from_bytes(b"PURGE").unwrap();
        let request = app.site().request(purge, &real);
        let answer = app.site().send(request.bearer_auth(&admin.token)).await;
        assert_eq!(answer.status, 405, "{path}: {}", answer.body);
        let allowed = methods.join(", ").replace("GET", "GET, HEAD");
        assert_eq!(answer.header("allow"), Some(&*allowed), "{path}");
    }
}

/// A response to HEAD has the status of one to GET, but no body.
#[tokio::test]
async fn head_matches_get_without_body() {
    let app = TestApp::spawn().await;
    let admin = admin(&app, "root").await;
    let mut checked = 0;
    for (path, methods) in of_the_sources() {
        if !methods.contains(&"GET".to_owned()) {
            continue;
        }
        let real = path
            .replace("{path:.*}", "css/tokens.css")
            .replace(":\\d+}", "}")
            .replace("{username}", "root")
            .replace("{act}", "rename")
            .replace(['{', '}'], "")
            .replace("/id", "/1")
            .replace("/message/", "/1/");
        let ask = async |method: Method| {
            let request = app.site().request(method, &real).bearer_auth(&admin.token);
            let response = request.send().await.unwrap();
            (response.status(), response.bytes().await.unwrap())
        };
        let (status, _) = ask(Method::GET).await;
        let (without, body) = ask(Method::HEAD).await;
        assert_eq!(status, without, "{real}");
        assert!(body.is_empty(), "{real}");
        checked += 1;
    }
    assert!(checked > 30, "{checked}");
}
