//! The corpus, sent in every run: one request per `.http` file, and one frame
//! per line of a `.frames` file.

use std::fs;
use std::path::PathBuf;

use super::frames::{lenient, send_and_check};
use super::http::Wire;
use super::rest::Target;
use crate::support::{TestSocket, TokenTransport};

/// Returns the corpus files with extension `end`, sorted by name.
fn files(end: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/input/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|known| known == end))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read(path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no {end}");
    files
}

/// Returns the request in a corpus file: converts its line ends, adds the
/// content length, and replaces `TOKEN` by `token`.
fn request(file: &[u8], token: &str) -> Vec<u8> {
    let end = file.windows(2).position(|two| two == b"\n\n");
    let (head, body) = match end {
        Some(end) => (&file[..end], &file[end + 2..]),
        None => (file, &[][..]),
    };
    let body = body.strip_suffix(b"\n").unwrap_or(body);
    let head = String::from_utf8_lossy(head);
    let head = head
        .trim_end()
        .replace("TOKEN", token)
        .replace('\n', "\r\n");
    let mut bytes = format!("{head}\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

#[tokio::test]
async fn corpus_requests_are_answered() {
    let mut target = Target::new().await;
    for (name, file) in files("http") {
        target.refresh().await;
        let request = request(&file, &target.people[0].token);
        let reply = Wire::to(target.app.site()).ask(&request).await;
        assert_eq!(reply.fault(), None, "{name}: {reply:?}");
    }
    target.works().await;
}

#[tokio::test]
async fn corpus_frames_are_answered() {
    let target = lenient().await;
    let mut socket = TestSocket::open(&target.people[0], "/ws/", TokenTransport::Bearer).await;
    socket.expect("hello").await;
    for (name, file) in files("frames") {
        for line in String::from_utf8(file).unwrap().lines() {
            let said = send_and_check(&mut socket, line).await;
            assert_eq!(said, Ok(()), "{name}: {line}");
        }
    }
    target.works().await;
}
