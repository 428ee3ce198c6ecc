//! Scans a byte stream for frames, and checks the rules of RFC 6455, section 5.
//! Pure.

use crate::protocol::CloseCode;

/// The first two bytes of a header.
const HEADER_MIN: usize = 2;
const MASK_LENGTH: usize = 4;
/// The longest payload of a control frame.
const CONTROL_MAX: u64 = 125;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The reason why a stream ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::engine::session) enum FrameFault {
    /// A header announces a payload over the limit.
    #[error("a frame over the limit")]
    TooLarge,
    /// A frame breaks a rule of RFC 6455.
    #[error("a frame against RFC 6455")]
    Protocol,
    /// The reason in a close frame isn't UTF-8.
    #[error("a close reason that is no UTF-8")]
    NotUtf8,
}

impl FrameFault {
    const ALL: [Self; 3] = [Self::TooLarge, Self::Protocol, Self::NotUtf8];

    /// Returns the fault that an error's text contains: `actix_web_actors` only
    /// passes on the text.
    pub(in crate::engine::session) fn named_in(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|fault| text.contains(&fault.to_string()))
    }

    pub(in crate::engine::session) fn close_code(self) -> CloseCode {
        match self {
            Self::TooLarge => CloseCode::TooLarge,
            Self::Protocol => CloseCode::Protocol,
            Self::NotUtf8 => CloseCode::NotUtf8,
        }
    }
}

/// The result of one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScannedBytes {
    /// Bytes of one frame, or of its beginning.
    pub(super) length: usize,
    /// Whether the frame ends there.
    pub(super) is_whole: bool,
}

/// The scanner's position in the current frame.
#[derive(Debug)]
pub(super) struct FrameScanner {
    max_payload: u64,
    header: Vec<u8>,
    /// Bytes of payload still to come.
    payload: u64,
    /// A message has begun, and its last frame hasn't arrived.
    is_fragmented: bool,
    /// The payload of a close frame so far.
    closing: Option<ClosePayload>,
}

/// The payload of a close frame while it arrives.
#[derive(Debug)]
struct ClosePayload {
    mask: [u8; MASK_LENGTH],
    bytes: Vec<u8>,
}

impl FrameScanner {
    pub(super) fn new(frame_max: usize) -> Self {
        Self {
            max_payload: u64::try_from(frame_max).unwrap_or(u64::MAX),
            header: Vec::with_capacity(14),
            payload: 0,
            is_fragmented: false,
            closing: None,
        }
    }

    /// Scans up to the end of one frame at most.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<ScannedBytes, FrameFault> {
        let mut seen = 0;
        while self.payload == 0
            && let Some(next) = bytes.get(seen)
        {
            seen += 1;
            self.header.push(*next);
            self.check_beginning()?;
            if self.header.len() == self.header_length() {
                self.end_header()?;
                if self.payload == 0 {
                    return Ok(ScannedBytes {
                        length: seen,
                        is_whole: true,
                    });
                }
            }
        }
        let available = usize::try_from(self.payload).unwrap_or(usize::MAX);
        let available = available.min(bytes.len() - seen);
        self.payload -= available as u64;
        let end = seen + available;
        if let (Some(closing), Some(bytes)) = (&mut self.closing, bytes.get(seen..end)) {
            closing.bytes.extend_from_slice(bytes);
        }
        let is_whole = self.payload == 0 && self.header.is_empty() && available > 0;
        if is_whole && let Some(closing) = self.closing.take() {
            closing.check()?;
        }
        Ok(ScannedBytes {
            length: end,
            is_whole,
        })
    }

    /// Checks the newest byte of the header if it is the first (flags and
    /// opcode) or the second (mask and short length).
    fn check_beginning(&self) -> Result<(), FrameFault> {
        let is_sound = match *self.header.as_slice() {
            [first] => {
                let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
                let has_reserved_bits = first & 0x70 != 0;
                let is_in_turn = match opcode {
                    CONTINUATION => self.is_fragmented,
                    TEXT | BINARY => !self.is_fragmented,
                    CLOSE | PING | PONG => is_last,
                    _ => false,
                };
                is_in_turn && !has_reserved_bits
            }
            [first, second] => {
                let is_masked = second & 0x80 != 0;
                let is_control = first & 0x08 != 0;
                is_masked && (!is_control || u64::from(second & 0x7f) <= CONTROL_MAX)
            }
            _ => true,
        };
        is_sound.then_some(()).ok_or(FrameFault::Protocol)
    }

    /// Checks a complete header and prepares for its payload.
    fn end_header(&mut self) -> Result<(), FrameFault> {
        let announced = self.announced();
        // The length must have the shortest form that fits, and at most 63
        // bits.
        let is_shortest = match self.length_bytes() {
            0 => true,
            2 => announced > CONTROL_MAX,
            _ => announced > u64::from(u16::MAX) && i64::try_from(announced).is_ok(),
        };
        if !is_shortest {
            return Err(FrameFault::Protocol);
        }
        if announced > self.max_payload {
            return Err(FrameFault::TooLarge);
        }
        let first = self.header.first().copied().unwrap_or_default();
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if matches!(opcode, CONTINUATION | TEXT | BINARY) {
            self.is_fragmented = !is_last;
        }
        if opcode == CLOSE && announced > 0 {
            self.closing = self.header.last_chunk().map(|mask| ClosePayload {
                mask: *mask,
                bytes: Vec::new(),
            });
        }
        self.payload = announced;
        self.header.clear();
        Ok(())
    }

    /// Returns the length of the header, as far as the bytes so far determine
    /// it.
    fn header_length(&self) -> usize {
        match self.header.len() {
            0 | 1 => HEADER_MIN,
            _ => HEADER_MIN + self.length_bytes() + MASK_LENGTH,
        }
    }

    fn length_bytes(&self) -> usize {
        match self.header.get(1).map(|second| second & 0x7f) {
            Some(126) => 2,
            Some(127) => 8,
            _ => 0,
        }
    }

    fn announced(&self) -> u64 {
        let extended = self
            .header
            .get(HEADER_MIN..HEADER_MIN + self.length_bytes());
        match extended {
            Some([]) | None => u64::from(self.header.get(1).map_or(0, |second| second & 0x7f)),
            Some(bytes) => bytes
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        }
    }
}

