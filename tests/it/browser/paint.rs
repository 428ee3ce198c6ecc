//! The script moves and changes nothing that the server has drawn.

use serde_json::{Value, json};

use crate::groups::crew;
use crate::support::TestApp;
use crate::support::browser::{BrowserDriver, DESKTOP};

/// Records the place of each row and the visible text of each time, in each
/// animation frame since before the first paint.
const RECORD: &str = "
    window.seen = {};
    window.frames = 0;
    const note = (name, value) => {
        const values = (window.seen[name] ??= []);
        if (values.at(-1) !== value) values.push(value);
    };
    const look = () => {
        for (const row of document.querySelectorAll('.list .row')) {
            if (!row.checkVisibility()) continue;
            const name = row.querySelector('.row-name').textContent;
            note(name, Math.round(row.getBoundingClientRect().top));
            const time = row.querySelector('.row-time');
            if (time.checkVisibility({ visibilityProperty: true })) {
                note(`time of ${name}`, time.textContent);
            }
        }
        const isLive = document.documentElement.classList.contains('is-live');
        window.frames += isLive ? 1 : 0;
        window.early ||= !isLive && document.querySelector('.list .row') !== null;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);";

#[tokio::test]
async fn script_moves_no_row() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let names = ["ann", "ben", "cas", "dan", "eve"];
    let people = crew::friends(&app, &names).await;
    let ann = &people[0];
    let mut ids = Vec::new();
    for other in &people[1..4] {
        ids.push(other.open_direct_used(ann).await);
    }
    // The conversation in the middle is archived, and eve has none yet.
    crew::set_mine(ann, ids[1], json!({ "archived": true }))
        .await
        .expect(200);
    let stranger = app.register_user("fay").await;
    stranger.request_connection(ann).await.expect(201);
    let tab = browsers.open_as(ann, DESKTOP).await;
    let zone = json!({ "timezoneId": "Asia/Kolkata" });
    tab.devtools("Emulation.setTimezoneOverride", zone).await;
    let day = "UPDATE message SET created_at = created_at - 7200000";
    crate::groups::largest_group::run(&app, &[day.to_owned()]).await;
    let slow = json!({
        "offline": false, "latency": 200, "downloadThroughput": 100_000,
        "uploadThroughput": 100_000,
    });
    tab.devtools("Network.enable", json!({})).await;
    tab.devtools("Network.emulateNetworkConditions", slow).await;
    tab.run_before_pages(RECORD).await;
    tab.goto("/messages").await;
    tab.wait_for_value("return window.frames > 10", json!(true))
        .await;
    assert_eq!(
        tab.script("return window.early", &[]).await,
        json!(true),
        "the page is drawn before its script runs"
    );
    let seen = tab.script("return window.seen", &[]).await;
    let seen = seen.as_object().unwrap();
    assert_eq!(seen.len(), 6, "{seen:?}");
    for (name, values) in seen {
        let Value::Array(values) = values else {
            panic!("{name}");
        };
        assert_eq!(values.len(), 1, "{name}: {values:?}");
    }
    tab.see_text(".archive", "Archived").await;
    tab.assert_accessible().await;
}
