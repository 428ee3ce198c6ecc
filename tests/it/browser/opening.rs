//! Where a conversation opens: at what is new, or at the message that an
//! address names; and that nothing is read but what was seen.

use serde_json::{Value, json};

use super::full::fill;
use crate::support::browser::{Browsers, DESKTOP, PHONE, Tab, WRITE};
use crate::support::{Person, TestApp, until};

/// So many that the newest page begins after the first of them.
const MANY: usize = 80;

/// Ann, to whom Ben has written much, and their conversation. The first message
/// is hers: `News 1.` has `seq` 2.
async fn unread(app: &TestApp) -> (Person, Person, i64) {
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    for at in 1..=MANY {
        ben.send(id, &format!("News {at}.")).await.expect(201);
    }
    (ann, ben, id)
}

/// The `seq` up to which she has read.
async fn read_seq(person: &Person, id: i64) -> i64 {
    let conversation = person.conversation(id).await;
    let mut people = conversation["participants"].as_array().unwrap().iter();
    let mine = people.find(|it| it["user"]["username"] == person.username.as_str());
    mine.unwrap()["read_seq"].as_i64().unwrap()
}

/// The number of the last message that is on the screen.
const LAST_IN_SIGHT: &str = "
    const box = document.querySelector('.history').getBoundingClientRect();
    const seen = [...document.querySelectorAll('.history .message')]
        .filter((it) => it.getBoundingClientRect().top < box.bottom);
    return Number(/News (\\d+)/u.exec(seen.at(-1).innerText)[1]);";

/// Guards against reading by what had been on the screen before it was
/// replaced: a page with more unread than it holds marked them all.
#[tokio::test]
async fn what_was_not_seen_stays_unread() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben, id) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.open_conversation(id).await;
    tab.see_text(".unread-line", "80 unread").await;
    let read = until("what is seen to be read", async || {
        let read = read_seq(&ann, id).await;
        (read > 1).then_some(read)
    })
    .await;
    let last = tab.script(LAST_IN_SIGHT, &[]).await.as_i64().unwrap();
    assert!(read <= last + 1, "{read} is read, {last} seen");
    assert!(last < 40, "it begins at the first");
    // What is scrolled to is read then, and no more than that.
    tab.script("document.querySelector('.history').scrollTop += 300", &[])
        .await;
    let further = until("what is scrolled to be read", async || {
        let further = read_seq(&ann, id).await;
        (further > read).then_some(further)
    })
    .await;
    let last = tab.script(LAST_IN_SIGHT, &[]).await.as_i64().unwrap();
    assert!(further <= last + 1, "{further} is read, {last} seen");
    tab.assert_good().await;
}

/// Where the line stands in each frame that is drawn.
const PLACES: &str = "
    window.places = [];
    const look = () => {
        const line = document.querySelector('.unread-line');
        if (line) window.places.push(Math.round(line.getBoundingClientRect().top));
        if (window.places.length < 120) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);";

#[tokio::test]
async fn the_line_before_what_is_new_is_there_at_once_and_stays() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben, id) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.before_each_page(PLACES).await;
    tab.open_conversation(id).await;
    tab.comes_to("return window.places.length >= 120", json!(true))
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
async fn without_scripts_one_begins_at_what_is_new_too() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, _ben, _) = unread(&app).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    tab.without_scripts().await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.see_text(".unread-line", "80 unread").await;
    let in_sight = "const box = document.querySelector('.history').getBoundingClientRect();
         const { top } = document.querySelector('.unread-line').getBoundingClientRect();
         return top >= box.top && top < box.bottom";
    tab.comes_to(in_sight, json!(true)).await;
    tab.press_button(".mark-read", "Mark as read").await;
    // On to the rest.
    tab.see_text(".unread-line", "unread").await;
    tab.comes_to(in_sight, json!(true)).await;
    tab.assert_no_complaints().await;
}

/// The message that has the focus, if it is in sight.
const POINTED_AT: &str = "
    const it = document.activeElement.closest('.history .message');
    if (!it) return null;
    const box = document.querySelector('.history').getBoundingClientRect();
    const { top, bottom } = it.getBoundingClientRect();
    return top >= box.top && bottom <= box.bottom ? /Message \\d+\\./u.exec(it.innerText)?.[0] : null;";

async fn points_at(tab: &Tab, number: u32) {
    tab.comes_to(POINTED_AT, json!(format!("Message {number}.")))
        .await;
}

/// By its `seq`, by its id where it is near, by both, and by the quote that
/// answers it.
#[tokio::test]
async fn an_address_of_a_message_leads_to_it() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let ann = app.person("ann").await;
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
    tab.see_said("An answer").await;
    tab.click(".history .quote").await;
    points_at(&tab, 37).await;
    // One that is not there is said not to be.
    tab.goto("/settings").await;
    tab.goto(&format!("{page}#message-999999999")).await;
    tab.see_text(".toasts", "isn’t here any more").await;
    assert_eq!(tab.script(POINTED_AT, &[]).await, Value::Null);
    tab.assert_good().await;
}

/// A browser that goes back late, as a busy one does, to the entry that was
/// before the current one when the page asked.
const LATE_BACK: &str = "
    window.backs = 0;
    addEventListener('popstate', () => { window.backs += 1; });
    history.back = () => {
        const { length } = history;
        setTimeout(() => history.go(length - history.length - 1), 1000);
    };";

#[tokio::test]
async fn row_clicked_while_going_back_opens() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let tab = browsers.open_as(&ann, PHONE).await;
    tab.before_each_page(LATE_BACK).await;
    tab.goto("/messages").await;
    tab.click(".row").await;
    tab.click(".back").await;
    tab.click(".row").await;
    tab.comes_to("return window.backs", json!(1)).await;
    tab.see(WRITE).await;
    assert_eq!(tab.path().await, format!("/messages?conversation={id}"));
    // The thread leads back to one list.
    tab.back().await;
    tab.see(".row").await;
    tab.see_no("main.thread").await;
    assert_eq!(tab.path().await, "/messages");
}
