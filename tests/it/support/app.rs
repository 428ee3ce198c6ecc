//! A server: the real application, in a thread of its own.

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
use tidings::config::{Rates, Settings};
use tidings::engine::testing::Faults;
use tidings::store::Store;
use tokio::sync::oneshot;

use super::answer::Answer;
use super::database::TestDatabase;
use super::person::Person;
use super::wait::{DEADLINE, within};

/// A server on a port and a folder of its own. It stops when this is dropped.
pub(crate) struct TestApp {
    server: Option<Server>,
    site: Site,
    metrics: Option<Site>,
    settings: Settings,
    faults: Faults,
    // Dropped last: the server works on them.
    database: TestDatabase,
    folder: TempDir,
}

/// Where the server is, also after it moved: what every client shares.
#[derive(Clone)]
pub(crate) struct Site {
    address: Arc<RwLock<SocketAddr>>,
    client: reqwest::Client,
}

struct Server {
    stop: oneshot::Sender<()>,
    ended: mpsc::Receiver<io::Result<()>>,
}

type Change = Box<dyn FnOnce(&mut Settings)>;

/// How a server is to be.
#[derive(Default)]
pub(crate) struct Builder {
    change: Option<Change>,
    faults: Faults,
}

impl Builder {
    /// Changes what holds by default.
    pub(crate) fn settings(self, change: impl FnOnce(&mut Settings) + 'static) -> Self {
        Self {
            change: Some(Box::new(change)),
            ..self
        }
    }

    /// Lets things go wrong.
    pub(crate) fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Starts it, and waits until it listens.
    pub(crate) async fn spawn(self) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let database = TestDatabase::migrated(folder.path()).await;
        let mut settings = Settings {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            data_dir: folder.path().to_owned(),
            database_url: database.url().clone(),
            // Tests are in a hurry; those of the limits set their own.
            rates: Rates {
                typing: Rates::usual().typing,
                ..Rates::off()
            },
            // Machines that run tests may have little space.
            disk_reserve: 0,
            ..Settings::default()
        };
        if let Some(change) = self.change {
            change(&mut settings);
        }
        let (server, [address, metrics]) =
            Server::start(settings.clone(), self.faults.clone()).await;
        TestApp {
            server: Some(server),
            site: Site::at(address.unwrap()),
            metrics: metrics.map(Site::at),
            settings,
            faults: self.faults,
            database,
            folder,
        }
    }
}

impl TestApp {
    /// A server with nothing special about it.
    pub(crate) async fn spawn() -> Self {
        Self::builder().spawn().await
    }

    pub(crate) fn builder() -> Builder {
        Builder::default()
    }

    /// Stops it; it must have ended well.
    pub(crate) async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        // Whoever waits elsewhere goes on meanwhile.
        let ended = tokio::task::spawn_blocking(move || server.stop());
        ended.await.unwrap().unwrap();
    }

    /// Waits until it has stopped by itself: how it ended.
    pub(crate) async fn ended(&mut self) -> io::Result<()> {
        let Server { stop, ended } = self.server.take().unwrap();
        let waiting = tokio::task::spawn_blocking(move || ended.recv_timeout(DEADLINE));
        let ended = waiting.await.unwrap().unwrap();
        // Until here, nobody told it to.
        drop(stop);
        ended
    }

    /// Stops it and starts it again, on the same folder and database. People
    /// find it at its new port; their sockets are gone.
    pub(crate) async fn restart(&mut self) {
        self.stop().await;
        self.start().await;
    }

    /// Stops it and starts it again with other settings.
    pub(crate) async fn restart_with(&mut self, change: impl FnOnce(&mut Settings)) {
        self.stop().await;
        change(&mut self.settings);
        self.start().await;
    }

    /// Starts it again, once it has stopped.
    pub(crate) async fn start(&mut self) {
        let (server, [address, metrics]) =
            Server::start(self.settings.clone(), self.faults.clone()).await;
        *self.site.address.write() = address.unwrap();
        self.metrics = metrics.map(Site::at);
        self.server = Some(server);
    }

    pub(crate) fn site(&self) -> &Site {
        &self.site
    }

    /// Where its metrics are, if they have a listener of their own.
    pub(crate) fn metrics(&self) -> &Site {
        self.metrics.as_ref().unwrap()
    }

    /// Where its secret is.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The database, as another process has it.
    pub(crate) async fn store(&self) -> Store {
        self.database.store().await
    }

    /// Somebody new.
    pub(crate) async fn person(&self, username: &str) -> Person {
        Person::register(&self.site, username).await
    }

    /// Two new people who may message each other.
    pub(crate) async fn connected_pair(&self, one: &str, two: &str) -> (Person, Person) {
        // One after the other, so that their ids are in that order.
        let (one, two) = (self.person(one).await, self.person(two).await);
        one.connect_with(&two).await;
        (one, two)
    }

    /// Asks without being anybody.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.site.send(self.site.request(Method::GET, path)).await
    }

    /// Sends JSON without being anybody.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.site.post(path, &body).await
    }

    /// Logs in with the password that everybody has.
    pub(crate) async fn log_in(&self, username: &str) -> Answer {
        let body = json!({ "username": username, "password": super::person::PASSWORD });
        self.post("/api/auth/login/", body).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            let ended = server.stop();
            // A test that fails already says more than this could.
            if !std::thread::panicking() {
                ended.unwrap();
            }
        }
    }
}

impl Site {
    /// One whose server somebody else runs.
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

    /// A request to be completed by who makes it.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// Sends JSON without being anybody.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// Sends a request, and reads what comes back.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        within("an answer", async {
            Answer::read(request.send().await.unwrap()).await
        })
        .await
    }
}

impl Server {
    /// Starts it: where it listens, and where its metrics are.
    async fn start(settings: Settings, faults: Faults) -> (Self, [Option<SocketAddr>; 2]) {
        let (stop, stopped) = oneshot::channel();
        let (ends, ended) = mpsc::channel();
        let (started, listening) = oneshot::channel();
        std::thread::spawn(move || {
            let served = actix::System::new().block_on(async {
                let app = Application::build_with(settings, faults).await.unwrap();
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
