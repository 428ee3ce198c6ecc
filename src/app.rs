//! Puts it all together: start-up, and the order of stopping.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::middleware::{NormalizePath, TrailingSlash, from_fn};
use actix_web::{App, HttpServer, web};
use sea_orm::DatabaseConnection;

use crate::auth::{Csrf, Secret, Tokens};
use crate::config::{DatabaseUrl, Registration, Settings};
use crate::engine::testing::Faults;
use crate::engine::{Engine, session};
use crate::store::{FolderLock, Store, StoreError};
use crate::telemetry::RootSpan;
use crate::web::{State, cors, note_form_token, on_every_response, routes, show_refusals};

/// Unsent bytes up to which a session's heartbeat still runs.
const WRITE_BUFFER: usize = 256 * 1024;
/// How long a connection without a request is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// How long requests may take to finish once the server stops, in seconds.
const FINISH_REQUESTS: u64 = 3;

/// Why a server doesn't start: each is one line for whoever started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be made or written.
    #[error("the data folder {0} can't be used: {1}")]
    Folder(String, io::Error),
    /// Another server works on the data folder.
    #[error("the data folder {0} is in use by another server")]
    FolderInUse(String),
    /// The address can't be listened on.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The database can't be used.
    #[error("the database {0} can't be used: {1}")]
    Database(DatabaseUrl, StoreError),
    /// The schema is older than this binary.
    #[error("the schema of {0} is not up to date: run 'tidings migrate' first")]
    Outdated(DatabaseUrl),
    /// The system refused what a server needs.
    #[error("the server can't start: {0}")]
    System(io::Error),
}

/// A server that listens.
pub struct Application {
    address: SocketAddr,
    server: Server,
    engine: Engine,
    store: Store,
    /// What keeps a second server away, for as long as this one lives.
    _folder: FolderLock,
    alone: Option<DatabaseConnection>,
}

impl Application {
    /// Starts a server, within a running `actix` system.
    ///
    /// # Errors
    /// See [`StartError`]; nothing is left running then.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        Self::build_with(settings, Faults::default()).await
    }

    /// The same, with things that go wrong.
    ///
    /// # Errors
    /// As [`Application::build`].
    pub async fn build_with(settings: Settings, faults: Faults) -> Result<Self, StartError> {
        let folder = lock_folder(&settings.data_dir)?;
        warn_of_an_open_door(&settings);
        let listener = TcpListener::bind(settings.listen)
            .map_err(|error| StartError::Listen(settings.listen, error))?;
        let address = listener.local_addr().map_err(StartError::System)?;
        let (store, alone) = open_database(&settings.database_url).await?;
        let secret = Secret::load_or_create(&settings.data_dir)
            .map_err(|error| StartError::Folder(shown(&settings.data_dir), error))?;
        let engine = Engine::start(&settings, store.clone(), faults)
            .await
            .map_err(|error| StartError::Database(settings.database_url.clone(), error))?;
        let state = web::Data::new(State {
            tokens: Tokens::new(&secret, settings.token_ttl),
            csrf: Csrf::new(&secret)
                .map_err(|error| StartError::System(io::Error::other(error)))?,
            store: store.clone(),
            engine: engine.clone(),
            settings,
        });
        Ok(Self {
            address,
            server: serve(listener, state).map_err(StartError::System)?,
            engine,
            store,
            _folder: folder,
            alone,
        })
    }

    /// Where it listens; the port is a real one also where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` says so, then stops in order: no new sends, what
    /// was sent is on disk and told, every socket is closed with 1001, open
    /// requests are finished, nobody is left online, and the database is
    /// closed.
    ///
    /// # Errors
    /// Where the server itself fails.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tracing::info!(address = %self.address, "listening");
        let handle = self.server.handle();
        let serving = actix_web::rt::spawn(self.server);
        stop.await;
        tracing::info!("stopping");
        self.engine.stop().await;
        handle.stop(true).await;
        if let Some(lock) = self.alone {
            self.store.let_others(lock).await;
        }
        self.store.close().await;
        let served = serving.await.map_err(io::Error::other)?;
        tracing::info!("stopped");
        served
    }
}

fn serve(listener: TcpListener, state: web::Data<State>) -> io::Result<Server> {
    let body_max = state.settings.limits.body_max;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(note_form_token))
            .wrap(from_fn(show_refusals))
            .wrap(cors(&state.settings))
            .wrap(on_every_response())
            .wrap(tracing_actix_web::TracingLogger::<RootSpan>::new())
            .wrap(NormalizePath::new(TrailingSlash::Trim))
            .configure(|config| routes(config, body_max))
    })
    .on_connect(|connection, _| {
        if let Some(stream) = connection.downcast_ref() {
            session::secure(stream);
        }
    })
    .h1_write_buffer_size(WRITE_BUFFER)
    .keep_alive(KEEP_ALIVE)
    // One argon2 at a time and worker: the event loops keep their cores.
    .worker_max_blocking_threads(1)
    .shutdown_timeout(FINISH_REQUESTS)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

/// Who tries it at home should not have to think of this; who puts it on a
/// network should not have missed it.
fn warn_of_an_open_door(settings: &Settings) {
    if settings.registration == Registration::Open && !settings.listen.ip().is_loopback() {
        tracing::warn!(
            address = %settings.listen,
            "everybody who can reach this server may open an account: \
             --registration invite or closed (TIDINGS_REGISTRATION) prevents it"
        );
    }
}

/// Makes the data folder where there is none, for its owner alone.
///
/// # Errors
/// Where the system refuses.
pub fn make_folder(folder: &Path) -> Result<(), StartError> {
    if folder.exists() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StartError::Folder(shown(folder), error))
}

/// Keeps other servers out of the data folder.
fn lock_folder(folder: &Path) -> Result<FolderLock, StartError> {
    make_folder(folder)?;
    FolderLock::take(folder)
        .map_err(|error| StartError::Folder(shown(folder), error))?
        .ok_or_else(|| StartError::FolderInUse(shown(folder)))
}

/// SQLite is ours alone, so its schema is brought up to date here; a
/// PostgreSQL database may be shared, and is migrated when somebody says so.
async fn open_database(
    url: &DatabaseUrl,
) -> Result<(Store, Option<DatabaseConnection>), StartError> {
    let failed = |error| StartError::Database(url.clone(), error);
    let store = Store::open(url).await.map_err(failed)?;
    match url {
        DatabaseUrl::Sqlite(_) => store.migrate().await.map_err(failed)?,
        DatabaseUrl::Postgres(_) => {
            if !store.is_migrated().await.map_err(failed)? {
                return Err(StartError::Outdated(url.clone()));
            }
        }
    }
    let alone = store.hold_alone().await.map_err(failed)?;
    Ok((store, alone))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
