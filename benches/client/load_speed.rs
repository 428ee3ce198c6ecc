//! The first visit of a page with 50 conversations and a long history, on
//! networks of different speed.

use serde_json::{Value, json};

use crate::ClientServer;
use crate::figures::ClientFigures;
use crate::load::world::{LoadWorld, WorldPlan};
use crate::support::browser::{BrowserDriver, BrowserTab};

const CONVERSATIONS: usize = 50;

/// An emulated network.
struct SlowNetwork {
    name: &'static str,
    latency_millis: u32,
    kilobits: u32,
    /// Seconds until the page should be live.
    target: f64,
}

const NETWORKS: [SlowNetwork; 3] = [
    SlowNetwork {
        name: "load, local network",
        latency_millis: 0,
        kilobits: 100_000,
        target: 1.0,
    },
    SlowNetwork {
        name: "load, slow 3G (400 ms, 400 kbit/s)",
        latency_millis: 400,
        kilobits: 400,
        target: 3.5,
    },
    SlowNetwork {
        name: "load, 400 ms and 100 kbit/s",
        latency_millis: 400,
        kilobits: 100,
        target: 9.0,
    },
];

pub(crate) async fn run(driver: &BrowserDriver, figures: &mut ClientFigures) {
    let mut histories = vec![1; CONVERSATIONS];
    histories[0] = 1_000;
    let plan = WorldPlan {
        people: 2 * CONVERSATIONS + 4,
        histories,
        ..WorldPlan::default()
    };
    let server = ClientServer::start(LoadWorld::new(&plan).await).await;
    let path = format!("/messages?conversation={}", server.world.history(0));
    for network in NETWORKS {
        let tab = server.open_browser(driver).await;
        measure(&tab, &path, &network, figures).await;
        tab.close().await;
    }
    server.stop().await;
}

async fn measure(tab: &BrowserTab, path: &str, network: &SlowNetwork, figures: &mut ClientFigures) {
    let bytes_per_second = network.kilobits * 1000 / 8;
    let conditions = json!({
        "offline": false,
        "latency": network.latency_millis,
        "downloadThroughput": bytes_per_second,
        "uploadThroughput": bytes_per_second,
    });
    tab.devtools("Network.enable", json!({})).await;
    tab.devtools("Network.emulateNetworkConditions", conditions)
        .await;
    tab.network_events().await;
    tab.goto(path).await;
    // The last requests that the page sends by itself.
    tab.wait_for_value(
        "return performance.getEntriesByType('resource')
            .some(({ name }) => name.includes('/api/connections/'))",
        json!(true),
    )
    .await;
    let paint = tab
        .script(
            "return performance.getEntriesByName('first-contentful-paint')[0].startTime",
            &[],
        )
        .await;
    let visit = PageVisit::of(&tab.network_events().await);
    let name = network.name;
    figures.add_with_target(name, ("requests", 12.0), visit.requests as f64);
    figures.add_with_target(name, ("KB received", 153.6), visit.bytes / 1e3);
    figures.add(name, "first paint, s", paint.as_f64().unwrap() / 1e3);
    figures.add_with_target(
        name,
        ("live (first frame), s", network.target),
        visit.live_after,
    );
}

/// The network traffic of a page.
struct PageVisit {
    /// Requests by HTTP, and the socket.
    requests: usize,
    bytes: f64,
    /// Seconds from the request of the page to the first frame of the socket.
    live_after: f64,
}

impl PageVisit {
    fn of(events: &[Value]) -> Self {
        let of = |name: &str| {
            let name = name.to_owned();
            events
                .iter()
                .filter(move |event| event["method"] == json!(name))
        };
        let is_http = |event: &&Value| {
            let url = event["params"]["request"]["url"].as_str();
            url.is_some_and(|url| url.starts_with("http://"))
        };
        let time = |event: &Value| event["params"]["timestamp"].as_f64().unwrap();
        let asked: Vec<&Value> = of("Network.requestWillBeSent").filter(is_http).collect();
        let bytes = of("Network.loadingFinished");
        let bytes = bytes.filter_map(|event| event["params"]["encodedDataLength"].as_f64());
        let live = of("Network.webSocketFrameReceived").next();
        Self {
            requests: asked.len() + of("Network.webSocketCreated").count(),
            bytes: bytes.sum(),
            live_after: time(live.expect("a frame")) - time(asked[0]),
        }
    }
}
