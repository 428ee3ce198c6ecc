//! nginx and Caddy with the files of `deploy/`, as children of a test.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::wait::until;

/// A free port may be taken by another program before a proxy listens on it.
const TRIES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    Nginx,
    Caddy,
}

/// A proxy that runs. Its folder holds its configuration and all of its logs.
pub(crate) struct RunningFront {
    // Killed when it is dropped.
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Front {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Caddy];

    /// The file that is shipped.
    pub(crate) fn shipped(self) -> String {
        let name = match self {
            Self::Nginx => "nginx.conf",
            Self::Caddy => "Caddyfile",
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(root.join("deploy").join(name)).unwrap()
    }

    /// Runs it before `upstream`, with the shipped file but for ports, paths and
    /// TLS, and with what `change` changes.
    pub(crate) async fn run(
        self,
        upstream: SocketAddr,
        change: impl Fn(String) -> String,
    ) -> RunningFront {
        let text = change(self.shipped());
        for _ in 0..TRIES {
            if let Some(running) = self.try_run(upstream, &text).await {
                return running;
            }
        }
        panic!("{self:?} did not start; tests/run installs it");
    }

    async fn try_run(self, upstream: SocketAddr, text: &str) -> Option<RunningFront> {
        let folder = tempfile::tempdir().unwrap();
        let [address, other] = free_addresses();
        let text = replace(text, "127.0.0.1:8000", &upstream.to_string());
        let mut command = match self {
            Self::Nginx => nginx(&text, [address, other], folder.path()),
            Self::Caddy => caddy(&text, address, folder.path()),
        };
        let log = fs::File::create(folder.path().join("stderr.log")).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{self:?} (tests/run installs it): {error}"));
        let starts = until("a proxy to start", async || {
            if child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            TcpStream::connect(address).await.ok().map(|_| true)
        });
        starts.await.then_some(RunningFront {
            child,
            address,
            folder,
        })
    }
}

impl RunningFront {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// All that it has written to logs.
    pub(crate) fn logs(&self) -> String {
        assert!(self.child.id().is_some(), "it runs");
        let files = fs::read_dir(self.folder.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let logs = paths.filter(|path| path.extension().is_some_and(|it| it == "log"));
        logs.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

/// Two that nothing listens on now.
fn free_addresses() -> [SocketAddr; 2] {
    let bound = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    bound.map(|listener| listener.local_addr().unwrap())
}

fn nginx(text: &str, [address, other]: [SocketAddr; 2], folder: &Path) -> Command {
    let at = folder.display().to_string();
    let kept = text
        .lines()
        .filter(|line| !line.contains("[::]:") && !line.contains("ssl_certificate"));
    let text = kept.collect::<Vec<_>>().join("\n");
    let text = replace(
        &text,
        "listen 443 ssl http2;",
        &format!("listen {address};"),
    );
    let text = replace(&text, "listen 80;", &format!("listen {other};"));
    let text = replace(&text, "/var/log/nginx", &at);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|name| format!("{name}_temp_path {at}/{name};"));
    let temporary = temporary.concat();
    // One process, which ends with the test.
    let text = format!(
        "pid {at}/pid; daemon off; master_process off; error_log stderr crit; \
         events {{}} http {{ access_log off; {temporary}\n{text}\n}}"
    );
    let config = folder.join("nginx.conf");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("nginx");
    command
        .args(["-e", "stderr", "-p"])
        .arg(folder)
        .arg("-c")
        .arg(config);
    command
}

fn caddy(text: &str, address: SocketAddr, folder: &Path) -> Command {
    let text = replace(
        text,
        "\nchat.example.org {",
        &format!("\nhttp://{address} {{\n\tbind {}", address.ip()),
    );
    let text = text.replacen("{\n", "{\n\tadmin off\n", 1);
    let config = folder.join("Caddyfile");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(config)
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder);
    command
}

/// Replaces what must be there.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}
