//! Checks incoming frames (RFC 6455, section 5), and yields to other tasks
//! between frames.
//!
//! The codec of `actix_web_actors` buffers a whole frame before it checks the
//! length, so a client could make it allocate a gigabyte. It also accepts some
//! invalid frames, and reports errors only as text. So the byte stream is
//! checked before the codec. The checked stream ends at the first invalid byte,
//! after all earlier frames were read.
//!
//! An actor is polled until it has handled every frame that has arrived. A
//! thousand frames of one client would delay all clients on the same thread. So
//! frames are passed on one by one, and each uses part of its task's budget.

mod scanner;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, mem};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::task::coop::poll_proceed;

pub(super) use scanner::FrameFault;
use scanner::{FrameScanner, ScannedBytes};

/// Steps per frame, of the 128 that tokio gives a task at a time: the task
/// yields after sixteen frames.
const STEPS_PER_FRAME: usize = 8;

/// A payload stream in pieces of at most one frame, which ends at the first
/// invalid byte.
pub(super) struct FrameGuard<S> {
    stream: S,
    scanner: FrameScanner,
    /// Bytes that have arrived but weren't passed on.
    rest: Bytes,
    /// Whole frames that were passed on but not read yet.
    unread_frames: usize,
    fault: Option<FrameFault>,
}

impl<S> FrameGuard<S> {
    /// Returns a guard for frames of at most `frame_max` bytes.
    pub(super) fn new(stream: S, frame_max: usize) -> Self {
        Self {
            stream,
            scanner: FrameScanner::new(frame_max),
            rest: Bytes::new(),
            unread_frames: 0,
            fault: None,
        }
    }
}

impl<S> FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(bytes)) => self.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        for _ in 0..STEPS_PER_FRAME {
            ready!(poll_proceed(cx)).made_progress();
        }
        match self.scanner.scan(&self.rest) {
            Ok(ScannedBytes { length, is_whole }) => {
                self.unread_frames += usize::from(is_whole);
                let piece = if length < self.rest.len() {
                    self.rest.split_to(length)
                } else {
                    mem::take(&mut self.rest)
                };
                Poll::Ready(Some(Ok(piece)))
            }
            Err(fault) => {
                self.fault = Some(fault);
                self.poll_fault(fault, cx)
            }
        }
    }

    /// Returns the fault once every frame before it was read.
    fn poll_fault(
        &self,
        fault: FrameFault,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if self.unread_frames > 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let fault = io::Error::new(io::ErrorKind::InvalidData, fault);
        Poll::Ready(Some(Err(PayloadError::Io(fault))))
    }
}

impl<S> Stream for FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let polled = match this.fault {
            Some(fault) => this.poll_fault(fault, cx),
            None => this.poll_piece(cx),
        };
        // The reader polls until it gets `Pending`, and then decodes one of the
        // frames.
        if polled.is_pending() {
            this.unread_frames = this.unread_frames.saturating_sub(1);
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{StreamExt, stream};
    use tokio::task::yield_now;

    use super::scanner::tests::frame;
    use super::*;

    /// Guards against a client whose thousand frames delay all others.
    #[tokio::test]
    async fn stream_yields_after_sixteen_frames() {
        let all = Bytes::from(frame(15).repeat(1_000));
        let come = stream::iter([Ok(all.clone())]).chain(stream::pending());
        let mut guard = FrameGuard::new(come, 100);
        let (mut received, mut turns) = (Vec::new(), 0);
        while received.len() < all.len() {
            let before = received.len();
            poll_fn(|cx| {
                while let Poll::Ready(piece) = Pin::new(&mut guard).poll_next(cx) {
                    received.extend(piece.unwrap().unwrap());
                }
                Poll::Ready(())
            })
            .await;
            let frames = (received.len() - before) / frame(15).len();
            assert!((1..=128 / STEPS_PER_FRAME).contains(&frames), "{frames}");
            turns += 1;
            yield_now().await;
        }
        assert_eq!(received, all);
        assert!(turns > 1_000 * STEPS_PER_FRAME / 128 - 1, "{turns}");
    }
}
