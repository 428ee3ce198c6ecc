//! Real headless Chromium browsers, each with its own profile: cookies and
//! storage.

mod axe;
mod input;
mod network;
mod user_actions;
mod waiting;

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

pub(crate) use network::NetworkState;
pub(crate) use user_actions::{COMPOSER, PANEL};

use super::app::TestSite;
use super::wait::within;

/// The driver process and the browsers that it started.
pub(crate) struct BrowserDriver {
    driver: Child,
    address: String,
}

/// One user's browser.
pub(crate) struct BrowserTab {
    client: Client,
    site: TestSite,
    /// Holds the browser's profile.
    _folder: TempDir,
}

/// The size of a browser's viewport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ScreenSize {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

pub(crate) const DESKTOP: ScreenSize = ScreenSize {
    width: 1280,
    height: 800,
};
pub(crate) const PHONE: ScreenSize = ScreenSize {
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
pub(crate) const ALT: &str = "\u{e00a}";

/// The arguments of every browser. They also keep Chromium itself from sending
/// requests to other hosts.
const BROWSER_ARGUMENTS: [&str; 13] = [
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

impl BrowserDriver {
    /// Starts a driver on a free port. If another process takes the port first,
    /// the driver ends, and the next attempt begins.
    pub(crate) async fn start() -> Self {
        for _ in 0..5 {
            if let Some(driver) = Self::try_start().await {
                return driver;
            }
        }
        panic!("five drivers ended at their start");
    }

    async fn try_start() -> Option<Self> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // The browsers join the driver's process group, so they end with
            // it.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: tests/run does that");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = within("the driver to start", async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    return Some(port.trim_end_matches('.').to_owned());
                }
            }
            None
        });
        let port = port.await?;
        // Reads the rest of the output, because a full pipe would block the
        // driver.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let address = format!("http://127.0.0.1:{port}");
        Some(Self { driver, address })
    }

    /// Opens a browser with a new profile.
    pub(crate) async fn open(&self, site: &TestSite, screen: ScreenSize) -> BrowserTab {
        let mut arguments = BROWSER_ARGUMENTS.to_vec();
        arguments.push("--hide-scrollbars");
        self.open_tab(site, screen, (&arguments, json!({}))).await
    }

    /// Opens a browser that refuses every cookie.
    pub(crate) async fn open_without_cookies(
        &self,
        site: &TestSite,
        screen: ScreenSize,
    ) -> BrowserTab {
        let refused = json!({ "profile.default_content_setting_values.cookies": 2 });
        self.open_tab(site, screen, (&BROWSER_ARGUMENTS, refused))
            .await
    }

    /// Opens a browser with the scrollbars of a desktop.
    pub(crate) async fn open_with_scrollbars(
        &self,
        site: &TestSite,
        screen: ScreenSize,
    ) -> BrowserTab {
        self.open_tab(site, screen, (&BROWSER_ARGUMENTS, json!({})))
            .await
    }

    async fn open_tab(
        &self,
        site: &TestSite,
        screen: ScreenSize,
        (arguments, preferences): (&[&str], Value),
    ) -> BrowserTab {
        let folder = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        arguments.push(format!("--user-data-dir={}", path(folder.path())));
        arguments.push(format!("--window-size={},{}", screen.width, screen.height));
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let mut builder =
            ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = within("a browser to start", builder.connect(&self.address)).await;
        let tab = BrowserTab {
            client: client.unwrap(),
            site: site.clone(),
            _folder: folder,
        };
        tab.size(screen).await;
        tab
    }
}

