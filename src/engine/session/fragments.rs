//! Messages that come in pieces (RFC 6455, section 5.4), put together: pure.

use crate::protocol::CloseCode;

/// A message under way.
#[derive(Debug)]
pub(super) struct Assembler {
    most: usize,
    text: Option<Partial>,
}

/// What has come of it.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    /// So many bytes at the beginning are UTF-8.
    checked: usize,
}

impl Partial {
    /// Fails at the first byte that can't be UTF-8 (RFC 6455, section 8.1). A
    /// character may go on in the next piece.
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

/// Which piece it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    First,
    Middle,
    Last,
}

impl Assembler {
    /// For messages of at most `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most, text: None }
    }

    /// Whether a message is under way: a whole one can't come between.
    pub(super) fn is_busy(&self) -> bool {
        self.text.is_some()
    }

    /// Takes a piece; gives the message with its last one.
    pub(super) fn take(&mut self, piece: Piece, bytes: &[u8]) -> Result<Option<String>, CloseCode> {
        let mut text = match (piece, self.text.take()) {
            (Piece::First, None) => Partial::default(),
            (Piece::Middle | Piece::Last, Some(text)) => text,
            (Piece::First, Some(_)) | (_, None) => return Err(CloseCode::Protocol),
        };
        if text.bytes.len() + bytes.len() > self.most {
            return Err(CloseCode::TooLarge);
        }
        text.push(bytes)?;
        if piece == Piece::Last {
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
    fn pieces_are_put_together_also_inside_a_character() {
        let mut assembler = Assembler::new(8);
        assert_eq!(assembler.take(Piece::First, &[b'a', 0xc3]), Ok(None));
        assert_eq!(assembler.take(Piece::Middle, b""), Ok(None));
        let whole = assembler.take(Piece::Last, &[0xa4]);
        assert_eq!(whole, Ok(Some("aä".to_owned())));
        assert!(!assembler.is_busy());
    }

    #[test]
    fn the_whole_is_bounded_not_the_pieces() {
        let mut assembler = Assembler::new(4);
        assert_eq!(assembler.take(Piece::First, b"abc"), Ok(None));
        let too_much = assembler.take(Piece::Last, b"de");
        assert_eq!(too_much, Err(CloseCode::TooLarge));
    }

    #[test]
    fn broken_text_is_refused_at_its_byte() {
        let mut assembler = Assembler::new(8);
        assert_eq!(assembler.take(Piece::First, b"a\xc3"), Ok(None));
        let broken = assembler.take(Piece::Middle, b"b");
        assert_eq!(broken, Err(CloseCode::NotUtf8));
    }

    #[test]
    fn pieces_out_of_turn_and_broken_text_are_refused() {
        let mut assembler = Assembler::new(8);
        let orphan = assembler.take(Piece::Middle, b"a");
        assert_eq!(orphan, Err(CloseCode::Protocol));
        assert_eq!(assembler.take(Piece::First, &[0xc3]), Ok(None));
        let broken = assembler.take(Piece::Last, b"");
        assert_eq!(broken, Err(CloseCode::NotUtf8));
    }
}
