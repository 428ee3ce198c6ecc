//! How long things are on the wire.

use std::io::{self, Write};

use serde::Serialize;

/// Counts what is written to it.
#[derive(Default)]
struct ByteCounter(usize);

impl Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How many bytes this has as JSON. What can't be encoded has as many as were
/// written before that showed.
#[must_use]
pub fn json_len(value: &impl Serialize) -> usize {
    let mut counter = ByteCounter::default();
    if let Err(error) = serde_json::to_writer(&mut counter, value) {
        tracing::error!(%error, "can't measure an answer");
    }
    counter.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_bytes_of_escapes() {
        for text in ["", "a", "ä", "🙂", "\"\\\n\u{1}"] {
            let encoded = serde_json::to_string(text).unwrap();
            assert_eq!(json_len(&text), encoded.len(), "{text:?}");
        }
    }
}
