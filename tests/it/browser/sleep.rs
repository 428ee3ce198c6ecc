//! Messages that arrive while the user is away are neither read nor do they move
//! the page. The page counts them and marks the first one by a line.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::details::STAGED;
use crate::support::browser::{BrowserDriver, BrowserTab, COMPOSER, DESKTOP, ENTER, NetworkState};
use crate::support::{TestApp, TestUser, until};

/// Sends `News 1.` and so on over a socket, and waits until all are stored.
async fn send_news(ben: &TestUser, id: i64, numbers: RangeInclusive<usize>) {
    let mut socket = ben.chat_socket(id).await;
    let last = format!("News {}.", numbers.end());
    let all: Vec<usize> = numbers.collect();
    for chunk in all.chunks(40) {
        for number in chunk {
            socket.send_text(&format!("News {number}.")).await;
        }
        let text = format!("News {}.", chunk.last().unwrap());
        until("news to be stored", async || {
            let conversation = ben.conversation(id).await;
            (conversation["last_message"]["text"] == json!(text)).then_some(())
        })
        .await;
    }
    let conversation = ben.conversation(id).await;
    assert_eq!(conversation["last_message"]["text"], json!(last));
}

/// Returns the number of the last message that the user has read. The first
/// message is Ann's, so `News 1.` has `seq` 2.
async fn read_number(person: &TestUser, id: i64) -> i64 {
    let conversation = person.conversation(id).await;
    let mut people = conversation["participants"].as_array().unwrap().iter();
    let mine = people.find(|it| it["user"]["username"] == person.username.as_str());
    mine.unwrap()["read_seq"].as_i64().unwrap() - 1
}

async fn wait_for_read(person: &TestUser, id: i64, number: i64) {
    until("messages to be read", async || {
        (read_number(person, id).await == number).then_some(())
    })
    .await;
}

/// Returns the numbers of the messages in the viewport.
const IN_SIGHT: &str = "
    const box = document.querySelector('.history').getBoundingClientRect();
    return [...document.querySelectorAll('.history .message')].filter((it) => {
        const { top, bottom } = it.getBoundingClientRect();
        return top >= box.top - 1 && bottom <= box.bottom + 1;
    }).map((it) => Number(/News (\\d+)/u.exec(it.innerText)[1]));";

async fn in_sight(tab: &BrowserTab) -> Vec<i64> {
    serde_json::from_value(tab.script(IN_SIGHT, &[]).await).unwrap()
}

/// Returns the text of the unread line, and the first message after it.
const LINE: &str = "
    const line = document.querySelector('.unread-line');
    const next = [...document.querySelectorAll('.unread-line, .history .message')];
    return line && [line.innerText, next[next.indexOf(line) + 1].querySelector('.said').innerText];";

/// Turns the mouse's wheel over the history.
async fn turn_wheel(tab: &BrowserTab, down: i64) {
    let event = json!({ "type": "mouseWheel", "x": 900, "y": 400, "deltaX": 0, "deltaY": down });
    tab.devtools("Input.dispatchMouseEvent", event).await;
}

/// Scrolls down and checks that only the messages that came into view are read.
async fn check_reading(tab: &BrowserTab, ann: &TestUser, id: i64) {
    let before = read_number(ann, id).await;
    turn_wheel(tab, 250).await;
    let read = until("messages in view to be read", async || {
        let read = read_number(ann, id).await;
        (read > before).then_some(read)
    })
    .await;
    let last = *in_sight(tab).await.last().unwrap();
    assert!(read <= last + 1, "read up to {read}, visible up to {last}");
}

/// Reads all messages, as another device would.
async fn read_all(ann: &TestUser, id: i64) {
    let newest = ann.history(id).await.last().unwrap()["id"].clone();
    let path = format!("/api/conversations/{id}/read/");
    ann.post(&path, json!({ "message_id": newest }))
        .await
        .expect(204);
}

/// Opens the conversation at its end, with all messages read.
async fn open_at_end(tab: &BrowserTab, ann: &TestUser, (id, last): (i64, usize)) {
    read_all(ann, id).await;
    tab.open_conversation(id).await;
    tab.see_message(&format!("News {last}.")).await;
    tab.see_absent(".to-end").await;
    tab.see(".is-live").await;
}

