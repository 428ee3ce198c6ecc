use std::io::Write;
use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;

/// Resolves settings from a file and flags. The environment is ignored: flags
/// can set the same.
fn resolve(file: &str, flags: &[&str]) -> Result<Settings, SettingsError> {
    resolve_at(write_file(file).path(), flags)
}

fn write_file(file: &str) -> tempfile::NamedTempFile {
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    toml
}

fn resolve_at(path: &Path, flags: &[&str]) -> Result<Settings, SettingsError> {
    let matches = SettingOverrides::augment_args(Command::new("tidings"))
        .mut_args(|arg| arg.env(None::<&str>))
        .try_get_matches_from(["tidings"].iter().chain(flags))
        .unwrap();
    let mut overrides = SettingOverrides::from_arg_matches(&matches).unwrap();
    overrides.config = Some(path.to_owned());
    Settings::resolve(overrides)
}

/// Returns the error, which must be one line, with FILE for the file's path.
fn resolve_error(file: &str, flags: &[&str]) -> String {
    let toml = write_file(file);
    let line = resolve_at(toml.path(), flags).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line.replace(&toml.path().display().to_string(), "FILE")
}

#[test]
fn empty_sources_give_default_settings() {
    assert_eq!(resolve("", &[]).unwrap(), Settings::default());
}

#[test]
fn flags_override_file_and_defaults() {
    let file = "listen = '0.0.0.0:1'\ntoken_ttl = 60\nlog_format = 'json'\n";
    let settings = resolve(file, &["--listen", "0.0.0.0:2", "--log", "warn"]).unwrap();
    assert_eq!(settings.listen.port(), 2);
    assert_eq!(settings.token_ttl, Duration::from_secs(60));
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.log, "warn");
    assert_eq!(settings.session_buffer, 262_144);
}

#[test]
fn storage_limits_can_be_off() {
    let settings = resolve("text_per_day = 0\ndisk_reserve = 0", &[]).unwrap();
    assert_eq!((settings.text_per_day, settings.disk_reserve), (0, 0));
    for flag in ["--text-per-day", "--disk-reserve"] {
        for value in ["-1", "16383.5", "x"] {
            let line = resolve_error("", &[&format!("{flag}={value}")]);
            assert!(line.starts_with(&format!("{flag} (TIDINGS_")), "{line}");
        }
    }
    let line = resolve_error("text_per_day = 1000", &[]);
    assert!(
        line.ends_with("at least 65536, or 0 for no limit"),
        "{line}"
    );
}

#[test]
fn long_keep_alive_raises_step_timeout() {
    let settings = resolve("keep_alive = 120", &[]).unwrap();
    assert_eq!(settings.keep_alive, Duration::from_secs(120));
    assert!(settings.timings.step_within > settings.keep_alive);
    let usual = Settings::default();
    assert!(usual.timings.step_within > usual.keep_alive);
}

#[test]
fn empty_values_count_as_unset() {
    let file = "listen = ''\ndata_dir = 'there'\n";
    let flags = ["--listen", "", "--data-dir", "", "--nats-url", " "];
    let settings = resolve(file, &flags).unwrap();
    assert_eq!(settings.listen, Settings::default().listen);
    assert_eq!(settings.data_dir, Path::new("there"));
}

#[test]
fn database_defaults_to_data_folder() {
    let there = resolve("data_dir = 'there'", &[]).unwrap();
    let url = DatabaseUrl::Sqlite("there/tidings.db".into());
    assert_eq!(there.database_url, url);

    let elsewhere = resolve("data_dir = 'there'", &["--database-url", "sqlite:x.db"]);
    let url = DatabaseUrl::Sqlite("x.db".into());
    assert_eq!(elsewhere.unwrap().database_url, url);
}

#[test]
fn error_names_flag_and_variable() {
    assert_eq!(
        resolve_error("", &["--listen", "localhost"]),
        "--listen (TIDINGS_LISTEN) is \"localhost\": it must be an IP address and a port, \
         such as 127.0.0.1:8000 or [::]:8000"
    );
    assert_eq!(
        resolve_error("", &["--log-format", "x\ny"]),
        "--log-format (TIDINGS_LOG_FORMAT) is \"x\\ny\": it must be text or json"
    );
    for flag in [
        "--token-ttl",
        "--session-buffer",
        "--total-session-buffer",
        "--keep-alive",
        "--security-contact",
        "--support-contact",
        "--hsts-subdomains",
        "--public-url",
        "--registration",
        "--allowed-origins",
        "--trusted-proxies",
        "--rate-limits",
        "--metrics-listen",
        "--metrics-token",
    ] {
        for value in ["0", "16383.5", "x", "9999999999 9999999999999"] {
            let line = resolve_error("", &[flag, value]);
            assert!(line.starts_with(&format!("{flag} (TIDINGS_")), "{line}");
        }
    }
}

#[test]
fn error_names_file_and_key() {
    assert_eq!(
        resolve_error("session_buffer = 1", &[]),
        "session_buffer in FILE is \"1\": it must be a whole number of bytes, at least 16384"
    );
}

#[test]
fn invalid_database_url_is_hidden() {
    assert_eq!(
        resolve_error("", &["--database-url", "mysql://ann:secret@host"]),
        "--database-url (DATABASE_URL): it must be a URL that starts with postgres:// or sqlite:"
    );
}

