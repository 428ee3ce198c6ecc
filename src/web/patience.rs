//! Connections on which nothing gets on are ended.
//!
//! actix-http gives the head of a connection's first request a time, and the
//! pause between two requests. It gives none to the head of a later request, to
//! a body, or to an answer that is taken slowly. So the requests of a
//! connection note their steps, and its stream ends when they stay away (see
//! [`super::transport`]). A socket's heartbeat and budget see to the rest.

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

/// How a connection gets on, as its requests and its stream see it.
#[derive(Clone, Debug)]
pub(super) struct Progress(Rc<ProgressCells>);

#[derive(Debug)]
struct ProgressCells {
    last_step: Cell<Instant>,
    is_socket: Cell<bool>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self(Rc::new(ProgressCells {
            last_step: Cell::new(Instant::now()),
            is_socket: Cell::new(false),
        }))
    }

    pub(super) fn last_step(&self) -> Instant {
        self.0.last_step.get()
    }

    pub(super) fn is_socket(&self) -> bool {
        self.0.is_socket.get()
    }

    fn note_step(&self) {
        self.0.last_step.set(Instant::now());
    }
}

/// Notes each request and its answer for the watch, and of a long answer each
/// piece that the connection has room for.
pub async fn note_steps(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let progress = request.request().conn_data::<Progress>().cloned();
    let note = || progress.as_ref().map(Progress::note_step);
    note();
    let answer = next.call(request).await?;
    note();
    let becomes_socket = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if becomes_socket && let Some(progress) = &progress {
        progress.0.is_socket.set(true);
    }
    let progress = progress.filter(|_| !becomes_socket);
    Ok(answer.map_body(|_, body| Noted {
        body: Box::pin(body),
        progress,
    }))
}

/// An answer whose pieces are noted as they are taken.
struct Noted<B> {
    body: Pin<Box<B>>,
    progress: Option<Progress>,
}

impl<B: MessageBody> MessageBody for Noted<B> {
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
            progress.note_step();
        }
        piece
    }
}
