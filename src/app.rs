//! Builds the application, runs it, and stops its parts in order.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use actix_web::dev::{Server, ServerHandle};
use actix_web::{HttpServer, web};
use socket2::{Domain, Socket, Type};
use tokio::task::JoinHandle;

use crate::auth::{CsrfTokens, DeviceTokens, FormerSecret, LoginTokens, Secret, SocketTickets};
use crate::config::{DatabaseUrl, ServerTimings, Settings};
use crate::engine::fault_hooks::FaultHooks;
use crate::engine::{Engine, ShutdownDeadline};
use crate::store::{FolderLock, ServeLock, Store, StoreError};
use crate::telemetry::{log_suppressed_lines, log_suppressed_periodically};
use crate::web::{
    AppState, HashingPool, PasswordChecks, UntrustedProxies, build_app, build_metrics_app,
    serve_watched,
};

/// Connections that may wait for `accept`: as many as Linux allows. After a
/// restart all clients reconnect at once. If the queue is full, a client
/// retries only after one second, then after two more, then four.
const LISTEN_BACKLOG: i32 = 4096;
/// The time that open requests have to finish at shutdown, in seconds.
const REQUEST_GRACE_SECONDS: u64 = 3;

/// An error that prevents the start. Its text is one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder can't be created or written.
    #[error("the data folder {0} can't be used: {1}")]
    Folder(String, io::Error),
    /// Another server uses the data folder.
    #[error("the data folder {0} is in use by another server")]
    FolderInUse(String),
    /// The server can't listen on the address.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, io::Error),
    /// The database can't be used.
    #[error("the database {0} can't be used: {reason}", reason = .1.reason())]
    Database(DatabaseUrl, StoreError),
    /// The schema is older than this binary.
    #[error("the schema of {0} is not up to date: run 'tidings migrate' first")]
    Outdated(DatabaseUrl),
    /// The system refused a resource that the server needs.
    #[error("the server can't start: {0}")]
    System(io::Error),
}

/// A server with open listeners; [`Application::run_until`] serves requests.
pub struct Application {
    address: SocketAddr,
    server: Server,
    metrics: Option<BoundServer>,
    engine: Engine,
    store: Store,
    /// Keeps a second server out of the data folder until this one stops.
    folder: FolderLock,
    serve_lock: Option<ServeLock>,
    timings: ServerTimings,
    data_dir: PathBuf,
}

impl Application {
    /// Builds the server within a running `actix` system.
    ///
    /// # Errors
    /// See [`StartError`]; nothing keeps running in that case.
    pub async fn build(settings: Settings) -> Result<Self, StartError> {
        Self::build_with_faults(settings, FaultHooks::default()).await
    }