#[test]
fn unknown_file_keys_are_refused() {
    let unknown = resolve_error("listen = '[::]:1'\nlisten_on = 1\n", &[]);
    assert!(
        unknown.starts_with("FILE:2: unknown field `listen_on`"),
        "{unknown}"
    );
    let itself = resolve_error("config = 'other.toml'", &[]);
    assert!(
        itself.starts_with("FILE:1: unknown field `config`"),
        "{itself}"
    );
    let number = resolve_error("token_ttl = 'x'", &[]);
    assert!(number.starts_with("FILE:1: invalid type"), "{number}");
    let broken = resolve_error("\n\nlisten = \n", &[]);
    assert!(broken.starts_with("FILE:3: "), "{broken}");
}

#[test]
fn missing_named_file_is_refused() {
    let overrides = SettingOverrides {
        config: Some("/nowhere/tidings.toml".into()),
        ..SettingOverrides::default()
    };
    let line = Settings::resolve(overrides).unwrap_err().to_string();
    assert!(line.starts_with("can't read the settings file /nowhere/tidings.toml: "));
}

#[test]
fn metrics_settings_are_off_by_default() {
    assert_eq!(
        resolve("", &[]).unwrap().metrics,
        MetricsSettings::default()
    );
    let file = "metrics_listen = '127.0.0.1:9100'\nmetrics_token = '0123456789abcdef'\n";
    let metrics = resolve(file, &[]).unwrap().metrics;
    assert_eq!(metrics.listen.unwrap().port(), 9100);
    assert_eq!(metrics.token.unwrap().as_bytes(), b"0123456789abcdef");
    let line = resolve_error("", &["--metrics-token", "too-short"]);
    assert!(!line.contains("too-short"), "{line}");
}

#[test]
fn nats_url_is_refused() {
    let line = resolve_error("", &["--nats-url", "nats://127.0.0.1"]);
    assert!(line.contains("not supported yet"), "{line}");
    assert_eq!(resolve_error("nats_url = 'nats://127.0.0.1'", &[]), line);
}

#[test]
fn help_shows_defaults_and_hides_secrets() {
    let settings = Settings::default();
    let mut command = SettingOverrides::augment_args(Command::new("tidings")).term_width(1000);
    let help = command.render_help().to_string();
    for default in [
        settings.listen.to_string(),
        settings.data_dir.display().to_string(),
        settings.token_ttl.as_secs().to_string(),
        settings.session_buffer.to_string(),
        settings.total_session_buffer.to_string(),
        settings.text_per_day.to_string(),
        settings.disk_reserve.to_string(),
        settings.keep_alive.as_secs().to_string(),
        settings.log,
    ] {
        assert!(help.contains(&format!("[default: {default}]")), "{default}");
    }
    for key in ["database_url", "nats_url", "metrics_token"] {
        let mut arguments = command.get_arguments();
        let argument = arguments.find(|a| a.get_id() == key).unwrap();
        assert!(argument.is_hide_env_values_set(), "{key}");
    }
}

/// Repeats values of the protocol, so that no default changes unnoticed.
#[test]
fn defaults_match_documented_protocol() {
    let settings = Settings::default();
    assert_eq!(
        settings.session_buffer,
        256 * 1024,
        "bytes of unsent frames"
    );
    assert_eq!(settings.total_session_buffer, 256 << 20);
    assert_eq!(settings.limits.session_buffer_max, 4 << 20);
    assert_eq!(settings.timings.stall_within, Duration::from_secs(15));
    assert_eq!(settings.timings.probe_within, Duration::from_secs(3));
    assert_eq!(settings.token_ttl, Duration::from_secs(7 * 24 * 3_600));
    assert_eq!(settings.text_per_day, 64 << 20, "bytes of text");
    let timings = &settings.timings;
    let seconds = Duration::from_secs;
    assert_eq!(timings.presence_grace, seconds(5));
    assert_eq!(timings.node_alive_every, seconds(30));
    assert!(timings.marker_batch_window <= Duration::from_millis(200));
    assert_eq!(timings.ping_every, seconds(25));
    assert_eq!(timings.silence, seconds(60));
    // Every node must refuse an ended login within a second, wherever in the
    // interval the login ended.
    assert!(timings.login_check_every <= Duration::from_millis(500));
    // Shutdown is documented to take at most ten seconds.
    assert!(timings.stop_within < seconds(10), "it stops within 10 s");
    let limits = &settings.limits;
    assert_eq!(limits.frame_max, 128 * 1024);
    assert_eq!(limits.errors_before_close, 20);
    assert_eq!(limits.errors_window, seconds(10));
    let pace = |rate: Option<RateLimit>| {
        let rate = rate.unwrap();
        (rate.burst.get(), rate.interval)
    };
    let rates = &settings.rates;
    assert_eq!(pace(rates.sends), (50, seconds(1) / 10));
    assert_eq!(pace(rates.requests), (100, seconds(1) / 20));
    assert_eq!(pace(rates.typing), (10, seconds(1) / 2));
    assert_eq!(pace(rates.registrations), (10, seconds(600) / 10));
    assert_eq!(pace(rates.account_logins), (10, seconds(600) / 10));
    assert_eq!(pace(rates.address_logins), (100, seconds(600) / 100));
    assert_eq!(rates.sockets.unwrap().get(), 20);
    assert_eq!(settings.registration, Registration::Open);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8000");
    assert_eq!(settings.data_dir, Path::new("./data"));
}
