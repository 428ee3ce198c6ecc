//! What stands between a page and its server, and what goes over it.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::Tab;

/// A proxy that lets no socket through, as some offices have.
const NO_SOCKETS: &str = "
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

/// What a browser is told of its network.
pub(crate) enum Network {
    Here,
    Gone,
}

impl Tab {
    /// From the next page on, no socket comes into being.
    pub(crate) async fn without_sockets(&self) {
        self.before_each_page(NO_SOCKETS).await;
    }

    /// Runs a script before a page's own, from the next page on.
    pub(crate) async fn before_each_page(&self, script: &str) {
        self.devtools("Page.enable", json!({})).await;
        let source = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source)
            .await;
    }

    /// From now on nothing comes of what is asked of URLs like these.
    pub(crate) async fn block(&self, urls: &[&str]) {
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.setBlockedURLs", json!({ "urls": urls }))
            .await;
    }

    /// The bytes that came over the wire since this was asked last, heads and
    /// all, as the browser's network counts them: its own pages don't count.
    pub(crate) async fn received(&self) -> u64 {
        let log = self.log("performance").await;
        let entries = log.iter().filter_map(|entry| entry["message"].as_str());
        let events = entries.map(|text| serde_json::from_str::<Value>(text).unwrap());
        let mut asked = HashSet::new();
        let mut bytes = 0;
        for event in events {
            let Value::Object(message) = &event["message"] else {
                continue;
            };
            let about = &message["params"];
            let id = about["requestId"].to_string();
            match message["method"].as_str() {
                Some("Network.requestWillBeSent") if is_of_http(&about["request"]) => {
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

    /// Whether the network is there at all.
    pub(crate) async fn network(&self, is: Network) {
        let conditions = json!({
            "offline": matches!(is, Network::Gone),
            "latency": 0,
            "downloadThroughput": -1,
            "uploadThroughput": -1,
        });
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", conditions)
            .await;
    }

    /// Everything that the page asked for.
    pub(crate) async fn asked_for(&self) -> Vec<String> {
        let script = "return [...performance.getEntriesByType('navigation'),
             ...performance.getEntriesByType('resource')].map(({ name }) => name)";
        let all: Value = self.script(script, &[]).await;
        serde_json::from_value(all).unwrap()
    }
}

fn is_of_http(request: &Value) -> bool {
    let url = request["url"].as_str();
    url.is_some_and(|url| url.starts_with("http://"))
}
