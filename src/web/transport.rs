//! Connections below HTTP: each takes one file descriptor, has its own timeout,
//! and counts against its address.
//!
//! The timeout is checked in the stream that the dispatcher reads and writes. A
//! separate task would need a second handle of the socket.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Extensions, Server, fn_service};
use actix_web::rt::net::TcpStream;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

use super::AppState;
use super::middleware::slow_clients::ConnectionProgress;
use crate::engine::rates::{ClientNetwork, RequestOrigin, SHARED_ADDRESS_FACTOR};
use crate::engine::session;
use crate::telemetry::{LimitedLine, admit_line};

/// How long the server reads and discards the rest of a body after it rejected
/// the request. If it closed at once, the connection could be reset before a
/// proxy has read the response (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// The maximum number of unsent bytes at which a session's heartbeat still
/// runs.
const WRITE_BUFFER: usize = 256 * 1024;
/// The number of threads per event loop for blocking work: compressing long
/// responses.
const BLOCKING_THREADS: usize = 4;

/// The number of connections per address; addresses without connections are
/// removed.
#[derive(Debug, Default)]
struct ConnectionCounts(Mutex<HashMap<ClientNetwork, u32>>);

/// A connection that counts for its address until this permit is dropped.
#[derive(Debug)]
struct ConnectionPermit {
    counts: Arc<ConnectionCounts>,
    from: ClientNetwork,
}

impl ConnectionCounts {
    /// Counts one more connection; `None` if there are `most` already.
    fn acquire(self: &Arc<Self>, from: ClientNetwork, most: u32) -> Option<ConnectionPermit> {
        let mut counts = self.0.lock();
        let count = counts.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(ConnectionPermit {
            counts: Arc::clone(self),
            from,
        })
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

/// A stream that fails if its connection makes no progress (see
/// [`super::middleware::slow_clients`]).
struct WatchedStream {
    stream: TcpStream,
    progress: ConnectionProgress,
    timeout: Duration,
    /// The timer of the next check; `None` for a WebSocket, which has a
    /// heartbeat.
    next_check: Option<Pin<Box<Sleep>>>,
    _permit: Option<ConnectionPermit>,
}

impl WatchedStream {
    fn new(stream: TcpStream, permit: Option<ConnectionPermit>, timeout: Duration) -> Self {
        Self {
            stream,
            progress: ConnectionProgress::new(),
            timeout,
            next_check: Some(Box::pin(sleep(timeout))),
            _permit: permit,
        }
    }

    /// Fails if the connection made no progress within the timeout. Otherwise a
    /// timer wakes the task when the timeout may have passed.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.progress.is_socket() {
            self.next_check = None;
        }
        let Some(next_check) = &mut self.next_check else {
            return Ok(());
        };
        while next_check.as_mut().poll(context).is_ready() {
            let due = self.progress.last_step() + self.timeout;
            if due <= Instant::now() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            next_check.as_mut().reset(due);
        }
        Ok(())
    }
}

impl AsyncRead for WatchedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WatchedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Starts a server whose connections are watched and counted. It serves HTTP/1
/// like `actix_web::HttpServer`, which gives no access to its streams.
///
/// # Errors
///
/// If the system refuses the listener.
pub fn serve_watched<F, I, S, B>(
    listener: TcpListener,
    state: actix_web::web::Data<AppState>,
    finish_requests: u64,
    factory: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let event_loops = cores.min(state.settings.limits.event_loops);
    let builder = Server::build()
        .workers(event_loops)
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .shutdown_timeout(finish_requests)
        .disable_signals();
    let stops = builder.graceful_shutdown_signal();
    let counts = Arc::new(ConnectionCounts::default());
    let builder = builder.listen("tidings", listener, move || {
        let (state, counts, stops) = (state.clone(), Arc::clone(&counts), stops.clone());
        let counters = Arc::clone(state.engine.counters());
        let app = factory()
            .into_factory()
            .map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stops = stops.clone();
                async move { stops.notified().await }
            })
            .keep_alive(state.settings.keep_alive)
            .client_request_timeout(state.settings.timings.head_within)
            .client_disconnect_timeout(LINGER)
            .h1_write_buffer_size(WRITE_BUFFER)
            .on_connect_ext(move |stream: &WatchedStream, data: &mut Extensions| {
                data.insert(counters.count_connection());
                data.insert(stream.progress.clone());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let accepted = accept_connection(&state, &counts, stream);
            async move { accepted.map_err(DispatchError::Io) }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// Prepares an accepted connection: counts it, sets socket options and watches
/// it.
fn accept_connection(
    state: &AppState,
    counts: &Arc<ConnectionCounts>,
    stream: TcpStream,
) -> io::Result<(WatchedStream, Option<SocketAddr>)> {
    let peer = stream.peer_addr()?;
    let permit = match connection_limit(state, peer.ip().to_canonical()) {
        None => None,
        Some(most) => {
            let from = RequestOrigin::of(Some(peer.ip())).customer_network();
            let permit = counts.acquire(from, most.get());
            Some(permit.ok_or_else(|| refuse_connection(peer.ip()))?)
        }
    };
    session::set_socket_options(&stream);
    let timeout = state.settings.timings.step_within;
    Ok((WatchedStream::new(stream, permit, timeout), Some(peer)))
}

/// Returns the maximum number of connections of an address; `None` is no limit.
fn connection_limit(state: &AppState, address: IpAddr) -> Option<NonZeroU32> {
    let most = state.settings.rates.connections?;
    if state.settings.trusted_proxies.contains(address) {
        return None;
    }
    let share = if state.untrusted_proxies.contains(address) {
        NonZeroU32::new(SHARED_ADDRESS_FACTOR)?
    } else {
        NonZeroU32::MIN
    };
    Some(most.saturating_mul(share))
}

fn refuse_connection(address: IpAddr) -> io::Error {
    if admit_line(LimitedLine::ConnectionRefused) {
        tracing::warn!(%address, "connection refused: too many connections from this address");
    }
    io::ErrorKind::QuotaExceeded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_until_they_end() {
        let counts = Arc::new(ConnectionCounts::default());
        let from = RequestOrigin::of(None).customer_network();
        let (one, two) = (counts.acquire(from, 2), counts.acquire(from, 2));
        assert!(one.is_some() && two.is_some());
        assert!(counts.acquire(from, 2).is_none());
        drop(one);
        assert!(counts.acquire(from, 2).is_some());
        drop(two);
        assert!(counts.0.lock().is_empty());
    }
}
