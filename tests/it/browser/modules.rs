//! The client's modules: the joined scripts, and the tests of the pure modules
//! (`tests/js`) in the browser, with a file server and a shim for `node:test`.
//! `node --test tests/js/` runs the same tests without a browser.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::browser::{BrowserDriver, DESKTOP};
use crate::support::{TestApp, TestSite};

/// The outcome of one test.
#[derive(Debug, Deserialize)]
struct Outcome {
    name: String,
    /// The error, if the test failed.
    wrong: Option<String>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Returns the names of the test files, which the page loads.
fn files() -> Vec<String> {
    let folder = std::fs::read_dir(root().join("tests/js")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(".test.mjs")).collect();
    names.sort();
    names
}

/// Serves the project's scripts until the test ends.
async fn serve() -> TestSite {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream));
        }
    });
    TestSite::at(address)
}

/// Answers one request per connection. Ignores errors, because a browser may
/// abort the connection.
async fn answer(stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
    }
    let path = request.split(' ').nth(1).unwrap_or_default();
    let (status, kind, body) = page(path).map_or_else(
        || ("404 Not Found", "text/plain", Vec::new()),
        |(kind, body)| ("200 OK", kind, body),
    );
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    drop(stream.write_all(&[head.into_bytes(), body].concat()).await);
}

fn page(path: &str) -> Option<(&'static str, Vec<u8>)> {
    if path == "/" {
        return Some(("text/html; charset=utf-8", index().into_bytes()));
    }
    if path == "/favicon.ico" {
        return Some(("image/svg+xml", Vec::new()));
    }
    assert!(!path.contains(".."), "{path}");
    let kind = if path.ends_with(".json") {
        "application/json"
    } else {
        "text/javascript"
    };
    let body = std::fs::read(root().join(path.trim_start_matches('/'))).ok()?;
    Some((kind, body))
}

/// Returns a page that runs every file in turn and collects the outcomes.
fn index() -> String {
    let map = json!({ "imports": {
        "node:test": "/tests/js/shims/test.mjs",
        "node:assert": "/tests/js/shims/assert.mjs",
    } });
    let files = json!(files());
    format!(
        "<!doctype html><title>…</title><script type=importmap>{map}</script>\
         <script type=module>
            import {{ outcomes }} from '/tests/js/shims/test.mjs';
            for (const file of {files}) {{
                try {{ await import(`/tests/js/${{file}}`); }}
                catch (error) {{ outcomes.push({{ name: file, wrong: String(error) }}); }}
            }}
            window.outcomes = outcomes;
         </script>"
    )
}

#[tokio::test]
async fn modules_pass_their_tests_in_browser() {
    let (site, browsers) = (serve().await, BrowserDriver::start().await);
    let tab = browsers.open(&site, DESKTOP).await;
    tab.goto("/").await;
    tab.wait_for_value("return Array.isArray(window.outcomes)", json!(true))
        .await;
    let outcomes = tab
        .script("return (async () => Promise.all(window.outcomes))()", &[])
        .await;
    let outcomes: Vec<Outcome> = serde_json::from_value(outcomes).unwrap();
    for Outcome { name, wrong } in &outcomes {
        println!("{} {name}", if wrong.is_some() { "FAILED" } else { "ok" });
    }
    let failed: Vec<_> = outcomes.iter().filter(|it| it.wrong.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert_eq!(outcomes.len(), test_count(), "all tests ran");
    tab.assert_no_console_errors().await;
}

/// Returns the number of tests in the files.
fn test_count() -> usize {
    let read = |name: &String| std::fs::read_to_string(root().join("tests/js").join(name));
    let count = |text: String| {
        text.lines()
            .filter(|line| line.starts_with("test('"))
            .count()
    };
    files().iter().map(|name| count(read(name).unwrap())).sum()
}

/// Compares the exports of each joined module with those of its source. The
/// arguments are the modules that the page loads later.
const COMPARE_SCRIPT: &str = "return (async () => {
    const entry = document.querySelector('script[type=module]').src;
    const { modules } = await import(entry);
    const names = (module) => Object.keys(module).sort().join();
    const source = (path) => import(entry.replace(/joined\\/js\\/.*/u, `js/${path}`));
    const wrong = [];
    const compare = async (path, joined) => {
        const [own, expected] = [names(joined), names(await source(path))];
        if (own !== expected) wrong.push([path, own, expected]);
    };
    const shared = Object.keys(modules).filter((path) => path.includes('/'));
    for (const path of shared) await compare(path, modules[path]);
    for (const path of arguments) {
        await compare(path, await import(entry.replace(/\\.js$/u, `/${path}`)));
    }
    return { count: shared.length, wrong };
})()";

#[tokio::test]
async fn joined_scripts_export_what_sources_export() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let admin = crate::admin::admin(&app, "root").await;
    let tab = browsers.open_as(&admin, DESKTOP).await;
    let sheets: Vec<_> = lazy_sheets().iter().map(|path| json!(path)).collect();
    assert!(!sheets.is_empty());
    let cases = [
        ("/messages", 30, sheets.as_slice()),
        ("/settings", 8, &[]),
        ("/profile/root", 8, &[]),
        ("/admin/users", 6, &[]),
        ("/admin", 6, &[]),
    ];
    for (path, least, lazy) in cases {
        tab.goto(path).await;
        let compared = tab.script(COMPARE_SCRIPT, lazy).await;
        assert_eq!(compared["wrong"], json!([]), "{path}");
        assert!(
            compared["count"].as_u64().unwrap() >= least,
            "{path}: {compared}"
        );
        tab.assert_no_console_errors().await;
    }
}

/// Returns the sheets that the messenger loads when they are first needed, with
/// the sheets that those import.
fn lazy_sheets() -> BTreeSet<String> {
    let folder = root().join("static/js");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let views = std::fs::read_dir(folder.join("view")).unwrap();
    let views = views.map(|entry| entry.unwrap().path());
    let mut due: Vec<String> = views
        .chain([folder.join("main.js")])
        .flat_map(|path| sheet_names(&read(&path), &["import('../sheets/", "import('./sheets/"]))
        .collect();
    let mut found = BTreeSet::new();
    while let Some(name) = due.pop() {
        if found.insert(format!("sheets/{name}")) {
            let source = read(&folder.join("sheets").join(name));
            due.extend(sheet_names(&source, &[" from './", "import('./"]));
        }
    }
    found
}

/// Returns the file names that follow one of these texts.
fn sheet_names(source: &str, before: &[&str]) -> Vec<String> {
    let names = before.iter().flat_map(|text| source.split(text).skip(1));
    names
        .map(|rest| rest.split('\'').next().unwrap().to_owned())
        .collect()
}

/// A second copy of a module would have its own state.
#[tokio::test]
async fn sheet_shares_modules_of_its_page() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.click("[data-act=new]").await;
    tab.see(".side-panel").await;
    let requested = tab.requested_urls().await;
    let scripts = requested.iter().filter(|url| url.ends_with(".js"));
    let paths = scripts.map(|url| url.splitn(6, '/').last().unwrap());
    let (joined, plain): (Vec<&str>, Vec<&str>) =
        paths.partition(|path| path.starts_with("joined/js/"));
    assert_eq!(plain, ["js/early.js"]);
    assert!(
        joined.contains(&"joined/js/main/sheets/people.js"),
        "{joined:?}"
    );
    let entries = joined.iter().filter(|path| !path.contains("/sheets/"));
    assert_eq!(entries.collect::<Vec<_>>(), [&"joined/js/main.js"]);
    tab.assert_no_console_errors().await;
}
