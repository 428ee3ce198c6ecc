//! Settings: what an operator can say, and what holds where nothing is said.
//!
//! Each is looked for in a flag, then the environment, then the TOML file;
//! then comes its default. One that is empty counts as not said. [`Overrides`]
//! keeps what was found as text, so that [`Settings::resolve`] can name a bad
//! value in one line of the same kind, wherever it came from.

mod access;
mod contacts;
mod database_url;
mod error;
mod metrics;
mod overrides;
mod public_url;
mod rates;
mod sources;
mod tuning;
mod warnings;

pub use access::{Registration, TrustedProxies, is_private_address};
pub use contacts::SecurityContacts;
pub use database_url::DatabaseUrl;
pub use error::SettingsError;
pub use metrics::{Metrics, MetricsToken};
pub use overrides::Overrides;
pub use public_url::PublicUrl;
pub use rates::{Rate, Rates};
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

/// The smallest budget of all sessions: some large messages have to fit.
const TOTAL_SESSION_BUFFER_MIN: usize = 1024 * 1024;

/// The smallest quota of a day: larger than any message or group's title.
const TEXT_PER_DAY_MIN: u64 = 64 * 1024;

/// A connection that waits for its next request is not stuck: it is watched for
/// this much longer than it may wait.
const PAST_KEEP_ALIVE: Duration = Duration::from_secs(10);

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
    /// Where faults in security are reported.
    pub security_contacts: SecurityContacts,
    /// Whether browsers that came by TLS use it for every subdomain, too.
    pub hsts_subdomains: bool,
    /// Whose word is taken for where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// Who may open an account.
    pub registration: Registration,
    /// How much each may ask for.
    pub rates: Rates,
    /// Who may read what the engine counts, and where.
    pub metrics: Metrics,
    /// How long a login holds.
    pub token_ttl: Duration,
    /// Bytes of unsent frames above which a client has to make progress.
    pub session_buffer: usize,
    /// Bytes of unsent frames of all clients together: above them, the clients
    /// without progress for longest are closed.
    pub total_session_buffer: usize,
    /// Bytes of text that an account stores in a day at most; 0 is no limit.
    pub text_per_day: u64,
    /// Bytes that stay free on the disk of SQLite's database: below them nothing
    /// new is stored. 0 is no limit.
    pub disk_reserve: u64,
    /// How long a connection without a request stays open. A proxy in front has
    /// to close its idle connections sooner: else it sends a request on one that
    /// this server is about to close.
    pub keep_alive: Duration,
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
            security_contacts: SecurityContacts::default(),
            hsts_subdomains: false,
            trusted_proxies: TrustedProxies::default(),
            registration: Registration::Open,
            rates: Rates::usual(),
            metrics: Metrics::default(),
            token_ttl: Duration::from_secs(7 * 24 * 3600),
            session_buffer: 256 * 1024,
            total_session_buffer: 256 * 1024 * 1024,
            text_per_day: 64 * 1024 * 1024,
            disk_reserve: 1024 * 1024 * 1024,
            keep_alive: Duration::from_secs(30),
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
        settings.take_notices(&sources)?;
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

    /// What strangers and their browsers learn.
    fn take_notices(&mut self, sources: &Sources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("security_contact", |o| &o.security_contact) {
            self.security_contacts = found.parse(SecurityContacts::read)?;
        }
        if let Some(found) = sources.text("hsts_subdomains", |o| &o.hsts_subdomains) {
            self.hsts_subdomains = found.parse(read_switch)?;
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
        if let Some(found) = sources.text("rate_limits", |o| &o.rate_limits) {
            self.rates = found.parse(Rates::read)?;
        }
        if let Some(found) = sources.text("metrics_listen", |o| &o.metrics_listen) {
            self.metrics.listen = Some(found.parse(read_listen)?);
        }
        if let Some(found) = sources.text("metrics_token", |o| &o.metrics_token) {
            self.metrics.token = Some(found.secret().parse(MetricsToken::read)?);
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
        if let Some(found) = sources.text("total_session_buffer", |o| &o.total_session_buffer) {
            self.total_session_buffer = found.parse(read_total_session_buffer)?;
        }
        if let Some(found) = sources.text("text_per_day", |o| &o.text_per_day) {
            self.text_per_day = found.parse(read_text_per_day)?;
        }
        if let Some(found) = sources.text("disk_reserve", |o| &o.disk_reserve) {
            self.disk_reserve = found.parse(read_bytes)?;
        }
        if let Some(found) = sources.text("keep_alive", |o| &o.keep_alive) {
            self.keep_alive = found.parse(read_keep_alive)?;
            let step_within = &mut self.timings.step_within;
            *step_within = (*step_within).max(self.keep_alive + PAST_KEEP_ALIVE);
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

fn read_total_session_buffer(text: &str) -> Result<usize, &'static str> {
    match text.parse() {
        Ok(bytes @ TOTAL_SESSION_BUFFER_MIN..) => Ok(bytes),
        _ => Err("a whole number of bytes, at least 1048576"),
    }
}

/// A message has to fit.
fn read_text_per_day(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(bytes @ (0 | TEXT_PER_DAY_MIN..)) => Ok(bytes),
        _ => Err("a whole number of bytes, at least 65536, or 0 for no limit"),
    }
}

fn read_bytes(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .map_err(|_| "a whole number of bytes, or 0 for no limit")
}

fn read_keep_alive(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds @ 5..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("a whole number of seconds, from 5 to 3600"),
    }
}

fn read_switch(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("on or off"),
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
mod tests;
