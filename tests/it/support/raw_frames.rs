//! Raw WebSocket frames (RFC 6455, section 5.2) that no library would send.

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;
/// The FIN bit, set on the last frame of a message.
pub(crate) const FINAL_BIT: u8 = 0x80;

/// Returns a client's frame, masked with zeros.
pub(crate) fn encode_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = encode_header(first, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// Returns the header of a frame that announces `length` bytes.
pub(crate) fn encode_header(first: u8, length: u64) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut bytes = vec![first];
    if let (0..126, Ok(short)) = (length, u8::try_from(length)) {
        bytes.push(MASKED | short);
    } else if let Ok(medium) = u16::try_from(length) {
        bytes.push(MASKED | 126);
        bytes.extend(medium.to_be_bytes());
    } else {
        bytes.push(MASKED | 127);
        bytes.extend(length.to_be_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}
