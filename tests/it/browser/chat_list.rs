//! The list of conversations: its archive, hints, keys and drafts, and its cost
//! for a large account.

use serde_json::{Value, json};

use super::large_account::fill;
use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{
    BrowserDriver, BrowserTab, COMPOSER, DESKTOP, DOWN, ENTER, PHONE, TAB, UP,
};

const HOME: &str = "\u{e011}";
const END: &str = "\u{e010}";
const FOCUSED: &str = "return document.activeElement.closest('li')?.ariaPosInSet ?? null";

/// The archive is a row with a count, and leads back to the list.
#[tokio::test]
async fn archive_row_shows_unread_count() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let kept = people[1].open_direct_used(&people[0]).await;
    let away = people[2].open_direct_used(&people[0]).await;
    let change = json!({ "archived": true, "muted_until": "2999-01-01T00:00:00.000Z" });
    crew::set_mine(&people[0], away, change).await.expect(200);
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.see_text(".archive .badge", "1").await;
    people[2].send(away, "More").await.expect(201);
    tab.see_text(".archive .badge", "2").await;
    tab.see(".archive .archive-mark").await;
    tab.see(".archive .archive-next").await;
    tab.see_absent(&format!(".rows .row[data-id='{away}']"))
        .await;
    for theme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", theme).await;
        tab.assert_accessible().await;
    }
    tab.click(".archive").await;
    tab.see_text(".archive", "All chats").await;
    tab.see_absent(".archive .badge").await;
    tab.see(&format!(".rows .row[data-id='{away}']")).await;
    tab.see_absent(&format!(".rows .row[data-id='{kept}']"))
        .await;
    tab.assert_accessible().await;
    tab.click(".archive").await;
    tab.see(&format!(".rows .row[data-id='{kept}']")).await;
}

/// Each empty part of the page names the next step.
#[tokio::test]
async fn empty_states_name_next_step() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see_text("main .welcome", "Find people you know").await;
    tab.see_absent(".blank-hint").await;
    for theme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", theme).await;
        tab.assert_accessible().await;
    }
    tab.type_into("#seek", "nobody").await;
    tab.see_text(".found", "No results for “nobody”. Try the username.")
        .await;
    tab.fill("#seek", "").await;
    ben.connect_with(&ann).await;
    tab.see_text(".blank-hint", "Choose a chat, or start a new one.")
        .await;
    tab.see_text(".blank-hint .keys", "Search").await;
    tab.see_absent(".welcome").await;
    let id = ben.open_direct_used(&ann).await;
    tab.see(&format!(".rows .row[data-id='{id}']")).await;
    tab.choose_from_menu(".rows .row", "Archive").await;
    tab.see_text(".list .empty", "Open the archive above").await;
    tab.assert_accessible().await;
    tab.size(PHONE).await;
    tab.see_absent("main .welcome").await;
    tab.assert_accessible().await;
}

/// The list is one Tab stop. Arrow keys, Home and End move in it.
#[tokio::test]
async fn list_is_one_tab_stop() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    fill(&app, &ann, 120, 1).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    tab.wait_for_value(
        "return document.querySelectorAll('.rows [tabindex=\"0\"]').length",
        json!(1),
    )
    .await;
    tab.click("#seek").await;
    tab.press(DOWN).await;
    tab.wait_for_value(FOCUSED, json!("1")).await;
    tab.press(&format!("{DOWN}{DOWN}")).await;
    tab.wait_for_value(FOCUSED, json!("3")).await;
    tab.press(END).await;
    // The end of the list is fetched when it comes into view.
    let last = "return Number(document.activeElement.closest('li')?.ariaPosInSet) > 40";
    tab.wait_for_value(last, json!(true)).await;
    tab.press(HOME).await;
    tab.wait_for_value(FOCUSED, json!("1")).await;
    tab.press(UP).await;
    tab.wait_for_value("return document.activeElement.id", json!("seek"))
        .await;
    tab.press(TAB).await;
    tab.wait_for_value(FOCUSED, json!("1")).await;
    tab.press(TAB).await;
    let left = "return document.activeElement.matches('.splitter')";
    tab.wait_for_value(left, json!(true)).await;
    tab.assert_accessible().await;
}