#[tokio::test]
async fn messages_during_sleep_stay_unread() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    send_news(&ben, id, 1..=30).await;
    let mut last = 30;
    for (has_sockets, is_hidden) in [(true, false), (true, true), (false, false), (false, true)] {
        let case = format!("sockets {has_sockets}, hidden {is_hidden}");
        let tab = browsers.open_as(&ann, DESKTOP).await;
        tab.run_before_pages(STAGED).await;
        if !has_sockets {
            tab.disable_sockets().await;
        }
        open_at_end(&tab, &ann, (id, last)).await;
        let before = in_sight(&tab).await;
        tab.set_network(NetworkState::Offline).await;
        tab.see_text(".banner", "Offline.").await;
        if is_hidden {
            tab.script("window.look(false)", &[]).await;
        }
        send_news(&ben, id, last + 1..=last + 120).await;
        tab.set_network(NetworkState::Online).await;
        tab.see_text(".row .badge", "120").await;
        if is_hidden {
            tab.script("window.look(true)", &[]).await;
        }
        tab.see_text(".to-end", "120 new").await;
        let line = json!(["120 unread messages", format!("News {}.", last + 1)]);
        tab.wait_for_value(LINE, line).await;
        assert_eq!(in_sight(&tab).await, before, "{case}");
        check_reading(&tab, &ann, id).await;
        tab.click(".to-end").await;
        last += 120;
        wait_for_read(&ann, id, i64::try_from(last).unwrap()).await;
        tab.close().await;
    }
}

/// A few messages fit on the screen, so the page follows its end.
#[tokio::test]
async fn page_follows_few_missed_messages() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    send_news(&ben, id, 1..=30).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    open_at_end(&tab, &ann, (id, 30)).await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    send_news(&ben, id, 31..=34).await;
    tab.set_network(NetworkState::Online).await;
    tab.see_message("News 34.").await;
    tab.see_absent(".to-end").await;
    wait_for_read(&ann, id, 34).await;
    assert_eq!(in_sight(&tab).await.last(), Some(&34));
    tab.see_absent(".unread-line").await;
}

/// After more changes than a replay holds, the server sends a `reset`.
#[tokio::test]
async fn reset_keeps_reading_place() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    send_news(&ben, id, 1..=115).await;
    let mut last = 115;
    for place in ["end", "up", "around"] {
        let tab = browsers.open_as(&ann, DESKTOP).await;
        if place == "around" {
            tab.goto(&format!("/messages?conversation={id}&around=40"))
                .await;
            tab.see_message("News 39.").await;
        } else {
            open_at_end(&tab, &ann, (id, last)).await;
        }
        if place == "up" {
            turn_wheel(&tab, -1200).await;
            tab.see(".to-end").await;
        }
        let before = still_in_sight(&tab).await;
        let read = read_number(&ann, id).await;
        tab.set_network(NetworkState::Offline).await;
        tab.see_text(".banner", "Offline.").await;
        send_news(&ben, id, last + 1..=last + 520).await;
        last += 520;
        tab.set_network(NetworkState::Online).await;
        tab.see_text(".to-end", "520 new").await;
        assert_eq!(in_sight(&tab).await, before, "{place}");
        assert_eq!(read_number(&ann, id).await, read, "{place}");
        if place == "end" {
            let line = json!(["520 unread messages", "News 116."]);
            tab.wait_for_value(LINE, line).await;
            check_reading(&tab, &ann, id).await;
        }
        tab.click(".to-end").await;
        tab.see_message(&format!("News {last}.")).await;
        wait_for_read(&ann, id, i64::try_from(last).unwrap()).await;
        tab.close().await;
    }
}

/// Waits for the end of a scroll and returns the messages in view.
async fn still_in_sight(tab: &BrowserTab) -> Vec<i64> {
    until("the scroll to end", async || {
        let before = in_sight(tab).await;
        let frames = "return new Promise((done) => requestAnimationFrame(() =>
            requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))";
        tab.script(frames, &[]).await;
        (in_sight(tab).await == before).then_some(before)
    })
    .await
}

/// A user who has passed the line and is away again gets a new one.
#[tokio::test]
async fn unread_line_moves_to_newest_absence() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.run_before_pages(STAGED).await;
    tab.open_conversation(id).await;
    tab.see_message("The first.").await;
    tab.script("window.look(false)", &[]).await;
    send_news(&ben, id, 1..=3).await;
    tab.wait_for_value(LINE, json!(["3 unread messages", "News 1."]))
        .await;
    tab.script("window.look(true)", &[]).await;
    wait_for_read(&ann, id, 3).await;
    tab.script("window.look(false)", &[]).await;
    send_news(&ben, id, 4..=4).await;
    tab.wait_for_value("return document.title", json!("(1) ben · Tidings"))
        .await;
    tab.wait_for_value(LINE, json!(["1 unread message", "News 4."]))
        .await;
    // Another device reads the messages.
    read_all(&ann, id).await;
    tab.wait_for_value("return document.title", json!("ben · Tidings"))
        .await;
    send_news(&ben, id, 5..=6).await;
    tab.wait_for_value(LINE, json!(["2 unread messages", "News 5."]))
        .await;
    // An own message ends the absence.
    tab.script("window.look(true)", &[]).await;
    tab.type_into(COMPOSER, &format!("Back{ENTER}")).await;
    tab.wait_for_value(LINE, Value::Null).await;
    tab.assert_accessible().await;
}
