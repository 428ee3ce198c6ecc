//! What a message costs the page of a small account and of a large one.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::ClientServer;
use crate::figures::ClientFigures;
use crate::load::world::{LoadWorld, WorldPlan};
use crate::support::browser::{BrowserDriver, BrowserTab};

const SMALL: usize = 6;
const LARGE: usize = 500;
/// The number of measured messages, and the time between two of them.
const MESSAGES: usize = 40;
const PACE: Duration = Duration::from_millis(100);

pub(crate) async fn run(driver: &BrowserDriver, figures: &mut ClientFigures) {
    let small = measure(driver, SMALL).await;
    let large = measure(driver, LARGE).await;
    for (count, account) in [(SMALL, &small), (LARGE, &large)] {
        let name = format!("{count} conversations");
        figures.add_with_target(&name, ("nodes", 3_000.0), account.nodes);
        figures.add(&name, "CPU per message, ms", account.cpu_millis);
    }
    let ratio = large.cpu_millis / small.cpu_millis;
    figures.add_with_target(
        &format!("{LARGE} conversations"),
        ("CPU per message, compared with the small account", 1.3),
        ratio,
    );
}

struct AccountCost {
    nodes: f64,
    cpu_millis: f64,
}

async fn measure(driver: &BrowserDriver, conversations: usize) -> AccountCost {
    // User 1 also has a conversation with user 2, who sends the messages.
    let plan = WorldPlan {
        people: 2 * conversations + 4,
        histories: vec![1; conversations - 1],
        ..WorldPlan::default()
    };
    let server = ClientServer::start(LoadWorld::new(&plan).await).await;
    let tab = server.open_browser(driver).await;
    tab.goto(&format!(
        "/messages?conversation={}",
        server.world.history(0)
    ))
    .await;
    tab.see(".days").await;
    load_whole_list(&tab).await;
    send(&server, 1..=5, &tab).await;
    let before = cpu_millis(&tab).await;
    send(&server, 6..=5 + MESSAGES, &tab).await;
    let spent = cpu_millis(&tab).await - before;
    let nodes = tab
        .script("return document.querySelectorAll('*').length", &[])
        .await;
    tab.close().await;
    server.stop().await;
    AccountCost {
        nodes: nodes.as_f64().unwrap(),
        cpu_millis: spent / MESSAGES as f64,
    }
}

/// Scrolls the list to its end, page by page, and back to its start.
async fn load_whole_list(tab: &BrowserTab) {
    let (mut height, mut unchanged) = (json!(0), 0);
    while unchanged < 5 {
        let script = "const box = document.querySelector('.side-scroll');
            box.scrollTop = box.scrollHeight;
            return box.scrollHeight";
        let now = tab.script(script, &[]).await;
        unchanged = if now == height { unchanged + 1 } else { 0 };
        height = now;
        tokio::time::sleep(PACE).await;
    }
    tab.script("document.querySelector('.side-scroll').scrollTop = 0", &[])
        .await;
}

/// Sends messages to user 1 at an even pace, and waits until the last one is
/// shown in the list.
async fn send(server: &ClientServer, numbers: std::ops::RangeInclusive<usize>, tab: &BrowserTab) {
    let last = *numbers.end();
    for number in numbers {
        let request = server
            .site
            .request(Method::POST, "/api/conversations/1/messages/")
            .bearer_auth(server.world.token(2))
            .json(&json!({ "text": format!("Measured message {number}.") }));
        server.site.send(request).await.expect(201);
        tokio::time::sleep(PACE).await;
    }
    tab.see_text(".rows .said", &format!("Measured message {last}."))
        .await;
}

/// Returns the time that the page has spent on scripts, styles and layout.
pub(crate) async fn cpu_millis(tab: &BrowserTab) -> f64 {
    tab.devtools("Performance.enable", json!({})).await;
    let answer = tab.devtools("Performance.getMetrics", json!({})).await;
    let parts = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
    let metrics = answer["metrics"].as_array().unwrap();
    let seconds = metrics
        .iter()
        .filter(|it| parts.contains(&it["name"].as_str().unwrap_or_default()))
        .map(|it| it["value"].as_f64().unwrap());
    seconds.sum::<f64>() * 1e3
}
