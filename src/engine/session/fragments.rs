//! Messages that come in pieces (RFC 6455, section 5.4), put together: pure.

use crate::protocol::CloseCode;

/// A message under way.
#[derive(Debug)]
pub(super) struct Assembler {
    most: usize,
    text: Option<Vec<u8>>,
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
            (Piece::First, None) => Vec::new(),
            (Piece::Middle | Piece::Last, Some(text)) => text,
            (Piece::First, Some(_)) | (_, None) => return Err(CloseCode::Protocol),
        };
        if text.len() + bytes.len() > self.most {
            return Err(CloseCode::TooLarge);
        }
        text.extend_from_slice(bytes);
        if piece == Piece::Last {
            return String::from_utf8(text)
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
    fn pieces_out_of_turn_and_broken_text_are_refused() {
        let mut assembler = Assembler::new(8);
        let orphan = assembler.take(Piece::Middle, b"a");
        assert_eq!(orphan, Err(CloseCode::Protocol));
        assert_eq!(assembler.take(Piece::First, &[0xc3]), Ok(None));
        let broken = assembler.take(Piece::Last, b"");
        assert_eq!(broken, Err(CloseCode::NotUtf8));
    }
}
