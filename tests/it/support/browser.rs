//! A real Chromium, headless: each profile a browser of its own, with its own
//! cookies and storage.

mod axe;
mod input;
mod person;
mod seeing;
mod wire;

use std::path::Path;
use std::process::Stdio;

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::error::CmdError;
use fantoccini::wd::{WebDriverCompatibleCommand, WindowHandle};
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

pub(crate) use person::WRITE;
pub(crate) use wire::Network;

use super::app::Site;
use super::wait::within;

/// The driver, and with it every browser that it started.
pub(crate) struct Browsers {
    driver: Child,
    address: String,
}

/// One person's browser.
pub(crate) struct Tab {
    client: Client,
    site: Site,
    /// Its profile.
    _folder: TempDir,
}

/// What a browser is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

pub(crate) const DESKTOP: Screen = Screen {
    width: 1280,
    height: 800,
};
pub(crate) const PHONE: Screen = Screen {
    width: 360,
    height: 720,
};

pub(crate) const ENTER: &str = "\u{e007}";
pub(crate) const ESCAPE: &str = "\u{e00c}";
pub(crate) const TAB: &str = "\u{e004}";
pub(crate) const UP: &str = "\u{e013}";
pub(crate) const DOWN: &str = "\u{e015}";
pub(crate) const CONTROL: &str = "\u{e009}";
pub(crate) const SHIFT: &str = "\u{e008}";

/// Nothing here is asked of another host, not even by the browser itself.
const ARGUMENTS: [&str; 13] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--lang=en-GB",
];

impl Browsers {
    pub(crate) async fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Its browsers are in its group, and go with it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: tests/run does that");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = within("the driver to start", async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it goes on");
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return port.trim_end_matches('.').to_owned();
                }
            }
        })
        .await;
        // Whatever else it says is nobody's business, but has to go somewhere.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = format!("http://127.0.0.1:{port}");
        Self { driver, address }
    }

    /// A new browser, of somebody who was never here.
    pub(crate) async fn open(&self, site: &Site, screen: Screen) -> Tab {
        let mut arguments = ARGUMENTS.to_vec();
        arguments.push("--hide-scrollbars");
        self.begun(site, screen, &arguments).await
    }

    /// The same, with the scrollbars of a desktop.
    pub(crate) async fn open_with_scrollbars(&self, site: &Site, screen: Screen) -> Tab {
        self.begun(site, screen, &ARGUMENTS).await
    }

    async fn begun(&self, site: &Site, screen: Screen, arguments: &[&str]) -> Tab {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", path(folder.path())));
        arguments.push(format!("--window-size={},{}", screen.width, screen.height));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = within("a browser to start", builder.connect(&self.address)).await;
        let tab = Tab {
            client: client.unwrap(),
            site: site.clone(),
            _folder: folder,
        };
        tab.size(screen).await;
        tab
    }
}

impl Drop for Browsers {
    fn drop(&mut self) {
        if let Some(group) = self.driver.id() {
            let mut kill = std::process::Command::new("kill");
            // It may be gone already.
            drop(kill.args(["-KILL", "--", &format!("-{group}")]).status());
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl Tab {
    /// Goes to a page of the site.
    pub(crate) async fn goto(&self, path: &str) {
        let url = self.site.url(path);
        within("a page", self.client.goto(&url)).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        within("a page", self.client.refresh()).await.unwrap();
    }

    /// The path of the page, with its query.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        let query = url.query().map(|query| format!("?{query}"));
        format!("{}{}", url.path(), query.unwrap_or_default())
    }

    /// Runs a script that must not throw, and returns its value.
    pub(crate) async fn script(&self, script: &str, arguments: &[Value]) -> Value {
        self.try_script(script, arguments).await.unwrap()
    }

    /// Runs a script that may throw, for example if the page is not drawn yet.
    pub(super) async fn try_script(
        &self,
        script: &str,
        arguments: &[Value],
    ) -> Result<Value, CmdError> {
        let answer = self.client.execute(script, arguments.to_vec());
        within("a script", answer).await
    }

    /// Types where the focus is.
    pub(crate) async fn press(&self, keys: &str) {
        let mut presses = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            presses = presses.then(KeyAction::Down { value });
            if !CONTROL.contains(value) && !SHIFT.contains(value) {
                presses = presses.then(KeyAction::Up { value });
            }
        }
        let pressed = self.client.perform_actions(presses);
        within("keys", pressed).await.unwrap();
        within("keys", self.client.release_actions()).await.unwrap();
    }

    pub(crate) async fn size(&self, screen: Screen) {
        let metrics = json!({
            "width": screen.width,
            "height": screen.height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// As if scripts were switched off, from the next page on.
    pub(crate) async fn without_scripts(&self) {
        let off = json!({ "value": true });
        self.devtools("Emulation.setScriptExecutionDisabled", off)
            .await;
    }

    /// What the system prefers, such as `prefers-color-scheme` `dark`.
    pub(crate) async fn prefers(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// A picture of what is seen, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        within("a picture", self.client.screenshot()).await.unwrap()
    }

    /// A command of the browser's own protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let command = Extension {
            path: "goog/cdp/execute",
            body: json!({ "cmd": name, "params": parameters }),
        };
        let done = within(name, self.client.issue_cmd(command)).await;
        done.unwrap()
    }

    /// The browser had nothing to complain of: no error in a script, nothing
    /// that the content security policy refused, nothing missing.
    pub(crate) async fn assert_no_complaints(&self) {
        let complaints = self.complaints().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// What the browser complained of since this was asked last.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.log("browser").await;
        let bad = log
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        let said = bad.map(|entry| entry["message"].to_string());
        // So it is of every page by plain HTTP from another machine: that is
        // what such a page itself warns of.
        let is_of_plain_http = "Cross-Origin-Opener-Policy header has been ignored";
        said.filter(|said| !said.contains(is_of_plain_http))
            .collect()
    }

    /// What stands in one of the driver's logs since it was asked for last.
    pub(super) async fn log(&self, name: &str) -> Vec<Value> {
        let command = Extension {
            path: "se/log",
            body: json!({ "type": name }),
        };
        let log = within("the log", self.client.issue_cmd(command)).await;
        serde_json::from_value(log.unwrap()).unwrap()
    }

    /// The window that is looked at.
    pub(crate) async fn window(&self) -> WindowHandle {
        within("a window", self.client.window()).await.unwrap()
    }

    /// Opens another of the same profile, and looks at that.
    pub(crate) async fn new_window(&self) {
        let new = within("a window", self.client.new_window(true)).await;
        self.to_window(new.unwrap().handle).await;
    }

    pub(crate) async fn to_window(&self, window: WindowHandle) {
        let switched = self.client.switch_to_window(window);
        within("a window", switched).await.unwrap();
    }

    /// Closes the one that is looked at, but not the last.
    pub(crate) async fn close_window(&self) {
        within("a window", self.client.close_window())
            .await
            .unwrap();
    }

    pub(crate) async fn close(self) {
        within("a browser to close", self.client.close())
            .await
            .unwrap();
    }
}

/// What the driver understands beyond the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
