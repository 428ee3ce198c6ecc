//! A TCP proxy to a PostgreSQL server whose connections a test can close.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tidings::config::DatabaseUrl;
use url::Url;

/// Forwards bytes in its own threads, so that the server can use its database
/// even while a test blocks its own thread.
pub(crate) struct DatabaseProxy {
    shared: Arc<ProxyState>,
}

struct ProxyState {
    server: SocketAddr,
    is_up: AtomicBool,
    /// If set, the proxy closes the connection that carries these bytes instead
    /// of forwarding the answer to its next commit.
    cut_after: Mutex<Option<Vec<u8>>>,
    ends: Mutex<Vec<TcpStream>>,
}

impl DatabaseProxy {
    /// Starts a proxy and changes `url` to its address. Returns `None` for
    /// SQLite, which has no network connection.
    pub(crate) fn in_front_of(url: &mut DatabaseUrl) -> Option<Self> {
        let DatabaseUrl::Postgres(text) = url else {
            return None;
        };
        let mut to = Url::parse(text).unwrap();
        let port = to.port().unwrap_or(5432);
        let server = to.socket_addrs(|| Some(port)).unwrap()[0];
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        to.set_ip_host(address.ip()).unwrap();
        to.set_port(Some(address.port())).unwrap();
        // TLS would hide the bytes from the proxy.
        to.query_pairs_mut().append_pair("sslmode", "disable");
        *text = to.to_string();
        let shared = Arc::new(ProxyState {
            server,
            is_up: AtomicBool::new(true),
            cut_after: Mutex::default(),
            ends: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        std::thread::spawn(move || passing.accept(&listener));
        Some(Self { shared })
    }

    /// Closes every connection, but accepts new ones.
    pub(crate) fn close_connections(&self) {
        for end in self.shared.ends.lock().drain(..) {
            // The connection may have ended already.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Closes every connection and accepts no new one.
    pub(crate) fn stop(&self) {
        self.shared.is_up.store(false, Ordering::SeqCst);
        self.close_connections();
    }

    /// Accepts connections again.
    pub(crate) fn start(&self) {
        self.shared.is_up.store(true, Ordering::SeqCst);
    }

    /// Lets the transaction that contains `words` commit, then closes its
    /// connection before the server reads the result.
    pub(crate) fn drop_commit_answer(&self, words: &str) {
        *self.shared.cut_after.lock() = Some(words.into());
    }
}

impl ProxyState {
    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let client = client.unwrap();
            if !self.is_up.load(Ordering::SeqCst) {
                continue;
            }
            let server = TcpStream::connect(self.server).unwrap();
            for end in [&client, &server] {
                end.set_nodelay(true).unwrap();
                self.ends.lock().push(end.try_clone().unwrap());
            }
            let line = Arc::new(ProxyConnection {
                shared: Arc::clone(self),
                drops_answer: AtomicBool::new(false),
            });
            let (there, back) = (Arc::clone(&line), line);
            let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || there.forward_requests(ends.0, ends.1));
            std::thread::spawn(move || back.forward_answers(server, client));
        }
    }
}

/// One connection. When one direction ends, both end.
struct ProxyConnection {
    shared: Arc<ProxyState>,
    /// Set when the database's next answer must be discarded.
    drops_answer: AtomicBool,
}

impl ProxyConnection {
    fn forward_requests(&self, mut client: TcpStream, mut server: TcpStream) {
        let mut is_marked = false;
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = client.read(&mut bytes) {
            let said = &bytes[..length];
            {
                let mut wanted = self.shared.cut_after.lock();
                is_marked |= wanted
                    .as_ref()
                    .is_some_and(|words| contains_bytes(said, words));
                if is_marked && contains_bytes(said, b"COMMIT") {
                    *wanted = None;
                    self.drops_answer.store(true, Ordering::SeqCst);
                }
            }
            if server.write_all(said).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    fn forward_answers(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = server.read(&mut bytes) {
            let is_swallowed = self.drops_answer.load(Ordering::SeqCst);
            if is_swallowed || client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}

fn contains_bytes(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
