//! Measures the cost of hostile clients. The release server runs as a child
//! process; pairs of users talk at an even pace, beside a crowd of one kind.
//!
//! `cargo bench --bench hostile` runs every crowd, each against a new server,
//! in about ten minutes; names after `--` select crowds. It prints for each
//! crowd:
//!
//! - the latency of the pairs' echoes, without the crowd and with it;
//! - the memory of the server before, during and after the attack;
//! - the time until the server had closed the crowd's last connection.
//!
//! `stored` compares one user's requests without stored rows and with many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that can't continue should panic; results are printed"
)]

mod accounts;
mod attacks;
mod crowd;
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

use accounts::UserPair;
use crowd::AttackCrowd;

/// The rate limits that are off: all pairs share one address and talk fast. The
/// limits that slow a crowd down keep their defaults.
const LIMITS: &str = "sends=off,registrations=off";
/// How long the pairs are measured, without the crowd and with it.
pub(crate) const MEASURED_SPAN: Duration = Duration::from_secs(10);
const PAIRS: usize = 20;
/// The longest time to wait until the server has evicted the crowd.
const EVICTION_WITHIN: Duration = Duration::from_secs(120);

struct HostileServer {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl HostileServer {
    /// Stops the server, runs statements on its database, and starts it again.
    async fn fill(mut self, limits: &str, statements: &[String]) -> Self {
        self.process.kill().await.unwrap();
        attacks::fill(self.folder.path(), statements).await;
        Self::start_on(self.folder, limits).await
    }

    /// Starts a server on this folder, with these rate limits.
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
        let line = lines.next_line().await.unwrap().expect("server address");
        let (_, address) = line.rsplit_once('/').unwrap();
        Self {
            process,
            address: address.parse().unwrap(),
            folder,
        }
    }

    /// Returns the resident memory in megabytes.
    fn rss(&self) -> f64 {
        let id = self.process.id().expect("the server is running");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse::<f64>().unwrap() / 1024.0
    }

    /// Returns the number of open descriptors: connections, and a few files.
    fn handles(&self) -> usize {
        let id = self.process.id().expect("the server is running");
        let handles = std::fs::read_dir(format!("/proc/{id}/fd")).unwrap();
        handles.count()
    }

    /// Waits until more than `count` descriptors are open. A client can connect
    /// before the server has accepted the connection.
    async fn wait_for_connections(&self, count: usize) {
        let mut looks = tokio::time::interval(Duration::from_millis(1));
        let come = async {
            while self.handles() <= count {
                looks.tick().await;
            }
        };
        let come = tokio::time::timeout(Duration::from_secs(10), come).await;
        come.expect("the server accepts the crowd");
    }
}

/// A crowd on a thread of its own, so that its work doesn't delay the pairs in
/// this process.
struct CrowdThread {
    thread: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl CrowdThread {
    fn start(crowd: &'static AttackCrowd, address: SocketAddr, target: UserPair) -> Self {
        let (stop, is_over) = oneshot::channel();
        let run = async move {
            let there = crowd.start(address, &target).await;
            is_over.await.unwrap();
            drop(there);
        };
        Self {
            thread: thread::spawn(move || LocalSet::new().block_on(&runtime(), run)),
            stop,
        }
    }

    fn end(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let is_chosen = |crowd: &AttackCrowd| {
        let mut named = asked.iter().filter(|word| !word.starts_with('-'));
        named.clone().next().is_none() || named.any(|word| word == crowd.name())
    };
    let runtime = runtime();
    println!("| crowd | p99 without, with | RSS before, at most, after | gone after |");
    println!("|---|---|---|---|");
    for crowd in AttackCrowd::ALL.iter().filter(|crowd| is_chosen(crowd)) {
        LocalSet::new().block_on(&runtime, run(crowd));
    }
    let is_asked = asked
        .iter()
        .all(|word| word.starts_with('-') || word == "stored");
    if is_asked {
        LocalSet::new().block_on(&runtime, stored::run());
    }
}

async fn run(crowd: &'static AttackCrowd) {
    let limits = format!("{LIMITS}{}", crowd.limits());
    let mut server = HostileServer::start_on(tempfile::tempdir().unwrap(), &limits).await;
    let mut pairs = accounts::register_pairs(server.address, PAIRS + 1).await;
    let target = pairs.pop().unwrap();
    let stored = crowd.stored_rows(&target);
    if !stored.is_empty() {
        server = server.fill(&limits, &stored).await;
    }
    let quiet = talk::measure_pairs(server.address, &pairs, MEASURED_SPAN).await;
    let (before, handles) = (server.rss(), server.handles());

    let began = Instant::now();
    let there = CrowdThread::start(crowd, server.address, target);
    // Not for a single attacker: it opens few connections, while older ones may
    // close.
    if crowd.size() > 1 {
        server
            .wait_for_connections(handles + crowd.size() / 2)
            .await;
    }
    let look = async {
        let (mut most, mut gone) = (server.rss(), None);
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        while gone.is_none() && began.elapsed() < EVICTION_WITHIN {
            looks.tick().await;
            most = most.max(server.rss());
            // Leave room for the sockets of the pairs, which open and close
            // meanwhile.
            if server.handles() <= handles + 2 * PAIRS + 8 && began.elapsed() > crowd.duration() {
                gone = Some(began.elapsed());
            }
        }
        (most, gone)
    };
    let listened = talk::measure_pairs(server.address, &pairs, MEASURED_SPAN);
    let (busy, (most, gone)) = tokio::join!(listened, look);
    let gone = gone.map_or("never".to_owned(), |gone| format!("{} s", gone.as_secs()));
    println!(
        "| {} | {:.2} ms, {:.2} ms ({:.1}×) | {before:.0} MB, {most:.0} MB, {:.0} MB | {gone} |",
        crowd.description(),
        quiet,
        busy,
        busy / quiet,
        server.rss(),
    );
    there.end();
}
