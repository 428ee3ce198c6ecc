//! The real binary, run in its own folder.

use std::path::Path;
use std::process::{ExitStatus, Stdio};

use tempfile::TempDir;
use tidings::config::DatabaseUrl;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::app::TestSite;
use super::database::TestDatabase;
use super::faulty_disk::FaultyDisk;
use super::syscall_filter::SyscallFilter;
use super::wait::within;

/// The folder and database for runs of the binary, which inherit no environment
/// variables.
pub(crate) struct TestBinary {
    database: TestDatabase,
    folder: TempDir,
}

/// The result of a command that has ended.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running server process.
pub(crate) struct BinaryServer {
    child: Child,
    pub(crate) site: TestSite,
}

impl TestBinary {
    /// Creates an empty folder and an empty database.
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            database: TestDatabase::empty(folder.path()).await,
            folder,
        }
    }

    /// Creates a folder and a migrated database.
    pub(crate) async fn migrated() -> Self {
        let binary = Self::new().await;
        binary.run(&["migrate"], "").await.expect_success();
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

    /// Returns a command for the caller to complete.
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
            .env("DATABASE_URL", self.database.url_text())
            .env("TIDINGS_LISTEN", "127.0.0.1:0")
            .env("TIDINGS_RATE_LIMITS", "off")
            // Test machines may have little disk space.
            .env("TIDINGS_DISK_RESERVE", "0")
            .current_dir(self.folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end, with `input` as its standard input.
    pub(crate) async fn run(&self, arguments: &[&str], input: &str) -> CommandOutput {
        run_to_end(self.command(arguments), input).await
    }

    /// Starts the server and waits until it serves. It logs to the file `log`.
    pub(crate) async fn serve(&self, environment: &[(&str, &str)]) -> BinaryServer {
        let mut command = self.command(&["serve"]);
        command.envs(environment.iter().copied());
        self.start(command).await
    }

    /// Starts the server with SIGXFSZ ignored. Exceeding the file size limit is
    /// then a write error, as on a full disk, and doesn't end the process.
    pub(crate) async fn serve_under_limits(&self) -> BinaryServer {
        let mut command = self.program("sh");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" serve"])
            .arg(env!("CARGO_BIN_EXE_tidings"));
        self.start(command).await
    }

    /// Starts the server on a disk that can be made to fail.
    pub(crate) async fn serve_on(&self, disk: &FaultyDisk) -> BinaryServer {
        let mut command = self.command(&["serve"]);
        command.env("LD_PRELOAD", disk.library());
        self.start(command).await
    }

    /// Starts the server with the system calls of a unit file and the default
    /// rate limits.
    pub(crate) async fn serve_filtered(&self, filter: &SyscallFilter) -> BinaryServer {
        let mut command = self.program(filter.program().to_str().unwrap());
        command
            .args([env!("CARGO_BIN_EXE_tidings"), "serve"])
            .env("TIDINGS_RATE_LIMITS", "");
        self.start(command).await
    }

    async fn start(&self, mut command: Command) -> BinaryServer {
        let log = std::fs::File::create(self.folder().join("log")).unwrap();
        command.stderr(log);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the server to start", lines.next_line()).await;
        let line = line.unwrap().unwrap_or_else(|| panic!("{}", self.log()));
        let address = line.strip_prefix("Tidings serves on http://").unwrap();
        BinaryServer {
            child,
            site: TestSite::at(address.parse().unwrap()),
        }
    }

    /// Returns the log of the last server.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("log")).unwrap()
    }
}

/// Returns the warnings and errors in a server's log. On a busy machine, sqlx
/// also warns of slow statements, which say nothing about the server.
pub(crate) fn warnings(log: &str) -> impl Iterator<Item = &str> {
    log.lines().filter(|line| {
        let is_warning = line.contains("ERROR") || line.contains("WARN");
        let is_about_speed = line.contains("slow statement") || line.contains("slow threshold");
        is_warning && !is_about_speed
    })
}

/// Runs a command to its end.
pub(crate) async fn run_to_end(mut command: Command, input: &str) -> CommandOutput {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Writing fails if the command has ended without reading its input.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let output = within("a command to end", child.wait_with_output()).await;
    let output = output.unwrap();
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl CommandOutput {
    /// Returns the standard output of a command that succeeded.
    #[track_caller]
    pub(crate) fn expect_success(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.stdout
    }

    /// Returns the single line of error output of a command that failed with
    /// `code`.
    #[track_caller]
    pub(crate) fn expect_failure(self, code: i32) -> String {
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

impl BinaryServer {
    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(kill.unwrap().success());
    }

    /// Returns the number of open file descriptors.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.child.id().unwrap());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// Limits the size of the server's files to `most` bytes. `None` removes
    /// the limit.
    pub(crate) async fn limit_files(&self, most: Option<u64>) {
        let id = self.child.id().unwrap().to_string();
        let most = most.map_or("unlimited".to_owned(), |most| most.to_string());
        let mut limit = Command::new("prlimit");
        // Only the soft limit: a lowered hard limit couldn't be raised again.
        limit.args(["--pid", &id, &format!("--fsize={most}:")]);
        assert!(limit.status().await.unwrap().success());
    }

    /// Waits for the end of the process and returns its status.
    pub(crate) async fn wait_for_exit(&mut self) -> ExitStatus {
        within("the server to end", self.child.wait())
            .await
            .unwrap()
    }
}
