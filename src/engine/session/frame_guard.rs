//! Checks frames on their way in (RFC 6455, section 5), and lets others have
//! their turn between frames.
//!
//! The codec behind `actix_web_actors` waits for a whole frame before it
//! looks at its length: a client that announces a gigabyte could have that
//! much of our memory. It also reports faults as text alone, and accepts some.
//! So the stream of bytes is checked on its way in, and ends at the first
//! byte that breaks a rule, after the frames before it were read.
//!
//! An actor is polled until it has taken every frame that has come: a thousand
//! of one client before one of another on the same thread. So frames go in one
//! by one, and each takes some of what its task may do in one go.

mod scanner;

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::{io, mem};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::task::coop::poll_proceed;

pub(super) use scanner::FrameFault;
use scanner::{FrameScanner, Scanned};

/// What a frame takes of the 128 steps that tokio gives a task at a time: after
/// sixteen frames it is the others' turn.
const STEPS: usize = 8;

/// A request's payload in pieces of one frame at most, which ends at the first
/// fault.
pub(super) struct FrameGuard<S> {
    stream: S,
    scanner: FrameScanner,
    /// What has come, and hasn't gone on.
    rest: Bytes,
    /// Whole frames that went on, and weren't read yet.
    unread: usize,
    fault: Option<FrameFault>,
}

impl<S> FrameGuard<S> {
    /// For frames of at most `most` bytes.
    pub(super) fn new(stream: S, most: usize) -> Self {
        Self {
            stream,
            scanner: FrameScanner::new(most),
            rest: Bytes::new(),
            unread: 0,
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
        for _ in 0..STEPS {
            ready!(poll_proceed(cx)).made_progress();
        }
        match self.scanner.scan(&self.rest) {
            Ok(Scanned { length, is_whole }) => {
                self.unread += usize::from(is_whole);
                let piece = match length < self.rest.len() {
                    true => self.rest.split_to(length),
                    false => mem::take(&mut self.rest),
                };
                Poll::Ready(Some(Ok(piece)))
            }
            Err(fault) => {
                self.fault = Some(fault);
                self.poll_fault(fault, cx)
            }
        }
    }

    /// Gives the fault once every frame before it was read.
    fn poll_fault(
        &self,
        fault: FrameFault,
        cx: &Context<'_>,
    ) -> Poll<Option<Result<Bytes, PayloadError>>> {
        if self.unread > 0 {
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
        // The reader takes what has come until there is no more, and then reads
        // one frame of it.
        if polled.is_pending() {
            this.unread = this.unread.saturating_sub(1);
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

    /// Guards against one client's thousand frames before another's first.
    #[tokio::test]
    async fn after_some_frames_it_is_the_others_turn() {
        let all = Bytes::from(frame(15).repeat(1_000));
        let come = stream::iter([Ok(all.clone())]).chain(stream::pending());
        let mut guard = FrameGuard::new(come, 100);
        let (mut heard, mut turns) = (Vec::new(), 0);
        while heard.len() < all.len() {
            let before = heard.len();
            poll_fn(|cx| {
                while let Poll::Ready(piece) = Pin::new(&mut guard).poll_next(cx) {
                    heard.extend(piece.unwrap().unwrap());
                }
                Poll::Ready(())
            })
            .await;
            let frames = (heard.len() - before) / frame(15).len();
            assert!((1..=128 / STEPS).contains(&frames), "{frames}");
            turns += 1;
            yield_now().await;
        }
        assert_eq!(heard, all);
        assert!(turns > 1_000 * STEPS / 128 - 1, "{turns}");
    }
}
