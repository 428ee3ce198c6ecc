//! Measures the web client in a real browser: how soon a page is live on slow
//! networks, and what large accounts, large groups and long texts cost.
//!
//! `cargo bench --bench client` runs all scenarios. Words after `--` change
//! that:
//!
//! - `load`, `messages`, `group` and `paste` select scenarios.
//! - `server=PATH` measures another build, to compare the two.
//!
//! Each line has the target of a figure, if it has one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that can't continue should panic; results are printed"
)]

mod figures;
mod group;
mod load_speed;
mod messages;
mod paste;

/// Test data and the server process, from the load harness.
#[path = "../load"]
#[allow(dead_code, reason = "the load harness uses the rest")]
mod load {
    pub(crate) mod load_socket;
    pub(crate) mod process;
    pub(crate) mod relay;
    pub(crate) mod world;
}

/// The browser driver of the tests.
#[path = "../../tests/it"]
#[allow(
    dead_code,
    unused_imports,
    unused_macros,
    reason = "the tests use the rest"
)]
mod it {
    pub(crate) mod support;
}

use it::support;
use support::TestSite;
use support::browser::{BrowserDriver, BrowserTab, DESKTOP};
use tokio::task::LocalSet;

use figures::ClientFigures;
use load::process::LoadProcess;
use load::world::LoadWorld;

const SCENARIOS: [&str; 4] = ["load", "messages", "group", "paste"];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen = |name: &str| {
        let mut named = words
            .iter()
            .filter(|word| SCENARIOS.contains(&word.as_str()));
        named.clone().next().is_none() || named.any(|word| word == name)
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async {
        let driver = BrowserDriver::start().await;
        let mut figures = ClientFigures::default();
        for name in SCENARIOS.into_iter().filter(|name| is_chosen(name)) {
            match name {
                "load" => load_speed::run(&driver, &mut figures).await,
                "messages" => messages::run(&driver, &mut figures).await,
                "group" => group::run(&driver, &mut figures).await,
                _ => paste::run(&driver, &mut figures).await,
            }
        }
        figures.print_table();
    });
}

/// A server with its data.
pub(crate) struct ClientServer {
    world: LoadWorld,
    site: TestSite,
    process: LoadProcess,
}

impl ClientServer {
    pub(crate) async fn start(world: LoadWorld) -> Self {
        let process = LoadProcess::start_server(&world).await;
        Self {
            site: TestSite::at(process.address()),
            process,
            world,
        }
    }

    /// Opens a browser in which user 1 is logged in. Its cache is empty.
    pub(crate) async fn open_browser(&self, driver: &BrowserDriver) -> BrowserTab {
        let tab = driver.open(&self.site, DESKTOP).await;
        tab.log_in_with(&self.site, &self.world.token(1)).await;
        tab
    }

    /// Stops the server before its folder is removed.
    pub(crate) async fn stop(self) {
        self.process.stop().await;
    }
}