impl ClosePayload {
    /// Checks that the code is one that a client may send, and the reason is
    /// UTF-8 (RFC 6455, sections 5.5.1 and 7.4).
    fn check(self) -> Result<(), FrameFault> {
        let masks = self.mask.into_iter().cycle();
        let plain: Vec<u8> = self.bytes.iter().zip(masks).map(|(b, m)| b ^ m).collect();
        let Some((code, reason)) = plain.split_first_chunk() else {
            return Err(FrameFault::Protocol);
        };
        let code = u16::from_be_bytes(*code);
        if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(FrameFault::Protocol);
        }
        match std::str::from_utf8(reason) {
            Ok(_) => Ok(()),
            Err(_) => Err(FrameFault::NotUtf8),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns a masked text frame's header, in the shortest form that fits.
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

    /// Returns a whole frame with this payload length.
    pub(in crate::engine::session::frame_guard) fn frame(length: u64) -> Vec<u8> {
        let mut frame = header(length);
        frame.extend(std::iter::repeat_n(0xff, usize::try_from(length).unwrap()));
        frame
    }

    proptest! {
        #[test]
        fn valid_frames_pass_one_by_one(
            lengths in prop::collection::vec(0u64..70_000, 1..6),
            cut in 1usize..5_000,
        ) {
            let mut scanner = FrameScanner::new(70_000);
            let frames: Vec<_> = lengths.into_iter().map(frame).collect();
            let stream = frames.concat();
            let (mut at, mut ends) = (0, Vec::new());
            for mut bytes in stream.chunks(cut) {
                while !bytes.is_empty() {
                    let seen = scanner.scan(bytes).unwrap().length;
                    bytes = &bytes[seen..];
                    at += seen;
                    if scanner.payload == 0 && scanner.header.is_empty() {
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
        fn oversized_frame_fails_at_its_header(over in 1u64..u64::MAX / 4) {
            let mut scanner = FrameScanner::new(100);
            let (last, before) = header(100 + over).split_last().map(|(l, b)| (*l, b.to_vec())).unwrap();
            prop_assert!(scanner.scan(&before).is_ok_and(|it| it.length == before.len() && !it.is_whole));
            prop_assert_eq!(scanner.scan(&[last]), Err(FrameFault::TooLarge));
        }
    }

    /// For each rule, the scanner reports the fault at the first byte that
    /// breaks the rule.
    #[test]
    fn fault_is_found_at_its_byte() {
        use FrameFault::{NotUtf8, Protocol, TooLarge};
        let masked: &[u8] = &[0, 0, 0, 0];
        let close = |payload: &[u8]| {
            let length = u8::try_from(payload.len()).unwrap();
            [&[0x88, 0x80 | length], masked, payload].concat()
        };
        let fragment = [&[0x01, 0x81], masked, b"a"].concat();
        let after_fragment = |bytes: &[u8]| [&*fragment, bytes].concat();
        for (bytes, fault) in [
            (vec![0xc1], Protocol),
            (vec![0xa1], Protocol),
            (vec![0xa9], Protocol),
            (vec![0x91], Protocol),
            (vec![0x83], Protocol),
            (vec![0x8b], Protocol),
            (vec![0x09], Protocol),
            (vec![0x08], Protocol),
            (vec![0x80], Protocol),
            (vec![0x00], Protocol),
            (after_fragment(&[0x81]), Protocol),
            (after_fragment(&[0x02]), Protocol),
            (vec![0x81, 0x01], Protocol),
            (vec![0x89, 0xfe], Protocol),
            ([&[0x81, 0xfe, 0, 125], masked].concat(), Protocol),
            (
                [&[0x81, 0xff, 0, 0, 0, 0, 0, 0, 255, 255], masked].concat(),
                Protocol,
            ),
            (
                [&[0x81, 0xff, 128, 0, 0, 0, 0, 0, 0, 1], masked].concat(),
                Protocol,
            ),
            ([&[0x81, 0xfe, 1, 0], masked].concat(), TooLarge),
            (close(&[3]), Protocol),
            (close(&999_u16.to_be_bytes()), Protocol),
            (close(&1005_u16.to_be_bytes()), Protocol),
            (close(&2999_u16.to_be_bytes()), Protocol),
            (close(&5000_u16.to_be_bytes()), Protocol),
            (close(&[0x03, 0xe8, 0xff]), NotUtf8),
            (close(&[0x03, 0xe8, 0xc3]), NotUtf8),
        ] {
            let mut scanner = FrameScanner::new(200);
            let (last, before) = bytes.split_last().unwrap();
            for byte in before {
                assert!(scanner.scan(&[*byte]).is_ok(), "{bytes:x?}");
            }
            assert_eq!(scanner.scan(&[*last]), Err(fault), "{bytes:x?}");
        }
    }
}
