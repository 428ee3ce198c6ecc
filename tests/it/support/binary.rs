//! The real binary, in a folder of its own.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tidings::config::DatabaseUrl;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::ailing_disk::AilingDisk;
use super::app::Site;
use super::database::TestDatabase;
use super::syscall_filter::SyscallFilter;
use super::wait::within;

/// Where a binary runs: nothing of the outside's environment is there.
pub(crate) struct Binary {
    database: TestDatabase,
    folder: TempDir,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A server that runs.
pub(crate) struct Serving {
    child: Child,
    pub(crate) site: Site,
}

impl Binary {
    /// An empty folder, and an empty database.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            database: TestDatabase::empty(folder.path()).await,
            folder,
        }
    }

    /// The same, ready to serve.
    pub(crate) async fn migrated() -> Self {
        let binary = Self::new().await;
        binary.run(&["migrate"], "").await.succeeded();
        binary
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.database.url(), DatabaseUrl::Sqlite(_))
    }

    /// A command, to be completed.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_tidings"));
        command.args(arguments);
        command
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("TIDINGS_DATA_DIR", self.folder())
            .env("DATABASE_URL", self.database.text())
            .env("TIDINGS_LISTEN", "127.0.0.1:0")
            .env("TIDINGS_RATE_LIMITS", "off")
            // Machines that run tests may have little space.
            .env("TIDINGS_DISK_RESERVE", "0")
            .current_dir(self.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end, with this on its standard input.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> Finished {
        finish(self.command(arguments), input).await
    }

    /// Serves, and waits until it does; its log goes to the file `log`.
    pub(crate) async fn serve(&self, environment: &[(&str, &str)]) -> Serving {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        self.start(command).await
    }

    /// Serves where a file that mustn't grow is an error like any other, as a
    /// full disk is, and not the end of the process.
    pub(crate) async fn serve_under_limits(&self) -> Serving {
        let mut command = self.program("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_tidings"));
        self.start(command).await
    }

    /// Serves on a disk that can be made to fail.
    pub(crate) async fn serve_on(&self, disk: &AilingDisk) -> Serving {
        let mut command = self.command(&["serve"]);
        command.env("LD_PRELOAD", disk.library());
        self.start(command).await
    }

    /// Serves with the system calls that a unit allows, and the usual limits.
    pub(crate) async fn serve_under(&self, filter: &SyscallFilter) -> Serving {
        let mut command = self.program(filter.program().to_str().unwrap());
        command
            .args([env!("CARGO_BIN_EXE_tidings"), "serve"])
            .env("TIDINGS_RATE_LIMITS", "");
        self.start(command).await
    }

    async fn start(&self, mut command: Command) -> Serving {
        let log = std::fs::File::create(self.folder().join("log")).unwrap();
        command.stderr(log);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the server to start", lines.next_line()).await;
        let line = line.unwrap().unwrap_or_else(|| panic!("{}", self.log()));
        let address = line.strip_prefix("Tidings serves on http://").unwrap();
        Serving {
            child,
            site: Site::at(address.parse().unwrap()),
        }
    }

    /// What the last server has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap()
    }
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command, input: &str) -> Finished {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that reads nothing may have ended by now.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = within("a command to end", child.wait_with_output()).await;
    let output = output.unwrap();
    Finished {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Finished {
    /// What a command answered that did what it was told.
    #[track_caller]
    pub(crate) fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// The one line that a command says why it failed, with this code.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.stdout, "");
        let (Some(line), None) = (self.stderr.lines().next(), self.stderr.lines().nth(1)) else {
            panic!("not one line: {self:?}");
        };
        let line = line
            .strip_prefix("tidings: ")
            .unwrap_or_else(|| panic!("{self:?}"));
        line.to_owned()
    }
}

impl Serving {
    /// The id of its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal, by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(kill.unwrap().success());
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id().unwrap());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Lets no file of it grow beyond so many bytes; none lets all grow.
    pub(crate) async fn limit_files(&self, most: Option<u64>) {
        let id = self.child.id().unwrap().to_string();
        let most = most.map_or("unlimited".to_owned(), |most| most.to_string());
        let mut limit = Command::new("prlimit");
        // The soft limit alone: the other couldn't be raised again.
        limit.args(["--pid", &id, &format!("--fsize={most}:")]);
        assert!(limit.status().await.unwrap().success());
    }

    /// How it ended.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("the server to end", self.child.wait())
            .await
            .unwrap()
    }
}
