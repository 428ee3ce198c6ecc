//! nginx and Caddy with the configurations in `deploy/`, as child processes.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use super::wait::until;

/// The maximum number of attempts to start. Another program may take a free
/// port before the proxy listens on it.
const TRIES: usize = 5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReverseProxy {
    Nginx,
    Caddy,
}

/// A running proxy. Its folder holds its configuration and all its logs.
pub(crate) struct RunningProxy {
    // Killed on drop.
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl ReverseProxy {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Caddy];

    /// Returns the configuration in `deploy/`.
    pub(crate) fn shipped_config(self) -> String {
        let name = match self {
            Self::Nginx => "nginx.conf",
            Self::Caddy => "Caddyfile",
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(root.join("deploy").join(name)).unwrap()
    }

    /// Starts the proxy in front of `upstream`. Replaces ports, paths and TLS
    /// in the shipped configuration and applies `change`.
    pub(crate) async fn run(
        self,
        upstream: SocketAddr,
        change: impl Fn(String) -> String,
    ) -> RunningProxy {
        let text = change(self.shipped_config());
        for _ in 0..TRIES {
            if let Some(running) = self.try_run(upstream, &text).await {
                return running;
            }
        }
        panic!("{self:?} did not start; tests/run installs it");
    }

    async fn try_run(self, upstream: SocketAddr, text: &str) -> Option<RunningProxy> {
        let folder = tempfile::tempdir().unwrap();
        let [address, other] = free_addresses();
        let text = replace(text, "127.0.0.1:8000", &upstream.to_string());
        let mut command = match self {
            Self::Nginx => nginx_command(&text, [address, other], folder.path()),
            Self::Caddy => caddy_command(&text, address, folder.path()),
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
        starts.await.then_some(RunningProxy {
            child,
            address,
            folder,
        })
    }
}

impl RunningProxy {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the content of all the proxy's logs.
    pub(crate) fn logs(&self) -> String {
        assert!(self.child.id().is_some(), "it runs");
        let files = fs::read_dir(self.folder.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let logs = paths.filter(|path| path.extension().is_some_and(|it| it == "log"));
        logs.map(|path| fs::read_to_string(path).unwrap()).collect()
    }
}

/// Returns two addresses at which nothing listens now.
fn free_addresses() -> [SocketAddr; 2] {
    let bound = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    bound.map(|listener| listener.local_addr().unwrap())
}

fn nginx_command(text: &str, [address, other]: [SocketAddr; 2], folder: &Path) -> Command {
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
    // A single process, so that it ends with the test.
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

fn caddy_command(text: &str, address: SocketAddr, folder: &Path) -> Command {
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

/// Replaces `from`, which `text` must contain.
fn replace(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in {text}");
    text.replace(from, to)
}
