//! Connections below HTTP: each takes one descriptor, is watched by itself,
//! and counts against its address.
//!
//! The watch is in the stream that the dispatcher reads and writes, and not a
//! task beside it: that would need a second handle of the socket.

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

use super::State;
use super::patience::Progress;
use crate::engine::rates::{ClientNetwork, Origin, SHARE_OF_MANY};
use crate::engine::session;
use crate::telemetry::{LimitedLine, admit_line};

/// How long the server reads and drops the rest of a body after it refused the
/// request. A connection that is closed at once may be reset before a proxy has
/// read the answer (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// Unsent bytes up to which a session's heartbeat still runs.
const WRITE_BUFFER: usize = 256 * 1024;
/// Threads of each event loop for what blocks: long answers are compressed there.
const BLOCKING_THREADS: usize = 4;

/// How many connections each address has, of those that have any.
#[derive(Debug, Default)]
struct ConnectionCounts(Mutex<HashMap<ClientNetwork, u32>>);

/// One connection of an address, until it is dropped.
#[derive(Debug)]
struct ConnectionSeat {
    counts: Arc<ConnectionCounts>,
    from: ClientNetwork,
}

impl ConnectionCounts {
    /// Counts one more; none if there are `most` already.
    fn take(self: &Arc<Self>, from: ClientNetwork, most: u32) -> Option<ConnectionSeat> {
        let mut counts = self.0.lock();
        let count = counts.entry(from).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(ConnectionSeat {
            counts: Arc::clone(self),
            from,
        })
    }
}

impl Drop for ConnectionSeat {
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

/// A connection that ends if nothing gets on (see [`super::patience`]).
struct WatchedStream {
    stream: TcpStream,
    progress: Progress,
    patience: Duration,
    /// None once it is a socket, which has a heartbeat.
    next_look: Option<Pin<Box<Sleep>>>,
    _seat: Option<ConnectionSeat>,
}

impl WatchedStream {
    fn new(stream: TcpStream, seat: Option<ConnectionSeat>, patience: Duration) -> Self {
        Self {
            stream,
            progress: Progress::new(),
            patience,
            next_look: Some(Box::pin(sleep(patience))),
            _seat: seat,
        }
    }

    /// Fails if nothing got on for too long. Otherwise the task is woken at the
    /// next moment at which that may be so.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.progress.is_socket() {
            self.next_look = None;
        }
        let Some(next_look) = &mut self.next_look else {
            return Ok(());
        };
        while next_look.as_mut().poll(context).is_ready() {
            let due = self.progress.last_step() + self.patience;
            if due <= Instant::now() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            next_look.as_mut().reset(due);
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

/// A server of connections that are watched and counted. It serves HTTP/1 as
/// `actix_web::HttpServer` does, which gives no hand on its streams.
///
/// # Errors
/// If the system refuses the listener.
pub fn serve_watched<F, I, S, B>(
    listener: TcpListener,
    state: actix_web::web::Data<State>,
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
                data.insert(counters.connected());
                data.insert(stream.progress.clone());
            })
            .h1(map_config(app, |()| AppConfig::default()));
        fn_service(move |stream: TcpStream| {
            let accepted = accept(&state, &counts, stream);
            async move { accepted.map_err(DispatchError::Io) }
        })
        .and_then(http)
    })?;
    Ok(builder.run())
}

/// A connection that is served: secured, watched, and one of its address.
fn accept(
    state: &State,
    counts: &Arc<ConnectionCounts>,
    stream: TcpStream,
) -> io::Result<(WatchedStream, Option<SocketAddr>)> {
    let peer = stream.peer_addr()?;
    let seat = match most_of(state, peer.ip().to_canonical()) {
        None => None,
        Some(most) => {
            let from = Origin::of(Some(peer.ip())).customer();
            let seat = counts.take(from, most.get());
            Some(seat.ok_or_else(|| too_many(peer.ip()))?)
        }
    };
    session::secure(&stream);
    let patience = state.settings.timings.step_within;
    Ok((WatchedStream::new(stream, seat, patience), Some(peer)))
}

/// How many connections an address may have; none is no limit.
fn most_of(state: &State, address: IpAddr) -> Option<NonZeroU32> {
    let most = state.settings.rates.connections?;
    if state.settings.trusted_proxies.contains(address) {
        return None;
    }
    let share = match state.forwarders.contains(address) {
        true => NonZeroU32::new(SHARE_OF_MANY)?,
        false => NonZeroU32::MIN,
    };
    Some(most.saturating_mul(share))
}

fn too_many(address: IpAddr) -> io::Error {
    if admit_line(LimitedLine::ConnectionRefused) {
        tracing::warn!(%address, "connection refused: too many of this address");
    }
    io::ErrorKind::QuotaExceeded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_counted_until_they_end() {
        let counts = Arc::new(ConnectionCounts::default());
        let from = Origin::of(None).customer();
        let (one, two) = (counts.take(from, 2), counts.take(from, 2));
        assert!(one.is_some() && two.is_some());
        assert!(counts.take(from, 2).is_none());
        drop(one);
        assert!(counts.take(from, 2).is_some());
        drop(two);
        assert!(counts.0.lock().is_empty());
    }
}
