//! Users with similar names are distinguishable, and no name reorders the text
//! around it.

use serde_json::json;

use crate::groups::crew;
use crate::support::browser::{BrowserDriver, BrowserTab, DESKTOP, ESCAPE};
use crate::support::{TestApp, TestUser};

/// Changes a user's display name.
async fn name(person: &TestUser, name: &str) {
    let body = json!({ "display_name": name });
    crew::patch(person, "/api/me/", body).await.expect(200);
}

/// Creates a group of Alice (`ann`) and two users, whose names resemble Alice
/// and a role.
async fn lookalikes(app: &TestApp) -> (i64, Vec<TestUser>) {
    let people = crew::friends(app, &["ann", "ben", "cas"]).await;
    name(&people[0], "Alice").await;
    name(&people[1], "\u{410}lice").await;
    name(&people[2], "Owner").await;
    let made = crew::make(&people[0], "Crew", &["ben", "cas"]).await;
    (made.expect(201)["id"].as_i64().unwrap(), people)
}

#[tokio::test]
async fn similar_names_show_usernames() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = lookalikes(&app).await;
    for person in &people[..2] {
        let said = format!("From {}", person.username);
        person.send(group, &said).await.expect(201);
    }
    let answered = people[0].history(group).await;
    let answered = answered.last().unwrap()["id"].clone();
    let answer = json!({ "text": "An answer", "reply_to": answered });
    let path = format!("/api/conversations/{group}/messages/");
    people[0].post(&path, answer).await.expect(201);
    let tab = browsers.open_as(&people[2], DESKTOP).await;
    for has_script in [true, false] {
        if has_script {
            tab.open_conversation(group).await;
        } else {
            tab.disable_scripts().await;
            tab.open_conversation_plainly(group).await;
        }
        tab.see_text(".bubble > .sender", "Alice @ann").await;
        tab.see_text(".bubble > .sender", "\u{410}lice @ben").await;
        tab.see_text(".quote .sender", "\u{410}lice @ben").await;
        tab.see_text(".row .lead", "Alice @ann:").await;
        tab.assert_no_console_errors().await;
    }
}

#[tokio::test]
async fn questions_show_usernames() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = lookalikes(&app).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.open_conversation(group).await;
    tab.click("[data-act=about]").await;
    tab.see_text(".members .hint", "@ben").await;
    tab.see_text(".members .hint", "@cas").await;
    tab.click("[aria-label='Options for \u{410}lice @ben']")
        .await;
    tab.pick_menu_entry("Make owner").await;
    tab.see_text("dialog.is-small h2", "Make \u{410}lice (@ben) the owner?")
        .await;
    tab.press(ESCAPE).await;
    tab.see_absent("dialog.is-small").await;
    tab.click("[aria-label='Options for Owner @cas']").await;
    tab.pick_menu_entry("Remove from group").await;
    tab.see_text("dialog.is-small h2", "Remove Owner (@cas)?")
        .await;
    tab.press(ESCAPE).await;
    tab.assert_accessible().await;
}

/// If a contact takes a similar name, list and header add the usernames.
#[tokio::test]
async fn similar_contacts_show_usernames() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    name(&people[1], "Teo").await;
    let id = people[1].open_direct_used(&people[0]).await;
    people[2].open_direct_used(&people[0]).await;
    tab.open_conversation(id).await;
    tab.see_text("main h1", "Teo").await;
    names_are(&tab, ["Teo", "cas"]).await;
    name(&people[2], "Te\u{3bf}").await;
    tab.open_conversation(id).await;
    tab.see_text("main h1", "Teo @ben").await;
    names_are(&tab, ["Teo @ben", "Te\u{3bf} @cas"]).await;
    tab.assert_accessible().await;
    tab.disable_scripts().await;
    tab.open_conversation_plainly(id).await;
    names_are(&tab, ["Teo @ben", "Te\u{3bf} @cas"]).await;
}

/// Checks the names of the rows, in any order.
async fn names_are(tab: &BrowserTab, expected: [&str; 2]) {
    for name in expected {
        tab.see_text(".rows .row-name", name).await;
    }
    let mut names = tab.texts(".rows .row-name").await;
    names.sort();
    assert_eq!(names, expected);
}

/// A right-to-left name stays in its place in an English sentence.
#[tokio::test]
async fn name_in_sentence_reorders_nothing() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (group, people) = lookalikes(&app).await;
    name(&people[0], "\u{5e9}\u{5dc}\u{5d5}\u{5dd}").await;
    crew::rename(&people[0], group, "\u{5d0}\u{5d1}")
        .await
        .expect(200);
    // The left edges of the name, the verb, the noun and the title.
    let edges = "const node = [...document.querySelectorAll(arguments[0])].at(-1).firstChild;
        const range = document.createRange();
        const edge = (text) => {
            const at = node.data.indexOf(text);
            range.setStart(node, at);
            range.setEnd(node, at + text.length);
            return range.getBoundingClientRect().left;
        };
        return ['\\u05e9', 'renamed', 'group', '\\u05d0'].map(edge)";
    let tab = browsers.open_as(&people[2], DESKTOP).await;
    for has_script in [true, false] {
        if has_script {
            tab.open_conversation(group).await;
        } else {
            tab.disable_scripts().await;
            tab.open_conversation_plainly(group).await;
        }
        for selector in [
            ".history .system span",
            ".rows .row[href*='conversation='] .row-preview .said",
        ] {
            let edges = tab.script(edges, &[json!(selector)]).await;
            let edges: Vec<f64> = serde_json::from_value(edges).unwrap();
            assert!(edges.is_sorted(), "{selector}: {edges:?}");
        }
        tab.assert_no_console_errors().await;
    }
}

/// Covers the list, the header, messages, quotes and members.
#[tokio::test]
async fn renamed_user_is_shown_without_reload() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let direct = ann.open_direct(ben).await;
    ben.send(direct, "Between us").await.expect(201);
    let made = crew::make(ann, "Crew", &["ben"]).await.expect(201);
    let group = made["id"].as_i64().unwrap();
    let said = ben.send(group, "From Ben").await.expect(201);
    let answer = json!({ "text": "An answer", "reply_to": said["id"] });
    let path = format!("/api/conversations/{group}/messages/");
    ann.post(&path, answer).await.expect(201);
    let tab = browsers.open_as(ann, DESKTOP).await;
    tab.open_conversation(group).await;
    tab.see_text(".bubble > .sender", "ben").await;
    tab.click("[data-act=about]").await;
    tab.see_text(".members", "ben").await;
    tab.script("window.isSame = true", &[]).await;
    name(ben, "Benjamin").await;
    for place in [
        ".members",
        ".bubble > .sender",
        ".quote .sender",
        ".row-name",
    ] {
        tab.see_text(place, "Benjamin").await;
    }
    tab.press(ESCAPE).await;
    tab.click(&format!("[data-id='{direct}']")).await;
    tab.see_text(".bar h1", "Benjamin").await;
    name(ben, "Bennett").await;
    tab.see_text(".bar h1", "Bennett").await;
    tab.see_text(".row-name", "Bennett").await;
    tab.wait_for_value("return window.isSame", json!(true))
        .await;
    tab.assert_no_console_errors().await;
}
