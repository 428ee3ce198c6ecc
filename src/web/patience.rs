//! Connections on which nothing gets on are ended.
//!
//! actix-http gives the head of a connection's first request a time, and the
//! pause between two requests. Not so the head of a later one, of which a byte
//! may come now and then for ever; nor a body; nor an answer that is taken as
//! slowly. So each connection has a watch beside it until it becomes a
//! socket, whose heartbeat and budget then see to it.

use std::cell::RefCell;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::Error;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use socket2::SockRef;
use tokio::sync::watch::{self, Receiver, Sender};
use tokio::time::timeout;

/// A connection, as its requests see it: where they say that it got on. Once it
/// is a socket there is nothing to say, and nothing kept for it.
struct Watched(RefCell<Option<Sender<()>>>);

/// Watches a connection that was accepted: where a step takes longer than
/// `patience`, it is ended without a word.
pub fn watch(
    stream: &actix_web::rt::net::TcpStream,
    connection: &mut Extensions,
    patience: Duration,
) {
    // A second handle, since the first is the dispatcher's.
    let socket = match SockRef::from(stream).try_clone() {
        Ok(socket) => socket,
        Err(error) => {
            tracing::warn!(%error, "can't watch a connection");
            return;
        }
    };
    let (steps, mut seen) = watch::channel(());
    connection.insert(Watched(RefCell::new(Some(steps))));
    actix_web::rt::spawn(async move {
        if is_stuck(&mut seen, patience).await {
            // It may have ended by itself.
            let _ = socket.shutdown(Shutdown::Both);
        }
    });
}

/// Waits until nothing gets on; false where there is nothing to watch any
/// more.
async fn is_stuck(seen: &mut Receiver<()>, patience: Duration) -> bool {
    loop {
        match timeout(patience, seen.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return false,
            Err(_) => return true,
        }
    }
}

/// Notes each request and its answer for the watch, and of a long answer each
/// piece that the connection has room for.
pub async fn note_steps(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let watched = request.request().conn_data::<Watched>();
    let steps = watched.and_then(|watched| watched.0.borrow().clone());
    let note = || steps.as_ref().map(|steps| steps.send_replace(()));
    note();
    let answer = next.call(request).await?;
    note();
    let becomes_socket = answer.status() == StatusCode::SWITCHING_PROTOCOLS;
    if becomes_socket && let Some(watched) = answer.request().conn_data::<Watched>() {
        watched.0.take();
    }
    let steps = steps.filter(|_| !becomes_socket);
    Ok(answer.map_body(|_, body| Noted {
        body: Box::pin(body),
        steps,
    }))
}

/// An answer whose pieces are noted as they are taken.
struct Noted<B> {
    body: Pin<Box<B>>,
    steps: Option<Sender<()>>,
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
        if let (Poll::Ready(Some(Ok(_))), Some(steps)) = (&piece, &self.steps) {
            steps.send_replace(());
        }
        piece
    }
}