impl Drop for BrowserDriver {
    fn drop(&mut self) {
        if let Some(group) = self.driver.id() {
            let mut kill = std::process::Command::new("kill");
            // The group may have ended already.
            drop(kill.args(["-KILL", "--", &format!("-{group}")]).status());
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

impl BrowserTab {
    /// Opens a page of the site.
    pub(crate) async fn goto(&self, path: &str) {
        let url = self.site.url(path);
        within("a page", self.client.goto(&url)).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        within("a page", self.client.refresh()).await.unwrap();
    }

    /// Returns the path and query of the current page.
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

    /// Types into the focused element.
    pub(crate) async fn press(&self, keys: &str) {
        let mut presses = KeyActions::new("keyboard".to_owned());
        for value in keys.chars() {
            presses = presses.then(KeyAction::Down { value });
            if ![CONTROL, SHIFT, ALT].concat().contains(value) {
                presses = presses.then(KeyAction::Up { value });
            }
        }
        let pressed = self.client.perform_actions(presses);
        within("keys", pressed).await.unwrap();
        within("keys", self.client.release_actions()).await.unwrap();
    }

    pub(crate) async fn size(&self, screen: ScreenSize) {
        let metrics = json!({
            "width": screen.width,
            "height": screen.height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// Disables scripts from the next page load on.
    pub(crate) async fn disable_scripts(&self) {
        let off = json!({ "value": true });
        self.devtools("Emulation.setScriptExecutionDisabled", off)
            .await;
    }

    /// Emulates a user preference, such as `prefers-color-scheme` `dark`.
    pub(crate) async fn emulate_media(&self, feature: &str, value: &str) {
        let features = json!({ "features": [{ "name": feature, "value": value }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Returns a screenshot of the viewport as PNG.
    pub(crate) async fn take_screenshot(&self) -> Vec<u8> {
        within("a picture", self.client.screenshot()).await.unwrap()
    }

    /// Sends a command of the Chrome DevTools protocol.
    pub(crate) async fn devtools(&self, name: &str, parameters: Value) -> Value {
        let command = DriverExtension {
            path: "goog/cdp/execute",
            body: json!({ "cmd": name, "params": parameters }),
        };
        let done = within(name, self.client.issue_cmd(command)).await;
        done.unwrap()
    }

    /// Checks that the browser logged no warning or error, such as a script
    /// error, a violation of the content security policy or a missing file.
    pub(crate) async fn assert_no_console_errors(&self) {
        let complaints = self.console_errors().await;
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// Returns the warnings and errors logged since the last call.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let log = self.log("browser").await;
        let bad = log
            .iter()
            .filter(|entry| matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING")));
        let said = bad.map(|entry| entry["message"].to_string());
        // Chromium logs this for every page over plain HTTP from a host other
        // than localhost. The server itself warns of plain HTTP.
        let is_of_plain_http = "Cross-Origin-Opener-Policy header has been ignored";
        said.filter(|said| !said.contains(is_of_plain_http))
            .collect()
    }

    /// Returns the texts logged as information since the last call.
    pub(super) async fn console_infos(&self) -> Vec<String> {
        let log = self.log("browser").await;
        let infos = log.iter().filter(|entry| entry["level"] == "INFO");
        infos.map(|entry| entry["message"].to_string()).collect()
    }

    /// Returns the entries of a driver log since the last call.
    pub(crate) async fn log(&self, name: &str) -> Vec<Value> {
        let command = DriverExtension {
            path: "se/log",
            body: json!({ "type": name }),
        };
        let log = within("the log", self.client.issue_cmd(command)).await;
        serde_json::from_value(log.unwrap()).unwrap()
    }

    /// Returns the current window.
    pub(crate) async fn window(&self) -> WindowHandle {
        within("a window", self.client.window()).await.unwrap()
    }

    /// Opens another window of the same profile and switches to it.
    pub(crate) async fn new_window(&self) {
        let new = within("a window", self.client.new_window(true)).await;
        self.switch_window(new.unwrap().handle).await;
    }

    pub(crate) async fn switch_window(&self, window: WindowHandle) {
        let switched = self.client.switch_to_window(window);
        within("a window", switched).await.unwrap();
    }

    /// Closes the current window, which must not be the last one.
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

/// A command of the driver beyond the WebDriver standard.
#[derive(Debug)]
struct DriverExtension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for DriverExtension {
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
