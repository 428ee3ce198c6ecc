//! A conversation opens at its first unread message or at the message that an
//! address names. Only visible messages are marked as read.

use serde_json::{Value, json};

use super::large_account::fill;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, PHONE};
use crate::support::{TestApp, TestUser, until};

/// The number of Ben's messages: more than the newest page contains.
const MANY: usize = 80;

/// Creates Ann, Ben and a conversation with many messages of Ben. The first
/// message is Ann's, so `News 1.` has `seq` 2.
async fn unread(app: &TestApp) -> (TestUser, TestUser, i64) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    for at in 1..=MANY {
        ben.send(id, &format!("News {at}.")).await.expect(201);
    }
    (ann, ben, id)
}

/// Returns the `seq` up to which the user has read.
async fn read_seq(person: &TestUser, id: i64) -> i64 {
    let conversation = person.conversation(id).await;
    let mut people = conversation["participants"].as_array().unwrap().iter();
    let mine = people.find(|it| it["user"]["username"] == person.username.as_str());
    mine.unwrap()["read_seq"].as_i64().unwrap()
}

/// Returns the number in the last visible message's text.
const LAST_IN_SIGHT: &str = "
    const box = document.querySelector('.history').getBoundingClientRect();
    const seen = [...document.querySelectorAll('.history .message')]
        .filter((it) => it.getBoundingClientRect().top < box.bottom);
    return Number(/News (\\d+)/u.exec(seen.at(-1).innerText)[1]);";

/// Guards against a former bug: if there were more unread messages than the
/// page holds, the page marked all of them as read.
#[tokio::test]
async fn unseen_messages_stay_unread() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, id) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".unread-line", "80 unread messages").await;
    let read = until("visible messages to be read", async || {
        let read = read_seq(&ann, id).await;
        (read > 1).then_some(read)
    })
    .await;
    let last = tab.script(LAST_IN_SIGHT, &[]).await.as_i64().unwrap();
    assert!(read <= last + 1, "read up to {read}, visible up to {last}");
    assert!(last < 40, "the page starts at the first unread message");
    // Scrolling marks only the messages that become visible.
    tab.script("document.querySelector('.history').scrollTop += 300", &[])
        .await;
    let further = until("messages in the scrolled view to be read", async || {
        let further = read_seq(&ann, id).await;
        (further > read).then_some(further)
    })
    .await;
    let last = tab.script(LAST_IN_SIGHT, &[]).await.as_i64().unwrap();
    assert!(
        further <= last + 1,
        "read up to {further}, visible up to {last}"
    );
    tab.assert_accessible().await;
}

/// Records the position of the unread line in each animation frame.
const PLACES: &str = "
    window.places = [];
    const look = () => {
        const line = document.querySelector('.unread-line');
        if (line) window.places.push(Math.round(line.getBoundingClientRect().top));
        if (window.places.length < 120) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);";

#[tokio::test]
async fn unread_line_never_moves() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, id) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(PLACES).await;
    tab.open_conversation(id).await;
    tab.wait_for_value("return window.places.length >= 120", json!(true))
        .await;
    let places = tab.script("return [...new Set(window.places)]", &[]).await;
    let places: Vec<f64> = serde_json::from_value(places).unwrap();
    let (least, most) = places
        .iter()
        .fold((f64::MAX, 0.0_f64), |(least, most), at| {
            (least.min(*at), most.max(*at))
        });
    assert!(most - least <= 1.0, "{places:?}");
    assert!((64.0..300.0).contains(&most), "{places:?}");
}

#[tokio::test]
async fn unread_line_works_without_scripts() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, _ben, _) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.disable_scripts().await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.see_text(".unread-line", "80 unread messages").await;
    let in_sight = "const box = document.querySelector('.history').getBoundingClientRect();
         const { top } = document.querySelector('.unread-line').getBoundingClientRect();
         return top >= box.top && top < box.bottom";
    tab.wait_for_value(in_sight, json!(true)).await;
    tab.press_button(".mark-read", "Mark as read").await;
    // The next page starts with the remaining messages.
    tab.see_text(".unread-line", "unread").await;
    tab.wait_for_value(in_sight, json!(true)).await;
    tab.assert_no_console_errors().await;
}

/// Returns the focused message if it is fully visible.
const POINTED_AT: &str = "
    const it = document.activeElement.closest('.history .message');
    if (!it) return null;
    const box = document.querySelector('.history').getBoundingClientRect();
    const { top, bottom } = it.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom ? /Message \\d+\\./u.exec(it.innerText)?.[0] : null;";

async fn points_at(tab: &BrowserTab, number: u32) {
    tab.wait_for_value(POINTED_AT, json!(format!("Message {number}.")))
        .await;
}

/// Opens a message by its `seq`, by its id if it is among the newest messages,
/// by both, and by a quote of it.
#[tokio::test]
async fn address_leads_to_its_message() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let id = fill(&app, &ann, 3, 1_000).await;
    let page = format!("/messages?conversation={id}");
    let around = format!("/api/conversations/{id}/messages/?around=37");
    let near = ann.get(&around).await.expect(200);
    let mut near = near.as_array().unwrap().iter();
    let message = near.find(|it| it["seq"] == 37).unwrap()["id"].clone();
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for address in [
        format!("{page}&around=37"),
        format!("{page}&around=37#message-{message}"),
    ] {
        tab.goto("/settings").await;
        tab.goto(&address).await;
        points_at(&tab, 37).await;
    }
    let newest = ann.history(id).await;
    let newest = newest.iter().find(|it| it["seq"] == 990).unwrap()["id"].clone();
    tab.goto("/settings").await;
    tab.goto(&format!("{page}#message-{newest}")).await;
    points_at(&tab, 990).await;
    tab.goto("/settings").await;
    tab.goto(&format!("{page}&around=37#message-{message}"))
        .await;
    points_at(&tab, 37).await;
    let when = tab
        .script(
            "return document.activeElement.querySelector('.when').getAttribute('href')",
            &[],
        )
        .await;
    assert_eq!(when, json!(format!("{page}&around=37#message-{message}")));
    let path = format!("/api/conversations/{id}/messages/");
    let answer = json!({ "text": "An answer", "reply_to": message });
    ann.post(&path, answer).await.expect(201);
    tab.goto(&page).await;
    tab.see(".days").await;
    tab.see_message("An answer").await;
    tab.click(".history .quote").await;
    points_at(&tab, 37).await;
    // An address of a missing message shows that it is missing.
    tab.goto("/settings").await;
    tab.goto(&format!("{page}#message-999999999")).await;
    tab.see_text(".toasts", "no longer exists").await;
    assert_eq!(tab.script(POINTED_AT, &[]).await, Value::Null);
    tab.assert_accessible().await;
}

/// Delays `history.back()` by a second, as in a busy browser. The browser then
/// goes to the entry before the one that was current at the call.
const LATE_BACK: &str = "
    window.backs = 0;
    addEventListener('popstate', () => { window.backs += 1; });
    history.back = () => {
        const { length } = history;
        setTimeout(() => history.go(length - history.length - 1), 1000);
    };";

#[tokio::test]
async fn row_clicked_while_going_back_opens() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.run_before_pages(LATE_BACK).await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.click(".back").await;
    tab.click(".row").await;
    tab.wait_for_value("return window.backs", json!(1)).await;
    tab.see(COMPOSER).await;
    assert_eq!(tab.path().await, format!("/messages?conversation={id}"));
    // The browser's history contains the list only once.
    tab.back().await;
    tab.see(".row").await;
    tab.see_absent("main.thread").await;
    assert_eq!(tab.path().await, "/messages");
}
