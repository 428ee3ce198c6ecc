//! From a small phone to a wide screen: the page itself never scrolls, and
//! everything on it can be hit.

use serde_json::json;

use super::looks::assert_fits;
use crate::support::browser::{Browsers, Screen, Tab};
use crate::support::{Person, TestApp};

const SIZES: [Screen; 6] = [
    Screen {
        width: 320,
        height: 568,
    },
    Screen {
        width: 360,
        height: 720,
    },
    Screen {
        width: 768,
        height: 1_024,
    },
    Screen {
        width: 1_280,
        height: 800,
    },
    Screen {
        width: 1_440,
        height: 900,
    },
    Screen {
        width: 2_560,
        height: 1_440,
    },
];

/// So many groups that a list goes on below every screen, each with a count.
const GROUPS: usize = 28;

async fn crowded(ann: &Person, ben: &Person) -> i64 {
    for at in 0..GROUPS {
        let group = json!({ "title": format!("Group {at}."), "usernames": ["ann"] });
        let made = ben.post("/api/conversations/create/", group).await;
        let id = made.expect(201)["id"].as_i64().unwrap();
        ben.send(id, "News").await.expect(201);
    }
    ann.talk_with(ben).await
}

async fn assert_page_stands(tab: &Tab, what: &str) {
    let heights = "const { scrollHeight, scrollWidth } = document.documentElement;
         return [scrollHeight - innerHeight, scrollWidth - innerWidth]";
    let over = tab.script(heights, &[]).await;
    assert_eq!(over, json!([0, 0]), "{what}");
}

/// With scrollbars as people have them.
#[tokio::test]
async fn the_page_never_scrolls_whatever_its_size() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = crowded(&ann, &ben).await;
    let tab = browsers.open_with_scrollbars(app.site(), SIZES[3]).await;
    tab.log_in_as(&ann).await;
    for size in SIZES {
        tab.size(size).await;
        tab.goto("/messages").await;
        tab.see(".row .badge").await;
        assert_page_stands(&tab, &format!("the list, {size:?}")).await;
        assert_fits(&tab).await;
        tab.open_conversation(id).await;
        let said = format!("To {} px", size.width);
        ben.send(id, &said).await.expect(201);
        tab.see_said(&said).await;
        // It is read out, once, to those who listen.
        tab.comes_to(
            "return [...document.querySelectorAll('.ear p')].map((it) => it.textContent)",
            json!([format!("ben: {said}")]),
        )
        .await;
        assert_page_stands(&tab, &format!("a conversation, {size:?}")).await;
        assert_fits(&tab).await;
        tab.assert_good().await;
    }
    tab.size(SIZES[3]).await;
    tab.goto("/messages").await;
    tab.see(".row .badge").await;
    let rows = tab.script(ROWS_IN_SIGHT, &[]).await;
    assert!(rows.as_u64() >= Some(12), "{rows} rows in 800 px");
}

const ROWS_IN_SIGHT: &str = "
    return [...document.querySelectorAll('.rows .row')]
        .filter((it) => it.getBoundingClientRect().bottom <= innerHeight).length";

/// A page that says no is one for everybody, too; and so is one without a
/// script, small and dark.
#[tokio::test]
async fn refusals_and_pages_without_a_script_are_good_small_and_dark() {
    let (app, browsers) = (TestApp::spawn().await, Browsers::start().await);
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    for _ in 0..3 {
        ben.send(id, "News").await.expect(201);
    }
    let tab = browsers.open_as(&ann, SIZES[0]).await;
    for scheme in ["light", "dark"] {
        tab.prefers("prefers-color-scheme", scheme).await;
        for path in [
            "/messages?conversation=999999",
            "/profile/nobody",
            "/nowhere",
        ] {
            tab.goto(path).await;
            tab.see("a[href='/messages']").await;
            assert_eq!(tab.axe().await, [""; 0], "{path}");
            let complaints = tab.complaints().await;
            let is_refusal = |it: &String| it.contains("404");
            assert!(complaints.iter().all(is_refusal), "{complaints:?}");
        }
    }
    // None of ours comes, and axe-core, which is the driver's, still runs.
    tab.block(&["*.js"]).await;
    tab.open_conversation_plainly(id).await;
    tab.see_text(".unread-line", "3 unread").await;
    assert_eq!(tab.axe().await, [""; 0]);
    assert_page_stands(&tab, "without a script").await;
}
