//! Puts it all together: start-up, and the order of stopping.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::{Compress, NormalizePath, TrailingSlash, from_fn};
use actix_web::{App, HttpServer, web};
use socket2::{Domain, Socket, Type};
use tokio::task::JoinHandle;

use crate::auth::{Csrf, DeviceTokens, FormerSecret, Secret, Tickets, Tokens};
use crate::config::{DatabaseUrl, Settings, Timings};
use crate::engine::testing::Faults;
use crate::engine::{Deadline, Engine};
use crate::store::{FolderLock, ServeLock, Store, StoreError};
use crate::telemetry::{RootSpan, sum_up_each_minute, sum_up_lines};
use crate::web::{
    Forwarders, Hashing, PasswordChecks, State, brings_no_body, can_be_met, cors, count_requests,
    explain_cors, metrics_alone, note_steps, on_every_response, public_metrics, routes,
    serve_watched, show_refusals,
};

/// Connections that may wait to be let in: as many as Linux allows. All come
/// back at once when a server was gone, and who isn't taken note of tries again
/// only after a second, then after two more, then four.
const BACKLOG: i32 = 4096;
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
    #[error("the database {0} can't be used: {reason}", reason = .1.reason())]
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
    metrics: Option<WithAddress>,
    engine: Engine,
    store: Store,
    /// What keeps a second server away, for as long as this one lives.
    folder: FolderLock,
    alone: Option<ServeLock>,
    timings: Timings,
    data_dir: PathBuf,
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
        let listener = listen(settings.listen)?;
        let address = listener.local_addr().map_err(StartError::System)?;
        let for_metrics = settings.metrics.listen.map(listen).transpose()?;
        let (store, alone) = open_database(&settings.database_url, &faults).await?;
        let secret = Secret::load_or_create(&settings.data_dir)
            .map_err(|error| StartError::Folder(shown(&settings.data_dir), error))?;
        let former = FormerSecret::load(&settings.data_dir)
            .map_err(|error| StartError::Folder(shown(&settings.data_dir), error))?;
        let csrf = Csrf::new(&secret);
        let csrf = csrf.map_err(|error| StartError::System(io::Error::other(error)))?;
        let devices = DeviceTokens::new(&secret);
        let devices = devices.map_err(|error| StartError::System(io::Error::other(error)))?;
        let hashing = Hashing::new(&settings.rates, faults.clone()).map_err(StartError::System)?;
        store
            .check_epoch(&settings.data_dir)
            .await
            .map_err(|error| StartError::Database(settings.database_url.clone(), error))?;
        let engine = Engine::start(&settings, store.clone(), faults)
            .await
            .map_err(|error| StartError::Database(settings.database_url.clone(), error))?;
        let timings = settings.timings.clone();
        let state = web::Data::new(State {
            tokens: Tokens::new(&secret, settings.token_ttl).with_former(former.as_ref()),
            tickets: Tickets::default(),
            csrf,
            devices,
            store: store.clone(),
            engine: engine.clone(),
            hashing,
            forwarders: Forwarders::default(),
            password_checks: PasswordChecks::default(),
            settings,
        });
        tell_what_is_unsafe(&state.settings);
        let data_dir = state.settings.data_dir.clone();
        match serve_all(listener, for_metrics, &state) {
            Ok((server, metrics)) => Ok(Self {
                address,
                server,
                metrics,
                engine,
                store,
                folder,
                alone,
                timings,
                data_dir,
            }),
            Err(error) => {
                // Its threads would outlive it.
                engine.stop(Deadline::within(timings.stop_within)).await;
                Err(StartError::System(error))
            }
        }
    }

    /// Where it listens; the port is a real one also where 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the metrics are, if they have a listener of their own.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// Serves until `stop` says so, then stops in order: no new sends, what
    /// was sent is on disk and told, every socket is closed with 1001, open
    /// requests are finished, nobody is left online, and the database is
    /// closed. It also stops where another server has taken the database.
    ///
    /// # Errors
    /// Where the server itself fails, or isn't alone any more.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tracing::info!(address = %self.address, "listening");
        let sums = tokio::spawn(sum_up_each_minute());
        let serving = run(self.server);
        let metrics = self.metrics.map(|(address, server)| {
            tracing::info!(%address, "metrics listen");
            run(server)
        });
        let is_alone = tokio::select! {
            () = stop => true,
            () = not_alone(self.alone.as_ref(), &self.timings) => false,
        };
        tracing::info!(is_alone, "stopping");
        let deadline = Deadline::within(self.timings.stop_within);
        self.engine.stop(deadline).await;
        // Whatever fails from here on, the rest is stopped too.
        let mut ended = finish(serving, deadline).await;
        if let Some(metrics) = metrics {
            ended = ended.and(finish(metrics, deadline).await);
        }
        if deadline.step(self.engine.tasks_ended()).await.is_none() {
            tracing::warn!("some tasks did not end in time");
        }
        note_epoch(&self.store, &self.data_dir, deadline).await;
        if let Some(lock) = self.alone
            && deadline.step(lock.let_others()).await.is_none()
        {
            tracing::warn!("the database's lock was not given back in time");
        }
        if deadline.step(self.store.close()).await.is_none() {
            tracing::warn!("the database was not closed in time");
        }
        drop(self.folder);
        sums.abort();
        sum_up_lines();
        tracing::info!("stopped");
        match is_alone {
            true => ended,
            false => Err(io::Error::other("another server has taken the database")),
        }
    }
}

