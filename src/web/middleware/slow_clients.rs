//! Ends connections that make no progress.
//!
//! actix-http has timeouts for the head of a connection's first request and for
//! the pause between two requests. It has none for the head of a later request,
//! for a body, or for a response that the client reads slowly. So requests
//! record their progress, and the connection's stream ends after too long a
//! time without progress (see [`crate::web::transport`]). A WebSocket has its
//! heartbeat and byte budget instead.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use tokio::time::Instant;

/// The progress of a connection, shared by its requests and its stream.
#[derive(Clone, Debug)]
pub(in crate::web) struct ConnectionProgress(Rc<ProgressCells>);

#[derive(Debug)]
struct ProgressCells {
    last_step: Cell<Instant>,
    is_socket: Cell<bool>,
}

impl ConnectionProgress {
    pub(in crate::web) fn new() -> Self {
        Self(Rc::new(ProgressCells {
            last_step: Cell::new(Instant::now()),
            is_socket: Cell::new(false),
        }))
    }

    pub(in crate::web) fn last_step(&self) -> Instant {
        self.0.last_step.get()
    }

    pub(in crate::web) fn is_socket(&self) -> bool {
        self.0.is_socket.get()
    }

    fn record_step(&self) {
        self.0.last_step.set(Instant::now());
    }
}

/// Middleware: records each request and response as progress, and each chunk of
/// a response that the connection accepts.
pub(in crate::web) async fn track_progress(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let progress = request.request().conn_data::<ConnectionProgress>().cloned();
    let note = || progress.as_ref().map(ConnectionProgress::record_step);
    note();
    let answer = next.call(request).await?;
    note();
    let becomes_socket = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if becomes_socket && let Some(progress) = &progress {
        progress.0.is_socket.set(true);
    }
    let progress = progress.filter(|_| !becomes_socket);
    Ok(answer.map_body(|_, body| TrackedBody {
        body: Box::pin(body),
        progress,
    }))
}

/// A response body that records each chunk as progress.
struct TrackedBody<B> {
    body: Pin<Box<B>>,
    progress: Option<ConnectionProgress>,
}

impl<B: MessageBody> MessageBody for TrackedBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, B::Error>>> {
        let piece = self.body.as_mut().poll_next(context);
        if let (Poll::Ready(Some(Ok(_))), Some(progress)) = (&piece, &self.progress) {
            progress.record_step();
        }
        piece
    }
}
