//! Settings: what an operator can say, and what holds where nothing is said.
//!
//! Each is looked for in a flag, then the environment, then the TOML file;
//! then comes its default. One that is empty counts as not said. [`Overrides`]
//! keeps what was found as text, so that [`Settings::resolve`] can name a bad
//! value in one line of the same kind, wherever it came from.

mod access;
mod database_url;
mod error;
mod overrides;
mod public_url;
mod sources;
mod tuning;

pub use access::{Registration, TrustedProxies};
pub use database_url::DatabaseUrl;
pub use error::SettingsError;
pub use overrides::Overrides;
pub use public_url::PublicUrl;
pub use tuning::{Limits, Timings};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use sources::Sources;

/// The longest life of a token: ten years of 365 days. Past it, adding it to
/// a clock's present could overflow.
const TOKEN_TTL_MAX: u64 = 10 * 365 * 24 * 3600;

/// The smallest budget of unsent bytes: one page of history has to fit.
const SESSION_BUFFER_MIN: usize = 16 * 1024;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Everything that can be set, checked and complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where to listen. Port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where secrets live, and the embedded database.
    pub data_dir: PathBuf,
    /// Where everything else lives.
    pub database_url: DatabaseUrl,
    /// What browsers know this server by, where that isn't the `Host` they
    /// ask for.
    pub public_url: Option<PublicUrl>,
    /// The origins of other pages that may call the API, with a bearer token.
    pub allowed_origins: Vec<PublicUrl>,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Who may open an account.
    pub registration: Registration,
    /// How long a login holds.
    pub token_ttl: Duration,
    /// Bytes of unsent frames before a slow client is let go.
    pub session_buffer: usize,
    /// What to log, in the language of tracing's `EnvFilter`.
    pub log: String,
    /// How to log it.
    pub log_format: LogFormat,
    /// The pace of things. For tests to change.
    pub timings: Timings,
    /// The bounds of things. For tests to change.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        let data_dir = PathBuf::from("./data");
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            database_url: DatabaseUrl::inside(&data_dir),
            data_dir,
            public_url: None,
            allowed_origins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            registration: Registration::Open,
            token_ttl: Duration::from_secs(7 * 24 * 3600),
            session_buffer: 256 * 1024,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            timings: Timings::default(),
            limits: Limits::default(),
        }
    }
}

impl Settings {
    /// Merges what was said with the settings file and the defaults, and
    /// checks it all.
    ///
    /// # Errors
    /// A file that can't be read or understood, or the first value that is
    /// wrong.
    pub fn resolve(overrides: Overrides) -> Result<Self, SettingsError> {
        let sources = Sources::gather(overrides)?;
        if sources.text("nats_url", |o| &o.nats_url).is_some() {
            return Err(SettingsError::NatsNotBuilt);
        }

        let mut settings = Self::default();
        settings.take_places(&sources)?;
        settings.take_access(&sources)?;
        settings.take_measures(&sources)?;
        Ok(settings)
    }

    /// Where it is, and where its things are.
    fn take_places(&mut self, sources: &Sources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("listen", |o| &o.listen) {
            self.listen = found.parse(read_listen)?;
        }
        if let Some(path) = sources.path(|o| &o.data_dir) {
            self.database_url = DatabaseUrl::inside(path);
            self.data_dir = path.to_owned();
        }
        if let Some(found) = sources.text("database_url", |o| &o.database_url) {
            self.database_url = found.secret().parse(DatabaseUrl::read)?;
        }
        if let Some(found) = sources.text("public_url", |o| &o.public_url) {
            self.public_url = Some(found.parse(PublicUrl::read)?);
        }
        Ok(())
    }

    /// Who may come in, and by which way.
    fn take_access(&mut self, sources: &Sources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("registration", |o| &o.registration) {
            self.registration = found.parse(Registration::read)?;
        }
        if let Some(found) = sources.text("allowed_origins", |o| &o.allowed_origins) {
            self.allowed_origins = found.parse(access::read_origins)?;
        }
        if let Some(found) = sources.text("trusted_proxies", |o| &o.trusted_proxies) {
            self.trusted_proxies = found.parse(TrustedProxies::read)?;
        }
        Ok(())
    }

    /// How long, how much, and what is told of it.
    fn take_measures(&mut self, sources: &Sources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("token_ttl", |o| &o.token_ttl) {
            self.token_ttl = found.parse(read_token_ttl)?;
        }
        if let Some(found) = sources.text("session_buffer", |o| &o.session_buffer) {
            self.session_buffer = found.parse(read_session_buffer)?;
        }
        if let Some(found) = sources.text("log", |o| &o.log) {
            found.text().clone_into(&mut self.log);
        }
        if let Some(found) = sources.text("log_format", |o| &o.log_format) {
            self.log_format = found.parse(read_log_format)?;
        }
        Ok(())
    }
}

// Each of these reads one setting; the error is what would have been right.

fn read_listen(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "an IP address and a port, such as 127.0.0.1:8000 or [::]:8000")
}

fn read_token_ttl(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 1..=TOKEN_TTL_MAX) => Ok(Duration::from_secs(seconds)),
        _ => Err("a whole number of seconds, from 1 to 315360000 (ten years)"),
    }
}

fn read_session_buffer(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(bytes @ SESSION_BUFFER_MIN..) => Ok(bytes),
        _ => Err("a whole number of bytes, at least 16384"),
    }
}

fn read_log_format(text: &str) -> Result<LogFormat, &'static str> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err("text or json"),
    }
}

#[cfg(test)]
mod tests {
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
            "--public-url",
            "--registration",
            "--allowed-origins",
            "--trusted-proxies",
        ] {
            for value in ["0", "16383.5", "x", "99999999999999999999999"] {
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
            settings.log,
        ] {
            assert!(help.contains(&format!("[default: {default}]")), "{default}");
        }
        for key in ["database_url", "nats_url"] {
            let mut arguments = command.get_arguments();
            let argument = arguments.find(|a| a.get_id() == key).unwrap();
            assert!(argument.is_hide_env_values_set(), "{key}");
        }
    }
}