    /// Builds the server with injected faults, for tests.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn build_with_faults(
        settings: Settings,
        faults: FaultHooks,
    ) -> Result<Self, StartError> {
        let folder = lock_folder(&settings.data_dir)?;
        let listener = listen(settings.listen)?;
        let address = listener.local_addr().map_err(StartError::System)?;
        let for_metrics = settings.metrics.listen.map(listen).transpose()?;
        let (store, serve_lock) = open_database(&settings.database_url, &faults).await?;
        let secret = Secret::load_or_create(&settings.data_dir)
            .map_err(|error| StartError::Folder(display_path(&settings.data_dir), error))?;
        let former = FormerSecret::load(&settings.data_dir)
            .map_err(|error| StartError::Folder(display_path(&settings.data_dir), error))?;
        let csrf = CsrfTokens::new(&secret);
        let csrf = csrf.map_err(|error| StartError::System(io::Error::other(error)))?;
        let devices = DeviceTokens::new(&secret);
        let devices = devices.map_err(|error| StartError::System(io::Error::other(error)))?;
        let hashing =
            HashingPool::new(&settings.rates, faults.clone()).map_err(StartError::System)?;
        store
            .maintenance()
            .check_epoch(&settings.data_dir)
            .await
            .map_err(|error| StartError::Database(settings.database_url.clone(), error))?;
        let engine = Engine::start(&settings, store.clone(), faults)
            .await
            .map_err(|error| StartError::Database(settings.database_url.clone(), error))?;
        let timings = settings.timings.clone();
        let state = web::Data::new(AppState {
            tokens: LoginTokens::new(&secret, settings.token_ttl).with_former(former.as_ref()),
            tickets: SocketTickets::default(),
            csrf,
            devices,
            store: store.clone(),
            engine: engine.clone(),
            hashing,
            untrusted_proxies: UntrustedProxies::default(),
            password_checks: PasswordChecks::default(),
            settings,
        });
        log_warnings(&state.settings);
        let data_dir = state.settings.data_dir.clone();
        match serve_all(listener, for_metrics, &state) {
            Ok((server, metrics)) => Ok(Self {
                address,
                server,
                metrics,
                engine,
                store,
                folder,
                serve_lock,
                timings,
                data_dir,
            }),
            Err(error) => {
                // Otherwise the threads of the engine keep running.
                engine
                    .stop(ShutdownDeadline::within(timings.stop_within))
                    .await;
                Err(StartError::System(error))
            }
        }
    }

    /// Returns the listening address, with the real port if 0 was configured.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the separate metrics listener, if there is one.
    #[must_use]
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().map(|(address, _)| *address)
    }

    /// Serves until `stop` resolves, or until another server has taken over the
    /// database. Then the server refuses sends, commits and delivers accepted
    /// ones, closes sockets with 1001, and sets users offline. Last, the server
    /// finishes open requests and closes the database.
    ///
    /// # Errors
    /// If the server fails, or if another server has taken over the database.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> io::Result<()> {
        tracing::info!(address = %self.address, "listening");
        let sums = tokio::spawn(log_suppressed_periodically());
        let serving = spawn_server(self.server);
        let metrics = self.metrics.map(|(address, server)| {
            tracing::info!(%address, "serving metrics");
            spawn_server(server)
        });
        let is_alone = tokio::select! {
            () = stop => true,
            () = wait_for_lock_loss(self.serve_lock.as_ref(), &self.timings) => false,
        };
        tracing::info!(is_alone, "stopping");
        let deadline = ShutdownDeadline::within(self.timings.stop_within);
        self.engine.stop(deadline).await;
        // A failed step does not keep the later ones from running.
        let mut ended = finish_requests(serving, deadline).await;
        if let Some(metrics) = metrics {
            ended = ended.and(finish_requests(metrics, deadline).await);
        }
        if deadline
            .run_step(self.engine.wait_for_tasks())
            .await
            .is_none()
        {
            tracing::warn!("background tasks did not end in time");
        }
        note_epoch(&self.store, &self.data_dir, deadline).await;
        if let Some(lock) = self.serve_lock
            && deadline.run_step(lock.release()).await.is_none()
        {
            tracing::warn!("the database lock was not released in time");
        }
        if deadline.run_step(self.store.close()).await.is_none() {
            tracing::warn!("the database was not closed in time");
        }
        drop(self.folder);
        sums.abort();
        log_suppressed_lines();
        tracing::info!("stopped");
        if is_alone {
            ended
        } else {
            Err(io::Error::other(
                "another server has taken over the database",
            ))
        }
    }
}

/// Saves the epoch's mark in the data folder. A start that finds a lower mark
/// in the database knows that the database is an older copy.
async fn note_epoch(store: &Store, folder: &Path, deadline: ShutdownDeadline) {
    match deadline
        .run_step(store.maintenance().save_epoch_note(folder))
        .await
    {
        Some(Ok(_)) => {}
        Some(Err(error)) => tracing::warn!(%error, "can't save the epoch note"),
        None => tracing::warn!("the epoch note was not saved in time"),
    }
}

/// A running server: the handle that stops it, and its task.
type RunningServer = (ServerHandle, JoinHandle<io::Result<()>>);

fn spawn_server(server: Server) -> RunningServer {
    (server.handle(), actix_web::rt::spawn(server))
}