/// A row shows the draft of its conversation, and ticks in place of "You".
#[tokio::test]
async fn row_shows_draft_and_ticks() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let people = crew::friends(&app, &["ann", "ben", "cas"]).await;
    let id = people[0].open_direct_used(&people[1]).await;
    let other = people[2].open_direct_used(&people[0]).await;
    let preview = format!(".row[data-id='{id}'] .row-preview");
    let tab = browsers.open_as(&people[0], DESKTOP).await;
    tab.open_conversation(id).await;
    assert_eq!(tab.texts(&preview).await, ["The first."]);
    tab.see(&format!("{preview} .ticks")).await;
    tab.type_into(COMPOSER, "Half a sentence").await;
    assert_eq!(tab.texts(&preview).await, ["The first."]);
    tab.click(&format!(".row[data-id='{other}']")).await;
    tab.see_text(&preview, "Draft: Half a sentence").await;
    tab.see_absent(&format!("{preview} .ticks")).await;
    for theme in ["light", "dark"] {
        tab.emulate_media("prefers-color-scheme", theme).await;
        tab.assert_accessible().await;
    }
    // Another tab shows the draft, and follows it.
    let first = tab.window().await;
    tab.new_window().await;
    tab.goto("/messages").await;
    tab.see_text(&preview, "Draft: Half a sentence").await;
    let second = tab.window().await;
    tab.switch_window(first).await;
    tab.click(&format!(".row[data-id='{id}']")).await;
    tab.type_into(COMPOSER, ENTER).await;
    tab.see_message("Half a sentence").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    tab.switch_window(second).await;
    tab.wait_for_value(
        &format!("return document.querySelector({preview:?}).innerText.trim()"),
        json!("Half a sentence"),
    )
    .await;
    tab.assert_no_console_errors().await;
}

/// Counts the changed rows: those with a changed text or attribute. The ages in
/// all rows change every minute.
const WATCH_ROWS: &str = "
    window.changed = new Set();
    new MutationObserver((all) => {
        for (const { target } of all) {
            const element = target.closest ? target : target.parentElement;
            const row = element?.closest('.row');
            if (row && !element.closest('time')) window.changed.add(row.dataset.id);
        }
    }).observe(document.querySelector('.list .rows'),
        { subtree: true, childList: true, characterData: true, attributes: true });";

/// With 500 conversations, the page has the rows in view, and a message changes
/// the content of one row.
#[tokio::test]
async fn large_list_draws_rows_in_view() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let first = fill(&app, &ann, 500, 100).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.goto("/messages").await;
    tab.see(".is-live").await;
    let size = count_nodes(&tab).await;
    assert!(size <= 2_000, "{size} nodes");
    scroll_to_end(&tab).await;
    let size = count_nodes(&tab).await;
    assert!(size <= 2_000, "{size} nodes at the end");
    tab.assert_accessible().await;
    tab.press(HOME).await;
    tab.wait_for_value(FOCUSED, json!("1")).await;
    tab.press(ENTER).await;
    tab.see_message("Message 100.").await;
    tab.script(WATCH_ROWS, &[]).await;
    tab.send_text("To the first").await;
    tab.see_text(".row-preview", "To the first").await;
    tab.see(".message:last-child .ticks[data-status=sent]")
        .await;
    let changed: Value = tab.script("return [...window.changed]", &[]).await;
    assert_eq!(changed, json!([first.to_string()]));
}

/// Counts the nodes of the page.
async fn count_nodes(tab: &BrowserTab) -> u64 {
    let count = "const walker = document.createTreeWalker(document);
        let count = 1;
        while (walker.nextNode()) count += 1;
        return count";
    tab.script(count, &[]).await.as_u64().unwrap()
}

/// Scrolls by keys to the end of the list.
async fn scroll_to_end(tab: &BrowserTab) {
    tab.click("#seek").await;
    tab.press(DOWN).await;
    tab.wait_for_value(FOCUSED, json!("1")).await;
    for _ in 0..12 {
        tab.press(END).await;
        let (at, size) = (
            tab.script(FOCUSED, &[]).await,
            tab.script(
                "return document.activeElement.closest('li').ariaSetSize",
                &[],
            )
            .await,
        );
        if at == json!("500") && size == json!("500") {
            return;
        }
        let more = format!(
            "return document.activeElement.closest('li').ariaSetSize === '500' \
             || document.querySelector('.rows').offsetHeight > 56 * {at}"
        );
        tab.wait_for_value(&more, json!(true)).await;
    }
    panic!("the list has no end");
}
