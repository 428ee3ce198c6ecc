//! Refuses a frame that is too large at its header, and lets others have
//! their turn between frames.
//!
//! The codec behind `actix_web_actors` waits for a whole frame before it
//! looks at its length: a client that announces a gigabyte could have that
//! much of our memory. So the stream of bytes is watched on its way in (RFC
//! 6455, section 5.2), and ends at the first header that announces too much.
//!
//! An actor is polled until it has taken every frame that has come: a thousand
//! of one client before one of another on the same thread. So frames go in one
//! by one, and each takes some of what its task may do in one go.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use tokio::task::coop::poll_proceed;

/// What a frame takes of the 128 steps that tokio gives a task at a time: after
/// sixteen frames it is the others' turn.
const STEPS: usize = 8;

/// Where in a frame the stream stands: pure.
#[derive(Debug)]
struct Watch {
    most: u64,
    header: Vec<u8>,
    /// Bytes of payload still to come.
    payload: u64,
}

/// A header announced more than is taken.
#[derive(Debug, PartialEq, Eq)]
struct TooLarge;

/// The two first bytes of a header.
const SHORTEST: usize = 2;
const MASK: usize = 4;

impl Watch {
    fn new(most: usize) -> Self {
        Self {
            most: u64::try_from(most).unwrap_or(u64::MAX),
            header: Vec::with_capacity(14),
            payload: 0,
        }
    }

    /// Goes on by one frame at most; how many of the bytes that took.
    fn see(&mut self, bytes: &[u8]) -> Result<usize, TooLarge> {
        let mut seen = 0;
        while self.payload == 0
            && let Some(next) = bytes.get(seen)
        {
            seen += 1;
            self.header.push(*next);
            if self.header.len() == self.header_length() {
                self.payload = self.announced();
                self.header.clear();
                if self.payload > self.most {
                    return Err(TooLarge);
                }
                if self.payload == 0 {
                    return Ok(seen);
                }
            }
        }
        let there = usize::try_from(self.payload).unwrap_or(usize::MAX);
        let there = there.min(bytes.len() - seen);
        self.payload -= there as u64;
        Ok(seen + there)
    }

    /// How long the header is, as far as its first bytes tell by now.
    fn header_length(&self) -> usize {
        let Some(second) = self.header.get(1) else {
            return SHORTEST;
        };
        let mask = if second & 0x80 == 0 { 0 } else { MASK };
        SHORTEST + self.length_bytes() + mask
    }

    fn length_bytes(&self) -> usize {
        match self.header.get(1).map(|second| second & 0x7f) {
            Some(126) => 2,
            Some(127) => 8,
            _ => 0,
        }
    }

    fn announced(&self) -> u64 {
        let extended = self.header.get(SHORTEST..SHORTEST + self.length_bytes());
        match extended {
            Some([]) | None => u64::from(self.header.get(1).map_or(0, |second| second & 0x7f)),
            Some(bytes) => bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        }
    }
}

/// A request's payload in pieces of one frame at most, which is cut off at a
/// frame over `most` bytes.
pub(super) struct FrameGuard<S> {
    stream: S,
    watch: Watch,
    /// What has come, and hasn't gone on.
    rest: Bytes,
}

impl<S> FrameGuard<S> {
    pub(super) fn new(stream: S, most: usize) -> Self {
        Self {
            stream,
            watch: Watch::new(most),
            rest: Bytes::new(),
        }
    }
}

impl<S> Stream for FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.stream).poll_next(cx)) {
                Some(Ok(bytes)) => this.rest = bytes,
                end => return Poll::Ready(end),
            }
        }
        for _ in 0..STEPS {
            ready!(poll_proceed(cx)).made_progress();
        }
        let piece = match this.watch.see(&this.rest) {
            Ok(seen) if seen < this.rest.len() => this.rest.split_to(seen),
            Ok(_) => mem::take(&mut this.rest),
            Err(TooLarge) => return Poll::Ready(Some(Err(PayloadError::Overflow))),
        };
        Poll::Ready(Some(Ok(piece)))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::{StreamExt, stream};
    use proptest::prelude::*;
    use tokio::task::yield_now;

    use super::*;

    /// A masked text frame's header, in the shortest form that fits.
    fn header(length: u64) -> Vec<u8> {
        let mut header = vec![0x81];
        match length {
            0..=125 => header.push(0x80 | u8::try_from(length).unwrap()),
            126..=0xffff => {
                header.push(0x80 | 126);
                header.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            _ => {
                header.push(0x80 | 127);
                header.extend(length.to_be_bytes());
            }
        }
        header.extend([1, 2, 3, 4]);
        header
    }

    /// A whole one of as many bytes.
    fn frame(length: u64) -> Vec<u8> {
        let mut frame = header(length);
        frame.extend(std::iter::repeat_n(0xff, usize::try_from(length).unwrap()));
        frame
    }

    proptest! {
        #[test]
        fn frames_within_the_limit_pass_one_by_one_however_they_are_cut(
            lengths in prop::collection::vec(0u64..70_000, 1..6),
            cut in 1usize..5_000,
        ) {
            let mut watch = Watch::new(70_000);
            let frames: Vec<_> = lengths.into_iter().map(frame).collect();
            let stream = frames.concat();
            let (mut at, mut ends) = (0, Vec::new());
            for mut bytes in stream.chunks(cut) {
                while !bytes.is_empty() {
                    let seen = watch.see(bytes).unwrap();
                    bytes = &bytes[seen..];
                    at += seen;
                    if watch.payload == 0 && watch.header.is_empty() {
                        ends.push(at);
                    }
                }
            }
            let whole = frames.iter().scan(0, |end, frame| {
                *end += frame.len();
                Some(*end)
            });
            prop_assert_eq!(ends, whole.collect::<Vec<_>>());
        }

        #[test]
        fn one_over_the_limit_is_refused_at_its_header(over in 1u64..u64::MAX / 2) {
            let mut watch = Watch::new(100);
            let (last, before) = header(100 + over).split_last().map(|(l, b)| (*l, b.to_vec())).unwrap();
            prop_assert_eq!(watch.see(&before), Ok(before.len()));
            prop_assert_eq!(watch.see(&[last]), Err(TooLarge));
        }
    }

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
