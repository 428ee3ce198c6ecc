//! What is worth sending again every time: a request a file, and frames a
//! line each.

use std::fs;
use std::path::PathBuf;

use super::frames::{patient, say};
use super::http::Wire;
use super::rest::Target;
use crate::support::{Socket, TokenBy};

/// The files of the corpus that end like this, by name.
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

/// A request as it goes over the wire: a file has plain line ends, no length
/// of its body, and `TOKEN` where a real one belongs.
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
async fn every_request_of_the_corpus_gets_an_answer() {
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
async fn every_frame_of_the_corpus_gets_an_answer() {
    let target = patient().await;
    let mut socket = Socket::open(&target.people[0], "/ws/", TokenBy::Bearer).await;
    socket.expect("hello").await;
    for (name, file) in files("frames") {
        for line in String::from_utf8(file).unwrap().lines() {
            let said = say(&mut socket, line).await;
            assert_eq!(said, Ok(()), "{name}: {line}");
        }
    }
    target.works().await;
}