/// Notes how far the database is at the end: an older copy of it is behind.
async fn note_epoch(store: &Store, folder: &Path, deadline: Deadline) {
    match deadline.step(store.note_epoch(folder)).await {
        Some(Ok(_)) => {}
        Some(Err(error)) => tracing::warn!(%error, "can't note how far the database is"),
        None => tracing::warn!("how far the database is was not noted in time"),
    }
}

/// A server that runs, and how to stop it.
type Running = (ServerHandle, JoinHandle<io::Result<()>>);

fn run(server: Server) -> Running {
    (server.handle(), actix_web::rt::spawn(server))
}

/// Has a server finish the requests that are open.
async fn finish((handle, serving): Running, deadline: Deadline) -> io::Result<()> {
    let finished = deadline.step(async {
        handle.stop(true).await;
        serving.await
    });
    let Some(ended) = finished.await else {
        tracing::warn!("some requests did not finish in time");
        return Ok(());
    };
    ended.map_err(io::Error::other)?
}

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    bind(address).map_err(|error| StartError::Listen(address, error))
}

/// As the standard library binds, but for how many may wait to be let in.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

type WithAddress = (SocketAddr, Server);

/// The server, and that of the metrics where they have one of their own.
fn serve_all(
    listener: TcpListener,
    for_metrics: Option<TcpListener>,
    state: &web::Data<State>,
) -> io::Result<(Server, Option<WithAddress>)> {
    let metrics = for_metrics.map(|listener| serve_metrics(listener, state.clone()));
    let metrics = metrics.transpose()?;
    Ok((serve(listener, state.clone())?, metrics))
}

/// One worker is enough for who asks a few times a minute.
fn serve_metrics(listener: TcpListener, state: web::Data<State>) -> io::Result<WithAddress> {
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || {
        App::new()
            .app_data(state.clone())
            .wrap(on_every_response(&state.settings))
            .configure(metrics_alone)
    })
    .workers(1)
    .shutdown_timeout(FINISH_REQUESTS)
    .disable_signals()
    .listen(listener)?;
    Ok((address, server.run()))
}

/// Comes to an end where another server works on the database.
async fn not_alone(lock: Option<&ServeLock>, timings: &Timings) {
    let Some(lock) = lock else {
        // The folder's lock goes only with the process.
        return std::future::pending().await;
    };
    lock.lost(timings.alone_check_every, timings.alone_patience)
        .await;
}

fn serve(listener: TcpListener, state: web::Data<State>) -> io::Result<Server> {
    let for_apps = state.clone();
    serve_watched(listener, state, FINISH_REQUESTS, move || {
        let state = &for_apps;
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(brings_no_body))
            .wrap(from_fn(show_refusals))
            .wrap(cors(&state.settings))
            .wrap(from_fn(explain_cors))
            .wrap(on_every_response(&state.settings))
            .wrap(from_fn(count_requests))
            // Of pages, styles and JSON a fifth is left. Nobody guesses at a
            // page's secret by that length: it looks different each time (see
            // `auth::Csrf`).
            .wrap(Compress::default())
            .wrap(from_fn(can_be_met))
            .wrap(tracing_actix_web::TracingLogger::<RootSpan>::new())
            .wrap(NormalizePath::new(TrailingSlash::Trim))
            .wrap(from_fn(note_steps))
            .configure(|config| public_metrics(config, &state.settings))
            .configure(routes)
    })
}

/// Who tries it at home should not have to think of this; who puts it on a
/// network should not have missed it.
fn tell_what_is_unsafe(settings: &Settings) {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
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
    faults: &Faults,
) -> Result<(Store, Option<ServeLock>), StartError> {
    let failed = |error| StartError::Database(url.clone(), error);
    let store = Store::open_probed(url, faults.sqlite_probe.clone())
        .await
        .map_err(failed)?;
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
