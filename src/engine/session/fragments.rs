//! Joins the fragments of messages (RFC 6455, section 5.4). Pure.

use crate::protocol::CloseCode;

/// Joins one message at a time.
#[derive(Debug)]
pub(super) struct MessageAssembler {
    max_bytes: usize,
    text: Option<PartialMessage>,
}

/// The fragments so far.
#[derive(Debug, Default)]
struct PartialMessage {
    bytes: Vec<u8>,
    /// The number of bytes at the beginning that are checked as UTF-8.
    checked: usize,
}

impl PartialMessage {
    /// Appends a fragment. Fails at the first byte that can't be UTF-8 (RFC
    /// 6455, section 8.1). A character may continue in the next fragment.
    fn push(&mut self, bytes: &[u8]) -> Result<(), CloseCode> {
        self.bytes.extend_from_slice(bytes);
        let rest = self.bytes.get(self.checked..).unwrap_or_default();
        match std::str::from_utf8(rest) {
            Ok(rest) => self.checked += rest.len(),
            Err(error) if error.error_len().is_some() => return Err(CloseCode::NotUtf8),
            Err(error) => self.checked += error.valid_up_to(),
        }
        Ok(())
    }
}

/// The place of a fragment in its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FragmentKind {
    First,
    Middle,
    Last,
}

impl MessageAssembler {
    /// Returns an assembler for messages of at most `max_bytes` bytes.
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            text: None,
        }
    }

    /// Returns whether a message is incomplete: until its last fragment, no
    /// other message may begin.
    pub(super) fn is_busy(&self) -> bool {
        self.text.is_some()
    }

    /// Takes a fragment; returns the whole message after the last one.
    pub(super) fn take(
        &mut self,
        piece: FragmentKind,
        bytes: &[u8],
    ) -> Result<Option<String>, CloseCode> {
        let mut text = match (piece, self.text.take()) {
            (FragmentKind::First, None) => PartialMessage::default(),
            (FragmentKind::Middle | FragmentKind::Last, Some(text)) => text,
            (FragmentKind::First, Some(_)) | (_, None) => return Err(CloseCode::Protocol),
        };
        if text.bytes.len() + bytes.len() > self.max_bytes {
            return Err(CloseCode::TooLarge);
        }
        text.push(bytes)?;
        if piece == FragmentKind::Last {
            return String::from_utf8(text.bytes)
                .map(Some)
                .map_err(|_| CloseCode::NotUtf8);
        }
        self.text = Some(text);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_join_inside_a_character() {
        let mut assembler = MessageAssembler::new(8);
        assert_eq!(assembler.take(FragmentKind::First, &[b'a', 0xc3]), Ok(None));
        assert_eq!(assembler.take(FragmentKind::Middle, b""), Ok(None));
        let whole = assembler.take(FragmentKind::Last, &[0xa4]);
        assert_eq!(whole, Ok(Some("aä".to_owned())));
        assert!(!assembler.is_busy());
    }

    #[test]
    fn message_size_is_bounded_across_fragments() {
        let mut assembler = MessageAssembler::new(4);
        assert_eq!(assembler.take(FragmentKind::First, b"abc"), Ok(None));
        let too_much = assembler.take(FragmentKind::Last, b"de");
        assert_eq!(too_much, Err(CloseCode::TooLarge));
    }

    #[test]
    fn invalid_utf8_fails_at_its_byte() {
        let mut assembler = MessageAssembler::new(8);
        assert_eq!(assembler.take(FragmentKind::First, b"a\xc3"), Ok(None));
        let broken = assembler.take(FragmentKind::Middle, b"b");
        assert_eq!(broken, Err(CloseCode::NotUtf8));
    }

    #[test]
    fn fragments_out_of_order_are_refused() {
        let mut assembler = MessageAssembler::new(8);
        let orphan = assembler.take(FragmentKind::Middle, b"a");
        assert_eq!(orphan, Err(CloseCode::Protocol));
        assert_eq!(assembler.take(FragmentKind::First, &[0xc3]), Ok(None));
        let broken = assembler.take(FragmentKind::Last, b"");
        assert_eq!(broken, Err(CloseCode::NotUtf8));
    }
}
