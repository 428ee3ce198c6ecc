//! Refuses a frame that is too large at its header.
//!
//! The codec behind `actix_web_actors` waits for a whole frame before it
//! looks at its length: a client that announces a gigabyte could have that
//! much of our memory. So the stream of bytes is watched on its way in (RFC
//! 6455, section 5.2), and ends at the first header that announces too much.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;

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

    fn see(&mut self, mut bytes: &[u8]) -> Result<(), TooLarge> {
        loop {
            let skipped = usize::try_from(self.payload)
                .unwrap_or(usize::MAX)
                .min(bytes.len());
            self.payload -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let Some((first, rest)) = bytes.split_first() else {
                return Ok(());
            };
            self.header.push(*first);
            bytes = rest;
            if self.header.len() == self.header_length() {
                self.payload = self.announced();
                if self.payload > self.most {
                    return Err(TooLarge);
                }
                self.header.clear();
            }
        }
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

/// A request's payload that is cut off at a frame over `most` bytes.
pub(super) struct FrameGuard<S> {
    stream: S,
    watch: Watch,
}

impl<S> FrameGuard<S> {
    pub(super) fn new(stream: S, most: usize) -> Self {
        Self {
            stream,
            watch: Watch::new(most),
        }
    }
}

impl<S> Stream for FrameGuard<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.stream).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && self.watch.see(bytes) == Err(TooLarge)
        {
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn frames_within_the_limit_pass_however_they_are_cut(
            lengths in prop::collection::vec(0u64..70_000, 1..6),
            cut in 1usize..5_000,
        ) {
            let mut watch = Watch::new(70_000);
            let mut stream = Vec::new();
            for length in lengths {
                stream.extend(header(length));
                stream.extend(std::iter::repeat_n(0xff, usize::try_from(length).unwrap()));
            }
            for bytes in stream.chunks(cut) {
                prop_assert_eq!(watch.see(bytes), Ok(()));
            }
            prop_assert_eq!(watch.payload, 0);
            prop_assert!(watch.header.is_empty());
        }

        #[test]
        fn one_over_the_limit_is_refused_at_its_header(over in 1u64..u64::MAX / 2) {
            let mut watch = Watch::new(100);
            let (last, before) = header(100 + over).split_last().map(|(l, b)| (*l, b.to_vec())).unwrap();
            prop_assert_eq!(watch.see(&before), Ok(()));
            prop_assert_eq!(watch.see(&[last]), Err(TooLarge));
        }
    }
}
