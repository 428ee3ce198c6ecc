use std::io::Write;
use std::path::Path;

use clap::{Args, Command, FromArgMatches};

use super::*;

/// What the settings are with this file and these flags. The environment
/// doesn't come in: what it may say, the flags say.
fn resolve(file: &str, flags: &[&str]) -> Result<Settings, SettingsError> {
    resolve_at(written(file).path(), flags)
}

fn written(file: &str) -> tempfile::NamedTempFile {
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    toml
}

fn resolve_at(path: &Path, flags: &[&str]) -> Result<Settings, SettingsError> {
    let matches = Overrides::augment_args(Command::new("tidings"))
        .mut_args(|arg| arg.env(None::<&str>))
        .try_get_matches_from(["tidings"].iter().chain(flags))
        .unwrap();
    let mut overrides = Overrides::from_arg_matches(&matches).unwrap();
    overrides.config = Some(path.to_owned());
    Settings::resolve(overrides)
}

/// The one line that an operator gets, with FILE for the file's path.
fn refusal(file: &str, flags: &[&str]) -> String {
    let toml = written(file);
    let line = resolve_at(toml.path(), flags).unwrap_err().to_string();
    assert_eq!(line.lines().count(), 1, "{line}");
    line.replace(&toml.path().display().to_string(), "FILE")
}

#[test]
fn nothing_said_is_the_defaults() {
    assert_eq!(resolve("", &[]).unwrap(), Settings::default());
}

#[test]
fn what_is_said_goes_before_the_file_and_the_file_before_the_defaults() {
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
            let line = refusal("", &[&format!("{flag}={value}")]);
            assert!(line.starts_with(&format!("{flag} (TIDINGS_")), "{line}");
        }
    }
    let line = refusal("text_per_day = 1000", &[]);
    assert!(
        line.ends_with("at least 65536, or 0 for no limit"),
        "{line}"
    );
}

#[test]
fn long_keep_alive_is_not_cut_short() {
    let settings = resolve("keep_alive = 120", &[]).unwrap();
    assert_eq!(settings.keep_alive, Duration::from_secs(120));
    assert!(settings.timings.step_within > settings.keep_alive);
    let usual = Settings::default();
    assert!(usual.timings.step_within > usual.keep_alive);
}

#[test]
fn what_is_empty_was_not_said() {
    let file = "listen = ''\ndata_dir = 'there'\n";
    let flags = ["--listen", "", "--data-dir", "", "--nats-url", " "];
    let settings = resolve(file, &flags).unwrap();
    assert_eq!(settings.listen, Settings::default().listen);
    assert_eq!(settings.data_dir, Path::new("there"));
}

#[test]
fn the_database_is_in_the_data_folder_unless_said() {
    let there = resolve("data_dir = 'there'", &[]).unwrap();
    let url = DatabaseUrl::Sqlite("there/tidings.db".into());
    assert_eq!(there.database_url, url);

    let elsewhere = resolve("data_dir = 'there'", &["--database-url", "sqlite:x.db"]);
    let url = DatabaseUrl::Sqlite("x.db".into());
    assert_eq!(elsewhere.unwrap().database_url, url);
}

#[test]
fn a_wrong_value_is_named_with_its_flag_and_variable() {
    assert_eq!(
        refusal("", &["--listen", "localhost"]),
        "--listen (TIDINGS_LISTEN) is \"localhost\": it must be an IP address and a port, \
         such as 127.0.0.1:8000 or [::]:8000"
    );
    assert_eq!(
        refusal("", &["--log-format", "x\ny"]),
        "--log-format (TIDINGS_LOG_FORMAT) is \"x\\ny\": it must be text or json"
    );
    for flag in [
        "--token-ttl",
        "--session-buffer",
        "--total-session-buffer",
        "--keep-alive",
        "--security-contact",
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
            let line = refusal("", &[flag, value]);
            assert!(line.starts_with(&format!("{flag} (TIDINGS_")), "{line}");
        }
    }
}

#[test]
fn a_wrong_value_in_the_file_is_named_with_the_file() {
    assert_eq!(
        refusal("session_buffer = 1", &[]),
        "session_buffer in FILE is \"1\": it must be a whole number of bytes, at least 16384"
    );
}

#[test]
fn a_wrong_database_is_not_shown() {
    assert_eq!(
        refusal("", &["--database-url", "mysql://ann:secret@host"]),
        "--database-url (DATABASE_URL): it must be a URL that starts with postgres:// or sqlite:"
    );
}

#[test]
fn the_file_may_set_only_what_there_is() {
    let unknown = refusal("listen = '[::]:1'\nlisten_on = 1\n", &[]);
    assert!(
        unknown.starts_with("FILE:2: unknown field `listen_on`"),
        "{unknown}"
    );
    let itself = refusal("config = 'other.toml'", &[]);
    assert!(
        itself.starts_with("FILE:1: unknown field `config`"),
        "{itself}"
    );
    let number = refusal("token_ttl = 'x'", &[]);
    assert!(number.starts_with("FILE:1: invalid type"), "{number}");
    let broken = refusal("\n\nlisten = \n", &[]);
    assert!(broken.starts_with("FILE:3: "), "{broken}");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let overrides = Overrides {
        config: Some("/nowhere/tidings.toml".into()),
        ..Overrides::default()
    };
    let line = Settings::resolve(overrides).unwrap_err().to_string();
    assert!(line.starts_with("can't read the settings file /nowhere/tidings.toml: "));
}

#[test]
fn metrics_are_nowhere_unless_said() {
    assert_eq!(resolve("", &[]).unwrap().metrics, Metrics::default());
    let file = "metrics_listen = '127.0.0.1:9100'\nmetrics_token = '0123456789abcdef'\n";
    let metrics = resolve(file, &[]).unwrap().metrics;
    assert_eq!(metrics.listen.unwrap().port(), 9100);
    assert_eq!(metrics.token.unwrap().as_bytes(), b"0123456789abcdef");
    let line = refusal("", &["--metrics-token", "too-short"]);
    assert!(!line.contains("too-short"), "{line}");
}

#[test]
fn nats_is_refused() {
    let line = refusal("", &["--nats-url", "nats://127.0.0.1"]);
    assert!(line.contains("not built yet"), "{line}");
    assert_eq!(refusal("nats_url = 'nats://127.0.0.1'", &[]), line);
}

#[test]
fn the_help_tells_the_defaults_and_no_password() {
    let settings = Settings::default();
    let mut command = Overrides::augment_args(Command::new("tidings")).term_width(1000);
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

/// What the protocol promises, said once more: no default moves away from it
/// unseen.
#[test]
fn the_defaults_are_what_the_protocol_promises() {
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
    assert!(timings.marks_gathered_for <= Duration::from_millis(200));
    assert_eq!(timings.ping_every, seconds(25));
    assert_eq!(timings.silence, seconds(60));
    // Within a second everywhere, however a look and a login's end fall.
    assert!(timings.login_check_every <= Duration::from_millis(500));
    // In `Application`, finishing what is asked still follows the two steps.
    assert!(timings.stop_within < seconds(10), "it stops within 10 s");
    let limits = &settings.limits;
    assert_eq!(limits.frame_max, 128 * 1024);
    assert_eq!(limits.errors_before_close, 20);
    assert_eq!(limits.errors_window, seconds(10));
    let pace = |rate: Option<Rate>| {
        let rate = rate.unwrap();
        (rate.burst.get(), rate.each)
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
