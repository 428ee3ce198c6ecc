//! What clients that don't behave cost: the release server as a child process,
//! pairs who talk at an even pace, and beside them a crowd of one kind.
//!
//! `cargo bench --bench hostile` runs every crowd, each against a server of its
//! own, in about ten minutes; names after `--` choose some. It prints how
//! long the pairs waited for their echoes without the crowd and with it, what
//! the server held in memory before, while and after the crowd was there, and
//! when the server had closed the last connection of the crowd. `stored` compares how long one
//! user's requests take with nothing stored and with much.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that can't go on should stop where it is, and says what it measures"
)]

mod attacks;
mod crowd;
mod people;
mod stored;
mod talk;

use std::net::SocketAddr;
use std::process::Stdio;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crowd::Crowd;
use people::Pair;

/// The pairs are many at one address, and talk fast; what holds back a crowd is
/// as usual.
const LIMITS: &str = "sends=off,registrations=off";
/// How long the pairs are listened to, without the crowd and with it.
pub(crate) const SPAN: Duration = Duration::from_secs(10);
const PAIRS: usize = 20;
/// Nobody may be there longer than this.
const LET_GO_WITHIN: Duration = Duration::from_secs(120);

struct Server {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Server {
    /// Stops it, puts rows into its database, and starts it again.
    async fn fill(mut self, limits: &str, statements: &[String]) -> Self {
        self.process.kill().await.unwrap();
        attacks::fill(self.folder.path(), statements).await;
        Self::start_on(self.folder, limits).await
    }

    /// Starts one on this folder, with these limits.
    async fn start_on(folder: TempDir, limits: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .env_clear()
            .env("TIDINGS_RATE_LIMITS", limits)
            .env("TIDINGS_TRUSTED_PROXIES", "127.0.0.1")
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .arg("--data-dir")
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it serves");
        let (_, address) = line.rsplit_once('/').unwrap();
        Self {
            process,
            address: address.parse().unwrap(),
            folder,
        }
    }

    /// Megabytes in memory.
    fn rss(&self) -> f64 {
        let id = self.process.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse::<f64>().unwrap() / 1024.0
    }

    /// Open connections, and a few files.
    fn handles(&self) -> usize {
        let id = self.process.id().expect("it runs");
        let handles = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
        handles.count()
    }

    /// Waits until so many are open at once, in moments: a connection is one
    /// before the server has taken it in.
    async fn has_let_in(&self, count: usize) {
        let mut looks = tokio::time::interval(Duration::from_millis(1));
        let come = async {
            while self.handles() <= count {
                looks.tick().await;
            }
        };
        let come = tokio::time::timeout(Duration::from_secs(10), come).await;
        come.expect("the crowd is there");
    }
}

/// A crowd on a thread of its own: what it does doesn't keep the pairs waiting
/// for their turn in this process.
struct Beside {
    thread: JoinHandle<()>,
    over: oneshot::Sender<()>,
}

impl Beside {
    fn start(crowd: &'static Crowd, address: SocketAddr, target: Pair) -> Self {
        let (over, is_over) = oneshot::channel();
        let run = async move {
            let there = crowd.come(address, &target).await;
            is_over.await.unwrap();
            drop(there);
        };
        Self {
            thread: thread::spawn(move || LocalSet::new().block_on(&runtime(), run)),
            over,
        }
    }

    fn end(self) {
        self.over.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen = |crowd: &Crowd| {
        let mut named = asked.iter().filter(|word| !word.starts_with('-'));
        named.clone().next().is_none() || named.any(|word| word == crowd.name())
    };
    let runtime = runtime();
    println!("| crowd | p99 without, with | RSS before, at most, after | gone after |");
    println!("|---|---|---|---|");
    for crowd in Crowd::ALL.iter().filter(|crowd| is_chosen(crowd)) {
        LocalSet::new().block_on(&runtime, run(crowd));
    }
    let is_asked = asked
        .iter()
        .all(|word| word.starts_with('-') || word == "stored");
    if is_asked {
        LocalSet::new().block_on(&runtime, stored::run());
    }
}

async fn run(crowd: &'static Crowd) {
    let limits = format!("{LIMITS}{}", crowd.limits());
    let mut server = Server::start_on(tempfile::tempdir().unwrap(), &limits).await;
    let mut pairs = people::pairs(server.address, PAIRS + 1).await;
    let target = pairs.pop().unwrap();
    let stored = crowd.stored(&target);
    if !stored.is_empty() {
        server = server.fill(&limits, &stored).await;
    }
    let quiet = talk::listen(server.address, &pairs, SPAN).await;
    let (before, handles) = (server.rss(), server.handles());

    let began = Instant::now();
    let there = Beside::start(crowd, server.address, target);
    server.has_let_in(handles + crowd.size() / 2).await;
    let look = async {
        let (mut most, mut gone) = (server.rss(), None);
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        while gone.is_none() && began.elapsed() < LET_GO_WITHIN {
            looks.tick().await;
            most = most.max(server.rss());
            // The pairs' own sockets come and go.
            if server.handles() <= handles + 2 * PAIRS + 8 && began.elapsed() > crowd.lasts() {
                gone = Some(began.elapsed());
            }
        }
        (most, gone)
    };
    let listened = talk::listen(server.address, &pairs, SPAN);
    let (busy, (most, gone)) = tokio::join!(listened, look);
    let gone = gone.map_or("never".to_owned(), |gone| format!("{} s", gone.as_secs()));
    println!(
        "| {} | {:.2} ms, {:.2} ms ({:.1}×) | {before:.0} MB, {most:.0} MB, {:.0} MB | {gone} |",
        crowd.what(),
        quiet,
        busy,
        busy / quiet,
        server.rss(),
    );
    there.end();
}
