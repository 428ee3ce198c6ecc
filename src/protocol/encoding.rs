//! Lengths of values on the wire.

use std::io::{self, Write};

use serde::Serialize;

/// Counts the bytes that are written to it.
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

/// Returns the length of a value as JSON, in bytes. If the encoding fails, the
/// bytes before the failure count.
#[must_use]
pub fn json_len(value: &impl Serialize) -> usize {
    let mut counter = ByteCounter::default();
    if let Err(error) = serde_json::to_writer(&mut counter, value) {
        tracing::error!(%error, "could not measure a JSON value");
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
