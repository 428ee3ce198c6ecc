//! The way to a PostgreSQL server, which a test can cut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tidings::config::DatabaseUrl;
use url::Url;

/// Passes bytes on, in threads of its own: a test may block its own, and its
/// server still has its database then.
pub(crate) struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    is_up: AtomicBool,
    /// What a connection has to carry to be cut at its next commit.
    cut_after: Mutex<Option<Vec<u8>>>,
    ends: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Puts itself before the server of this URL; none where there is none,
    /// since SQLite is a file.
    pub(crate) fn before(url: &mut DatabaseUrl) -> Option<Self> {
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
        // It looks at what passes.
        to.query_pairs_mut().append_pair("sslmode", "disable");
        *text = to.to_string();
        let shared = Arc::new(Shared {
            server,
            is_up: AtomicBool::new(true),
            cut_after: Mutex::default(),
            ends: Mutex::default(),
        });
        let passing = Arc::clone(&shared);
        std::thread::spawn(move || passing.accept(&listener));
        Some(Self { shared })
    }

    /// Ends every connection; new ones are let through.
    pub(crate) fn cut(&self) {
        for end in self.shared.ends.lock().drain(..) {
            // It may have gone by itself.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Ends every connection, and lets none through.
    pub(crate) fn go_down(&self) {
        self.shared.is_up.store(false, Ordering::SeqCst);
        self.cut();
    }

    /// Lets connections through again.
    pub(crate) fn come_up(&self) {
        self.shared.is_up.store(true, Ordering::SeqCst);
    }

    /// Lets the transaction that has these words in it be committed, and ends
    /// its connection before anybody hears of that.
    pub(crate) fn swallow_commit_of(&self, words: &str) {
        *self.shared.cut_after.lock() = Some(words.into());
    }
}

impl Shared {
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
            let line = Arc::new(Line {
                shared: Arc::clone(self),
                swallows: AtomicBool::new(false),
            });
            let (there, back) = (Arc::clone(&line), line);
            let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || there.ask(ends.0, ends.1));
            std::thread::spawn(move || back.answer(server, client));
        }
    }
}

/// One connection. Whatever ends one way ends both.
struct Line {
    shared: Arc<Shared>,
    /// The server's next answer is nobody's.
    swallows: AtomicBool,
}

impl Line {
    fn ask(&self, mut client: TcpStream, mut server: TcpStream) {
        let mut is_marked = false;
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = client.read(&mut bytes) {
            let said = &bytes[..length];
            {
                let mut wanted = self.shared.cut_after.lock();
                is_marked |= wanted.as_ref().is_some_and(|words| has(said, words));
                if is_marked && has(said, b"COMMIT") {
                    *wanted = None;
                    self.swallows.store(true, Ordering::SeqCst);
                }
            }
            if server.write_all(said).is_err() {
                break;
            }
        }
        let _ = server.shutdown(Shutdown::Both);
    }

    fn answer(&self, mut server: TcpStream, mut client: TcpStream) {
        let mut bytes = [0; 64 * 1024];
        while let Ok(length @ 1..) = server.read(&mut bytes) {
            let is_swallowed = self.swallows.load(Ordering::SeqCst);
            if is_swallowed || client.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}

fn has(bytes: &[u8], words: &[u8]) -> bool {
    bytes.windows(words.len()).any(|window| window == words)
}
