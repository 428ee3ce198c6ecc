//! The network between a page and its server: faults and traffic.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::BrowserTab;

/// Makes every WebSocket fail, as behind a proxy that blocks upgrades.
const NO_SOCKETS_SCRIPT: &str = "
    window.WebSocket = class extends EventTarget {
        static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
        readyState = 0;
        constructor() {
            super();
            setTimeout(() => {
                this.readyState = 3;
                this.dispatchEvent(new CloseEvent('close', { code: 1006 }));
            });
        }
        send() {}
        close() {}
    }";

/// The state of the browser's network.
pub(crate) enum NetworkState {
    Online,
    Offline,
}

impl BrowserTab {
    /// Makes every socket fail from the next page load on.
    pub(crate) async fn disable_sockets(&self) {
        self.run_before_pages(NO_SOCKETS_SCRIPT).await;
    }

    /// Runs a script before the scripts of each page, from the next page load
    /// on.
    pub(crate) async fn run_before_pages(&self, script: &str) {
        self.devtools("Page.enable", json!({})).await;
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source)
            .await;
    }

    /// Blocks requests to URLs that match these patterns.
    pub(crate) async fn block_urls(&self, urls: &[&str]) {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setBlockedURLs", json!({ "urls": urls }))
            .await;
    }

    /// Returns the bytes received over HTTP since the last call, including
    /// headers. Requests of the browser's internal pages don't count.
    pub(crate) async fn bytes_received(&self) -> u64 {
        let mut asked = HashSet::new();
        let mut bytes = 0;
        for message in self.network_events().await {
            let about = &message["params"];
            let id = about["requestId"].to_string();
            match message["method"].as_str() {
                Some("Network.requestWillBeSent") if is_http(&about["request"]) => {
                    asked.insert(id);
                }
                Some("Network.loadingFinished") if asked.contains(&id) => {
                    bytes += about["encodedDataLength"].as_f64().unwrap() as u64;
                }
                _ => {}
            }
        }
        bytes
    }

    /// Returns the events of the DevTools protocol since the last call, each with
    /// its `method` and `params`.
    pub(crate) async fn network_events(&self) -> Vec<Value> {
        let log = self.log("performance").await;
        let entries = log.iter().filter_map(|entry| entry["message"].as_str());
        let events = entries.map(|text| serde_json::from_str::<Value>(text).unwrap());
        events.map(|mut event| event["message"].take()).collect()
    }

    /// Switches the network on or off.
    pub(crate) async fn set_network(&self, is: NetworkState) {
        let conditions = json!({
            "offline": matches!(is, NetworkState::Offline),
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        });
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", conditions)
            .await;
    }

    /// Returns the URLs of all requests of the page.
    pub(crate) async fn requested_urls(&self) -> Vec<String> {
        let script = "return [...performance.getEntriesByType('navigation'),
             ...performance.getEntriesByType('resource')].map(({ name }) => name)";
        let all: Value = self.script(script, &[]).await;
        serde_json::from_value(all).unwrap()
    }
}

fn is_http(request: &Value) -> bool {
    let url = request["url"].as_str();
    url.is_some_and(|url| url.starts_with("http://"))
}
