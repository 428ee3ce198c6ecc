//! The binary, as a process that can be killed.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::support::until;

pub(super) struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the server and waits until it listens. PostgreSQL may hold the
    /// killed server's lock for a moment, and until its release a new server
    /// refuses to start.
    pub(super) async fn start(folder: &Path, database: &str) -> Self {
        until("a server to start", async || {
            Self::try_start(folder, database).await
        })
        .await
    }

    async fn try_start(folder: &Path, database: &str) -> Option<Self> {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tidings"))
            .env_clear()
            .env("TIDINGS_RATE_LIMITS", "off")
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(["--database-url", database, "--data-dir"])
            .arg(folder)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let Some(line) = lines.next_line().await.unwrap() else {
            let code = process.wait().await.unwrap().code();
            assert_eq!(code, Some(1), "it says why");
            return None;
        };
        let (_, address) = line.rsplit_once('/').unwrap();
        Some(Self {
            process,
            address: address.parse().unwrap(),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub(super) async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }
}
