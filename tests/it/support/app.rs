//! The real application as a test server, in its own thread.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use parking_lot::RwLock;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidings::app::Application;
use tidings::config::{RateLimits, Settings};
use tidings::engine::testing::FaultHooks;
use tidings::store::Store;
use tokio::sync::oneshot;

use super::api_response::ApiResponse;
use super::database::TestDatabase;
use super::test_user::TestUser;
use super::wait::{DEADLINE, within};

/// A server with its own port and folder, stopped on drop.
pub(crate) struct TestApp {
    server: Option<TestServer>,
    site: TestSite,
    metrics: Option<TestSite>,
    settings: Settings,
    faults: FaultHooks,
    // Dropped last, because the server uses both.
    database: TestDatabase,
    folder: TempDir,
}

/// The server's current address, shared by all its clients. It changes when the
/// server restarts.
#[derive(Clone)]
pub(crate) struct TestSite {
    address: Arc<RwLock<SocketAddr>>,
    client: reqwest::Client,
}

struct TestServer {
    stop: oneshot::Sender<()>,
    ended: mpsc::Receiver<io::Result<()>>,
}

type SettingsChange = Box<dyn FnOnce(&mut Settings)>;

/// Settings and faults of a server to start.
#[derive(Default)]
pub(crate) struct TestAppBuilder {
    change: Option<SettingsChange>,
    faults: FaultHooks,
}

impl TestAppBuilder {
    /// Changes the default settings.
    pub(crate) fn settings(self, change: impl FnOnce(&mut Settings) + 'static) -> Self {
        Self {
            change: Some(Box::new(change)),
            ..self
        }
    }

    /// Injects faults.
    pub(crate) fn faults(self, faults: FaultHooks) -> Self {
        Self { faults, ..self }
    }

    /// Starts the server and waits until it listens.
    pub(crate) async fn spawn(self) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let database = TestDatabase::migrated(folder.path()).await;
        let mut settings = Settings {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data_dir: folder.path().to_owned(),
            database_url: database.url().clone(),
            // Most tests send faster than the limits allow. Tests of limits set
            // their own.
            rates: RateLimits {
                typing: RateLimits::standard().typing,
                ..RateLimits::off()
            },
            // Test machines may have little disk space.
            disk_reserve: 0,
            ..Settings::default()
        };
        if let Some(change) = self.change {
            change(&mut settings);
        }
        let (server, [address, metrics]) =
            TestServer::start(settings.clone(), self.faults.clone()).await;
        TestApp {
            server: Some(server),
            site: TestSite::at(address.unwrap()),
            metrics: metrics.map(TestSite::at),
            settings,
            faults: self.faults,
            database,
            folder,
        }
    }
}

impl TestApp {
    /// Starts a server with the default test settings.
    pub(crate) async fn spawn() -> Self {
        Self::builder().spawn().await
    }

    pub(crate) fn builder() -> TestAppBuilder {
        TestAppBuilder::default()
    }

    /// Stops the server and checks that it ended without an error.
    pub(crate) async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        // A blocking call here would stop the test's other tasks.
        let ended = tokio::task::spawn_blocking(move || server.stop());
        ended.await.unwrap().unwrap();
    }

    /// Waits until the server has stopped by itself, and returns its result.
    pub(crate) async fn ended(&mut self) -> io::Result<()> {
        let TestServer { stop, ended } = self.server.take().unwrap();
        let waiting = tokio::task::spawn_blocking(move || ended.recv_timeout(DEADLINE));
        let ended = waiting.await.unwrap().unwrap();
        // Dropping this earlier would have stopped the server.
        drop(stop);
        ended
    }

    /// Restarts the server on the same folder and database. Each [`TestUser`]
    /// uses its new port, but their sockets are closed.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Restarts the server with changed settings.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.stop().await;
        change(&mut self.settings);
        self.start().await;
    }

    /// Starts the server after [`Self::stop`].
    pub(crate) async fn start(&mut self) {
        let (server, [address, metrics]) =
            TestServer::start(self.settings.clone(), self.faults.clone()).await;
        *self.site.address.write() = address.unwrap();
        self.metrics = metrics.map(TestSite::at);
        self.server = Some(server);
    }

    pub(crate) fn site(&self) -> &TestSite {
        &self.site
    }

    /// Returns the site of the separate metrics listener. Fails if there is
    /// none.
    pub(crate) fn metrics(&self) -> &TestSite {
        self.metrics.as_ref().unwrap()
    }

    /// Returns the data folder, which also holds the server's secret.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// Opens the database like another process would.
    pub(crate) async fn store(&self) -> Store {
        self.database.store().await
    }

    /// Registers a new user.
    pub(crate) async fn register_user(&self, username: &str) -> TestUser {
        TestUser::register(&self.site, username).await
    }

    /// Registers two users and connects them, so that they may message each
    /// other.
    pub(crate) async fn register_connected(&self, one: &str, two: &str) -> (TestUser, TestUser) {
        // Registered in this order, so that `one` has the lower id.
        let (one, two) = (self.register_user(one).await, self.register_user(two).await);
        one.connect_with(&two).await;
        (one, two)
    }

    /// Sends a GET request without a login.
    pub(crate) async fn get(&self, path: &str) -> ApiResponse {
        self.site.send(self.site.request(Method::GET, path)).await
    }

    /// Sends JSON without a login.
    pub(crate) async fn post(&self, path: &str, body: Value) -> ApiResponse {
        self.site.post(path, &body).await
    }

    /// Logs in with [`super::PASSWORD`], which all test users have.
    pub(crate) async fn log_in(&self, username: &str) -> ApiResponse {
        let body = json!({ "username": username, "password": super::test_user::PASSWORD });
        self.post("/api/auth/login/", body).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let ended = server.stop();
            // A failing test already reports its own panic.
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

impl TestSite {
    /// Returns the site of a server that runs at `address`.
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address: Arc::new(RwLock::new(address)),
            client: reqwest::Client::new(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.read()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address())
    }

    /// Returns a request for the caller to complete.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends JSON without a login.
    pub(super) async fn post(&self, path: &str, body: &Value) -> ApiResponse {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a request and reads the whole response.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> ApiResponse {
        within("an answer", async {
            ApiResponse::read(request.send().await.unwrap()).await
        })
        .await
    }
}

impl TestServer {
    /// Starts the server. Returns its address and that of its metrics listener,
    /// which may be `None`.
    async fn start(settings: Settings, faults: FaultHooks) -> (Self, [Option<SocketAddr>; 2]) {
        let (stop, stopped) = oneshot::channel();
        let (ends, ended) = mpsc::channel();
        let (started, listening) = oneshot::channel();
        std::thread::spawn(move || {
            let served = actix::System::new().block_on(async {
                let app = Application::build_with_faults(settings, faults)
                    .await
                    .unwrap();
                let addresses = [Some(app.address()), app.metrics_address()];
                started.send(addresses).unwrap();
                app.run_until(async { drop(stopped.await) }).await
            });
            drop(ends.send(served));
        });
        let addresses = within("the server to start", listening).await.unwrap();
        (Self { stop, ended }, addresses)
    }

    fn stop(self) -> io::Result<()> {
        let _ = self.stop.send(());
        self.ended
            .recv_timeout(DEADLINE)
            .map_err(io::Error::other)?
    }
}
