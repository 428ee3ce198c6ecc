//! To a plain user's browser there is nothing of all this.

use serde_json::json;

use super::world;
use crate::support::TestApp;
use crate::support::browser::{Browsers, DESKTOP};

/// Tries the admins' socket.
const KNOCK: &str = "return new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/ws/admin/`, 'tidings.v1');
    socket.onopen = () => done('open');
    socket.onclose = () => done('closed'); })";

#[tokio::test]
async fn a_plain_user_s_browser_is_shown_nothing() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
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
    for act in ["", "/read", "/close", "/messages/1/withdraw"] {
        paths.push(format!("{conversation}{act}"));
    }
    for path in &paths {
        tab.goto(path).await;
        tab.see_text("h1", "There is nothing here").await;
    }
    assert_eq!(tab.axe().await, [""; 0]);
    tab.complaints().await;
    // Nor do the forms work that an admin's pages have, from a page of ours.
    tab.goto("/settings").await;
    tab.see("main h1").await;
    tab.see_no("#house-heading").await;
    paths.push(format!("{user}/logins/1/end"));
    let posts = "const [paths] = arguments;
        const token = document.querySelector('meta[name=csrf-token]').content;
        const body = new URLSearchParams({ csrf_token: token, reason: 'x', confirm: 'ben',
            username: 'hacked', display_name: 'Hacked' });
        return Promise.all(paths.map(async (path) =>
            (await fetch(path, { method: 'POST', body })).status))";
    let answers = tab.script(posts, &[json!(paths)]).await;
    assert_eq!(answers, json!(vec![404; paths.len()]));
    tab.complaints().await;
    assert_eq!(tab.script(KNOCK, &[]).await, json!("closed"));
    ben.get("/api/me/").await.expect(200);
    assert_eq!(ann.conversation(group).await["left"], false);
    tab.complaints().await;
    tab.close().await;
}
