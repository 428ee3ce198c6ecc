//! To a user's browser, the admin pages don't exist.

use serde_json::json;

use super::world;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, DESKTOP};

/// Opens the admins' socket.
const OPEN_SOCKET: &str = "return new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/ws/admin/`, 'tidings.v1');
    socket.onopen = () => done('open');
    socket.onclose = () => done('closed'); })";

#[tokio::test]
async fn admin_pages_are_hidden_from_user() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben, group, keeper) = world(&app, &browsers).await;
    keeper.close().await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    let user = format!("/admin/users/{}", ben.id);
    let conversation = format!("/admin/conversations/{group}");
    let mut paths: Vec<String> = [
        "/admin",
        "/admin/users",
        "/admin/users?q=b",
        "/admin/users/new",
        "/admin/conversations",
        "/admin/audit",
        "/admin/audit.csv",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.push(user.clone());
    for act in [
        "rename",
        "promote",
        "demote",
        "deactivate",
        "reactivate",
        "reset",
        "end-logins",
        "delete",
    ] {
        paths.push(format!("{user}/{act}"));
    }
    for act in ["", "/read", "/close", "/messages/1/delete"] {
        paths.push(format!("{conversation}{act}"));
    }
    for path in &paths {
        tab.goto(path).await;
        tab.see_text("h1", "Page not found").await;
    }
    assert_eq!(tab.accessibility_faults().await, [""; 0]);
    tab.console_errors().await;
    // A user can't submit the forms of admin pages from other pages of the site
    // either.
    tab.goto("/settings").await;
    tab.see("main h1").await;
    tab.see_absent("#server-heading").await;
    paths.push(format!("{user}/logins/1/end"));
    let posts = "const [paths] = arguments;
        const token = document.querySelector('meta[name=csrf-token]').content;
        const body = new URLSearchParams({ csrf_token: token, reason: 'x', confirm: 'ben',
            username: 'hacked', display_name: 'Hacked' });
        return Promise.all(paths.map(async (path) =>
            (await fetch(path, { method: 'POST', body })).status))";
    let answers = tab.script(posts, &[json!(paths)]).await;
    assert_eq!(answers, json!(vec![404; paths.len()]));
    tab.console_errors().await;
    assert_eq!(tab.script(OPEN_SOCKET, &[]).await, json!("closed"));
    ben.get("/api/me/").await.expect(200);
    assert_eq!(ann.conversation(group).await["left"], false);
    tab.console_errors().await;
    tab.close().await;
}
