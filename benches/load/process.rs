//! A measured process as a child, and what the system says of it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::relay;
use super::world::World;

/// Of the clock that `/proc` counts processor time by; the same on every
/// Linux there is.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Process {
    pub(crate) name: &'static str,
    child: Child,
    address: SocketAddr,
    _folder: Option<TempDir>,
}

impl Process {
    /// The server, on the folder of a world.
    pub(crate) async fn tidings(world: &World) -> Self {
        let words: Vec<String> = std::env::args().collect();
        let other = words.iter().find_map(|word| word.strip_prefix("server="));
        let mut command = Command::new(other.unwrap_or(env!("CARGO_BIN_EXE_tidings")));
        command
            .env_clear()
            .env("TIDINGS_RATE_LIMITS", "off")
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .arg("--data-dir")
            .arg(world.folder());
        Self::start("tidings", command, None).await
    }

    /// A bare relay of the same frames.
    pub(crate) async fn relay() -> Self {
        Self::start("relay", Self::relay_command(None), None).await
    }

    /// The same, which has each on disk before it passes it on.
    pub(crate) async fn relay_to_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let command = Self::relay_command(Some(&folder.path().join("log")));
        Self::start("relay+fsync", command, Some(folder)).await
    }

    fn relay_command(log: Option<&Path>) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env_clear().arg(relay::ROLE).args(log);
        command
    }

    async fn start(name: &'static str, mut command: Command, folder: Option<TempDir>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("it serves");
        let (_, address) = line.rsplit_once('/').unwrap();
        Self {
            name,
            child,
            address: address.parse().unwrap(),
            _folder: folder,
        }
    }

    /// Ends it, so that the next has the machine to itself.
    pub(crate) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().expect("it runs").to_string())
    }

    /// Kilobytes in memory.
    pub(crate) fn rss(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next();
        number.unwrap().parse().unwrap()
    }
}

/// Processor time of a process so far; `self` is this one.
pub(crate) fn cpu_of(id: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name in the second field may hold anything; what counts stands
    // after it.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    TICK * ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}
