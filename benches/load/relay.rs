//! The limit to compare with: a relay without accounts, rights, history or
//! receipts. Each client of a path receives all its messages, in frames of the
//! same shape and length as ours. With a log, the relay forwards a message only
//! after it is on disk. One `fdatasync` covers all messages that are waiting.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::load_socket::{find_bytes, parse_frame};

/// The argument that makes this program run as a relay.
pub(crate) const RELAY_ARGUMENT: &str = "--relay";

const UPGRADE_RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

#[derive(Default)]
struct RelayRoom {
    last: i64,
    members: Vec<Arc<RelayMember>>,
}

struct RelayMember {
    stream: TcpStream,
    unsent: Mutex<Vec<u8>>,
    more: Notify,
}

type RelayRooms = Mutex<HashMap<String, Arc<Mutex<RelayRoom>>>>;
type RelayedMessages = (Arc<Mutex<RelayRoom>>, Vec<Vec<u8>>);

struct RelayServer {
    rooms: RelayRooms,
    disk: Option<mpsc::Sender<RelayedMessages>>,
}

pub(crate) fn serve(log: Option<&str>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let relay = Arc::new(RelayServer {
        rooms: RelayRooms::default(),
        disk: log.map(start_log_writer),
    });
    runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener: TcpListener = socket.listen(8_192).unwrap();
        println!("listening on http://{}", listener.local_addr().unwrap());
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve_connection(Arc::clone(&relay), stream));
        }
    });
}

/// Starts the thread that writes messages to disk and then forwards them.
fn start_log_writer(path: &str) -> mpsc::Sender<RelayedMessages> {
    let mut log = File::create(path).unwrap();
    let (sender, said) = mpsc::channel::<RelayedMessages>();
    thread::spawn(move || {
        while let Ok(first) = said.recv() {
            let mut batch = vec![first];
            batch.extend(said.try_iter());
            let frames = batch.iter().flat_map(|(_, frames)| frames.iter().flatten());
            let bytes: Vec<u8> = frames.copied().collect();
            log.write_all(&bytes).unwrap();
            log.sync_data().unwrap();
            for (room, frames) in batch {
                room.lock().unwrap().broadcast(&frames);
            }
        }
    });
    sender
}

async fn serve_connection(relay: Arc<RelayServer>, stream: TcpStream) {
    let mut inbox = Vec::with_capacity(512);
    let Some(path) = read_request(&stream, &mut inbox).await else {
        return;
    };
    if let Some(size) = path.strip_prefix("/canned/") {
        return serve_pages(&stream, inbox, size.parse().unwrap()).await;
    }
    let room = Arc::clone(relay.rooms.lock().unwrap().entry(path).or_default());
    let member = Arc::new(RelayMember {
        stream,
        unsent: Mutex::default(),
        more: Notify::new(),
    });
    let hello = {
        let mut room = room.lock().unwrap();
        room.members.push(Arc::clone(&member));
        let last = room.last;
        format!(r#"{{"type":"hello","total_unread":0,"conversation":{{"last_seq":{last}}}}}"#)
    };
    member.write(UPGRADE_RESPONSE);
    member.write(&encode_frame(&hello));
    let writing = tokio::spawn(Arc::clone(&member).write_unsent());
    inbox.clear();
    while fill(&member.stream, &mut inbox).await {
        let mut said = Vec::new();
        while let Some((_, start, end)) = parse_frame(&inbox) {
            // A client's payload follows its mask, which is zero here.
            said.push(inbox[start + 4..end + 4].to_vec());
            inbox.drain(..end + 4);
        }
        match &relay.disk {
            _ if said.is_empty() => {}
            Some(disk) => disk.send((Arc::clone(&room), said)).unwrap(),
            None => room.lock().unwrap().broadcast(&said),
        }
    }
    room.lock()
        .unwrap()
        .members
        .retain(|other| !Arc::ptr_eq(other, &member));
    writing.abort();
}

impl RelayRoom {
    fn broadcast(&mut self, said: &[Vec<u8>]) {
        let mut bytes = Vec::new();
        for frame in said {
            self.last += 1;
            bytes.extend(encode_frame(&encode_echo(frame, self.last)));
        }
        for member in &self.members {
            member.write(&bytes);
        }
    }
}

impl RelayMember {
    fn write(&self, bytes: &[u8]) {
        let mut unsent = self.unsent.lock().unwrap();
        let mut sent = 0;
        if unsent.is_empty() {
            sent = self.stream.try_write(bytes).unwrap_or(0);
        }
        if sent < bytes.len() {
            unsent.extend(&bytes[sent..]);
            self.more.notify_one();
        }
    }

    async fn write_unsent(self: Arc<Self>) {
        loop {
            self.more.notified().await;
            while self.stream.writable().await.is_ok() {
                let mut unsent = self.unsent.lock().unwrap();
                match self.stream.try_write(&unsent) {
                    Ok(sent) => drop(unsent.drain(..sent)),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
                if unsent.is_empty() {
                    break;
                }
            }
        }
    }
}

/// Returns the frame of a message, as long as the server's own.
fn encode_echo(said: &[u8], seq: i64) -> String {
    let said = std::str::from_utf8(said).unwrap();
    let after = |name: &str| said.find(name).map_or("", |at| &said[at + name.len()..]);
    let name = after(r#""client_id":""#);
    let (name, _) = name.split_once('"').unwrap_or_default();
    let text = after(r#""message":""#);
    let (text, _) = text.split_once('"').unwrap_or_default();
    format!(
        r#"{{"type":"message","conversation_id":1000001,"message":{{"id":{seq},"conversation_id":1000001,"seq":{seq},"version":{seq},"kind":"text","text":"{text}","event":null,"sender":{{"id":1,"username":"person1","display_name":"Person 1"}},"client_id":"{name}","reply_to":null,"reactions":[],"created_at":"2026-11-21T20:24:25.123Z","edited_at":null,"deleted":false,"status":"sent","delivered_at":null,"is_read":false,"read_at":null}}}}"#
    )
}

fn encode_frame(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u16::try_from(text.len()).unwrap() {
        short @ ..126 => bytes.push(short as u8),
        long => {
            bytes.push(126);
            bytes.extend(long.to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// Answers each request of a connection with a page of this many bytes.
async fn serve_pages(stream: &TcpStream, mut inbox: Vec<u8>, size: usize) {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {size}\r\ncontent-type: application/json\r\n\r\n"
    );
    let mut page = head.into_bytes();
    page.resize(page.len() + size, b' ');
    loop {
        let mut sent = 0;
        while sent < page.len() && stream.writable().await.is_ok() {
            sent += stream.try_write(&page[sent..]).unwrap_or(0);
        }
        inbox.clear();
        if read_request(stream, &mut inbox).await.is_none() {
            return;
        }
    }
}

/// Reads the next request. Returns its path, or `None` if the client closes.
async fn read_request(stream: &TcpStream, inbox: &mut Vec<u8>) -> Option<String> {
    while find_bytes(inbox, b"\r\n\r\n").is_none() {
        if !fill(stream, inbox).await {
            return None;
        }
    }
    let line = inbox.split(|byte| *byte == b' ').nth(1)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

async fn fill(stream: &TcpStream, inbox: &mut Vec<u8>) -> bool {
    loop {
        if stream.ready(Interest::READABLE).await.is_err() {
            return false;
        }
        match stream.try_read_buf(inbox) {
            Ok(count) => return count > 0,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return false,
        }
    }
}
