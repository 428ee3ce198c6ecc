//! The files of `deploy/`: checked by the programs that read them, if
//! installed, and by the tests themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tidings::config::Settings;

fn file(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("deploy").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

/// Runs a program, or prints that it isn't installed.
#[expect(clippy::print_stdout, reason = "a skipped check must be visible")]
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("NOT CHECKED by {program}, which isn't installed: {error}");
            None
        }
    }
}

fn assert_well(output: &Output) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

/// No listener may log a query string: it may hold a token or a password link.
#[test]
fn nginx_logs_no_query() {
    let config = text("nginx.conf");
    let servers: Vec<&str> = config.split("\nserver {").skip(1).collect();
    assert_eq!(servers.len(), 2);
    for server in servers {
        assert!(
            server.contains("access_log off;") || server.contains(" tidings;"),
            "{server}"
        );
        assert!(
            server.contains("error_log ") && server.contains(" crit;"),
            "{server}"
        );
    }
    let format = config.split_once("log_format tidings ").unwrap().1;
    let format = format.split_once(';').unwrap().0;
    for tells in ["$request ", "$request_uri", "$args", "$http_referer"] {
        assert!(!format.contains(tells), "{format}");
    }
}

/// Returns the seconds of the first occurrence of a setting.
fn seconds(text: &str, setting: &str) -> Duration {
    let (_, rest) = text.split_once(setting).unwrap();
    let digits = rest.chars().take_while(char::is_ascii_digit);
    Duration::from_secs(digits.collect::<String>().parse().unwrap())
}

/// The proxy must close an idle connection before the server does, or it may
/// send a request into a connection that the server has closed.
#[test]
fn proxies_close_idle_connections_first() {
    let ours = Settings::default().keep_alive;
    // Requests in flight when the proxy closes need time to arrive.
    let margin = Duration::from_secs(5);
    for theirs in [
        seconds(&text("nginx.conf"), " keepalive_timeout "),
        seconds(&text("Caddyfile"), " http {\n\t\t\tkeepalive "),
    ] {
        assert!(theirs + margin <= ours, "{theirs:?} and {ours:?}");
    }
}

/// The timeouts of proxies and of systemd must exceed the times that the server
/// may take.
#[test]
fn deployed_timeouts_outlast_the_server() {
    let timings = Settings::default().timings;
    let nginx = text("nginx.conf");
    for timeout in [" proxy_read_timeout ", " proxy_send_timeout "] {
        assert!(seconds(&nginx, timeout) > timings.silence, "{timeout}");
        assert!(seconds(&nginx, timeout) > timings.body_within, "{timeout}");
    }
    let stop = seconds(&text("tidings.service"), "TimeoutStopSec=");
    // The server is documented to stop within ten seconds.
    assert!(stop > Duration::from_secs(10) && stop > timings.stop_within);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/deploy.md")).unwrap();
    assert!(seconds(&docs, "--stop-timeout ") >= stop);
}

#[test]
fn nginx_accepts_its_config() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display();
    let key = format!("{at}/key.pem");
    let made = run(
        "openssl",
        &[
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=x",
            "-keyout", &key, "-out", &key,
        ],
    );
    if made.is_none() {
        return;
    }
    let ours = text("nginx.conf")
        .replace("/etc/letsencrypt/live/chat.example.org/fullchain.pem", &key)
        .replace("/etc/letsencrypt/live/chat.example.org/privkey.pem", &key)
        .replace("/var/log/nginx", &at.to_string());
    let whole = format!(
        "pid {at}/pid; error_log stderr; events {{}} http {{ access_log off; \
         client_body_temp_path {at}/b; proxy_temp_path {at}/p; fastcgi_temp_path {at}/f; \
         uwsgi_temp_path {at}/u; scgi_temp_path {at}/s; {ours} }}"
    );
    let config = folder.path().join("nginx.conf");
    std::fs::write(&config, whole).unwrap();
    if let Some(output) = run("nginx", &["-t", "-q", "-c", config.to_str().unwrap()]) {
        assert_well(&output);
    }
}

#[test]
fn caddy_accepts_its_config() {
    let file = file("Caddyfile");
    let arguments = ["validate", "--adapter", "caddyfile", "--config"];
    let arguments = [&arguments[..], &[file.to_str().unwrap()]].concat();
    if let Some(output) = run("caddy", &arguments) {
        assert_well(&output);
    }
}

#[test]
fn systemd_accepts_its_unit() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("tidings.service");
    // The program that the unit starts must exist.
    let ours = text("tidings.service").replace("/usr/local/bin/tidings", "/bin/true");
    std::fs::write(&unit, ours).unwrap();
    let verify = ["verify", "--man=no", unit.to_str().unwrap()];
    if let Some(output) = run("systemd-analyze", &verify) {
        assert_well(&output);
    }
}