/// Stops a server after its open requests have finished.
async fn finish_requests(
    (handle, serving): RunningServer,
    deadline: ShutdownDeadline,
) -> io::Result<()> {
    let finished = deadline.run_step(async {
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
    bind_listener(address).map_err(|error| StartError::Listen(address, error))
}

/// Binds like the standard library, except for the length of the backlog.
fn bind_listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    Ok(socket.into())
}

type BoundServer = (SocketAddr, Server);

/// Starts the server, and the separate metrics server if one is configured.
fn serve_all(
    listener: TcpListener,
    for_metrics: Option<TcpListener>,
    state: &web::Data<AppState>,
) -> io::Result<(Server, Option<BoundServer>)> {
    let metrics = for_metrics.map(|listener| serve_metrics(listener, state.clone()));
    let metrics = metrics.transpose()?;
    Ok((serve(listener, state.clone())?, metrics))
}

/// Starts the metrics server. One worker is enough for a few requests a minute.
fn serve_metrics(listener: TcpListener, state: web::Data<AppState>) -> io::Result<BoundServer> {
    let address = listener.local_addr()?;
    let server = HttpServer::new(move || build_metrics_app(state.clone()))
        .workers(1)
        .shutdown_timeout(REQUEST_GRACE_SECONDS)
        .disable_signals()
        .listen(listener)?;
    Ok((address, server.run()))
}

/// Waits until another server has taken over the database.
async fn wait_for_lock_loss(lock: Option<&ServeLock>, timings: &ServerTimings) {
    let Some(lock) = lock else {
        // The lock of the data folder ends only with the process.
        return std::future::pending().await;
    };
    lock.wait_until_lost(timings.lock_check_every, timings.lock_loss_grace)
        .await;
}

fn serve(listener: TcpListener, state: web::Data<AppState>) -> io::Result<Server> {
    let for_apps = state.clone();
    serve_watched(listener, state, REQUEST_GRACE_SECONDS, move || {
        build_app(for_apps.clone())
    })
}

/// Logs the warnings about unsafe settings. A user who tries the server at home
/// can ignore them; an operator of a public server must see them.
fn log_warnings(settings: &Settings) {
    for warning in settings.warnings() {
        tracing::warn!("{warning}");
    }
}

/// Creates the data folder if it is missing, accessible to its owner only.
///
/// # Errors
/// If the system refuses to create it.
pub fn create_data_folder(folder: &Path) -> Result<(), StartError> {
    if folder.exists() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StartError::Folder(display_path(folder), error))
}

/// Locks the data folder against other servers.
fn lock_folder(folder: &Path) -> Result<FolderLock, StartError> {
    create_data_folder(folder)?;
    FolderLock::try_acquire(folder)
        .map_err(|error| StartError::Folder(display_path(folder), error))?
        .ok_or_else(|| StartError::FolderInUse(display_path(folder)))
}

/// Opens the database and takes its lock. A SQLite database belongs to this
/// server, so it is migrated here. A PostgreSQL database may be shared, so an
/// operator migrates it explicitly.
async fn open_database(
    url: &DatabaseUrl,
    faults: &FaultHooks,
) -> Result<(Store, Option<ServeLock>), StartError> {
    let failed = |error| StartError::Database(url.clone(), error);
    let store = Store::open_probed(url, faults.sqlite_probe.clone())
        .await
        .map_err(failed)?;
    match url {
        DatabaseUrl::Sqlite(_) => store.maintenance().migrate().await.map_err(failed)?,
        DatabaseUrl::Postgres(_) => {
            if !store
                .maintenance()
                .has_current_schema()
                .await
                .map_err(failed)?
            {
                return Err(StartError::Outdated(url.clone()));
            }
        }
    }
    let serve_lock = store
        .maintenance()
        .acquire_serve_lock()
        .await
        .map_err(failed)?;
    Ok((store, serve_lock))
}

fn display_path(path: &Path) -> String {
    path.display().to_string()
}
