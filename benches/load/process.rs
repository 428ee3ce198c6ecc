//! A measured child process, with its CPU time and memory.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::relay;
use super::world::LoadWorld;

/// The unit of CPU time in `/proc`, which is the same on every Linux.
const TICK: Duration = Duration::from_millis(10);

pub(crate) struct LoadProcess {
    pub(crate) name: &'static str,
    child: Child,
    address: SocketAddr,
    _folder: Option<TempDir>,
}

impl LoadProcess {
    /// Starts the server on the folder of a world.
    pub(crate) async fn start_server(world: &LoadWorld) -> Self {
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

    /// Starts a relay of the same frames, without a log.
    pub(crate) async fn start_relay() -> Self {
        Self::start("relay", Self::relay_command(None), None).await
    }

    /// Starts a relay that has each frame on disk before it forwards it.
    pub(crate) async fn start_relay_to_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let command = Self::relay_command(Some(&folder.path().join("log")));
        Self::start("relay+fsync", command, Some(folder)).await
    }

    fn relay_command(log: Option<&Path>) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env_clear().arg(relay::RELAY_ARGUMENT).args(log);
        command
    }

    async fn start(name: &'static str, mut command: Command, folder: Option<TempDir>) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("server address");
        let (_, address) = line.rsplit_once('/').unwrap();
        Self {
            name,
            child,
            address: address.parse().unwrap(),
            _folder: folder,
        }
    }

    /// Kills the process, so that the next one has the machine to itself.
    pub(crate) async fn stop(mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the CPU time so far.
    pub(crate) fn cpu(&self) -> Duration {
        cpu_of(&self.child.id().expect("the process is running").to_string())
    }

    /// Returns the resident memory in kilobytes.
    pub(crate) fn rss(&self) -> u64 {
        let id = self.child.id().expect("the process is running");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.unwrap().split_whitespace().next();
        number.unwrap().parse().unwrap()
    }
}

/// Returns the CPU time of a process so far. The id `self` is this process.
pub(crate) fn cpu_of(id: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name in the second field may hold any characters, so the fields are
    // counted from its end.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    TICK * ticks.map(|ticks| ticks.parse::<u32>().unwrap()).sum()
}
