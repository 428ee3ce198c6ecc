//! The operator's settings and their defaults.
//!
//! Each setting is looked up in the flags, then the environment, then the TOML
//! file; otherwise it has its default. An empty value counts as unset.
//! [`SettingOverrides`] holds the values as text. [`Settings::resolve`] can
//! then report an invalid value in one line of the same form from any source.

mod access;
mod contacts;
mod database_url;
mod error;
mod metrics;
mod overrides;
mod public_url;
mod rate_limits;
mod sources;
mod tuning;
mod warnings;

pub use access::{Registration, TrustedProxies, is_private_address};
pub use contacts::{SecurityContacts, SupportContact};
pub use database_url::DatabaseUrl;
pub use error::SettingsError;
pub use metrics::{MetricsSettings, MetricsToken};
pub use overrides::SettingOverrides;
pub use public_url::PublicUrl;
pub use rate_limits::{RateLimit, RateLimits};
pub use tuning::{ServerLimits, ServerTimings};

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use sources::SettingSources;

/// The longest lifetime of a token: ten years of 365 days. A longer one could
/// overflow when added to the current time.
const TOKEN_TTL_MAX: u64 = 10 * 365 * 24 * 3600;

/// The smallest budget of unsent bytes: it must hold one page of history.
const SESSION_BUFFER_MIN: usize = 16 * 1024;

/// The smallest budget of all sessions: it must hold some large messages.
const TOTAL_SESSION_BUFFER_MIN: usize = 1024 * 1024;

/// The smallest quota of a day: larger than any message or group title.
const TEXT_PER_DAY_MIN: u64 = 64 * 1024;

/// The minimum by which the timeout for a step on a connection exceeds the
/// keep-alive time, so that idle connections don't count as stuck.
const KEEP_ALIVE_MARGIN: Duration = Duration::from_secs(10);

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

/// All settings, validated and complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Address to listen on. Port 0 takes any free port.
    pub listen: SocketAddr,
    /// Folder of the secrets and of the embedded database.
    pub data_dir: PathBuf,
    /// The database, which holds everything else.
    pub database_url: DatabaseUrl,
    /// The URL by which browsers reach this server, if it differs from their
    /// `Host` header.
    pub public_url: Option<PublicUrl>,
    /// Origins of other sites that may call the API with a bearer token.
    pub allowed_origins: Vec<PublicUrl>,
    /// Contacts for reports of vulnerabilities.
    pub security_contacts: SecurityContacts,
    /// Contact for users who can't log in.
    pub support_contact: Option<SupportContact>,
    /// Whether HSTS covers subdomains: browsers that connected over TLS then
    /// use it for every subdomain.
    pub hsts_subdomains: bool,
    /// Proxies whose `X-Forwarded-For` header is trusted.
    pub trusted_proxies: TrustedProxies,
    /// The registration policy.
    pub registration: Registration,
    /// The rate limits.
    pub rates: RateLimits,
    /// The address and the token of the metrics.
    pub metrics: MetricsSettings,
    /// Lifetime of a login.
    pub token_ttl: Duration,
    /// Bytes of unsent frames above which a client must make progress.
    pub session_buffer: usize,
    /// Bytes of unsent frames of all clients together. Above it, the clients
    /// without progress for longest are closed.
    pub total_session_buffer: usize,
    /// The maximum bytes of text that an account stores in a day; 0 is no
    /// limit.
    pub text_per_day: u64,
    /// Bytes that stay free on the disk of SQLite's database. With less free
    /// space, the server refuses new messages and accounts. 0 is no limit.
    pub disk_reserve: u64,
    /// How long a connection without a request stays open. A proxy in front
    /// must close its idle connections sooner. Otherwise it may send a request
    /// on a connection that this server is closing.
    pub keep_alive: Duration,
    /// The log filter, in the syntax of tracing's `EnvFilter`.
    pub log: String,
    /// The format of the log.
    pub log_format: LogFormat,
    /// Intervals and timeouts, which only tests change.
    pub timings: ServerTimings,
    /// Bounds, which only tests change.
    pub limits: ServerLimits,
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
            support_contact: None,
            hsts_subdomains: false,
            trusted_proxies: TrustedProxies::default(),
            registration: Registration::Open,
            rates: RateLimits::standard(),
            metrics: MetricsSettings::default(),
            token_ttl: Duration::from_secs(7 * 24 * 3600),
            session_buffer: 256 * 1024,
            total_session_buffer: 256 * 1024 * 1024,
            text_per_day: 64 * 1024 * 1024,
            disk_reserve: 1024 * 1024 * 1024,
            keep_alive: Duration::from_secs(30),
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            timings: ServerTimings::default(),
            limits: ServerLimits::default(),
        }
    }
}

impl Settings {
    /// Merges the overrides with the settings file and the defaults, and
    /// validates the result.
    ///
    /// # Errors
    /// An unreadable or malformed file, or the first invalid value.
    pub fn resolve(overrides: SettingOverrides) -> Result<Self, SettingsError> {
        let sources = SettingSources::load(overrides)?;
        if sources.text("nats_url", |o| &o.nats_url).is_some() {
            return Err(SettingsError::NatsNotBuilt);
        }

        let mut settings = Self::default();
        settings.apply_locations(&sources)?;
        settings.apply_disclosure(&sources)?;
        settings.apply_access(&sources)?;
        settings.apply_bounds(&sources)?;
        Ok(settings)
    }

    /// Applies the addresses of the server, its data and its database.
    fn apply_locations(&mut self, sources: &SettingSources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("listen", |o| &o.listen) {
            self.listen = found.parse(read_listen)?;
        }
        if let Some(path) = sources.path(|o| &o.data_dir) {
            self.database_url = DatabaseUrl::inside(path);
            self.data_dir = path.to_owned();
        }
        if let Some(found) = sources.text("database_url", |o| &o.database_url) {
            self.database_url = found.hide_value().parse(DatabaseUrl::read)?;
        }
        if let Some(found) = sources.text("public_url", |o| &o.public_url) {
            self.public_url = Some(found.parse(PublicUrl::read)?);
        }
        Ok(())
    }

    /// Applies the contacts and HSTS, which every client gets.
    fn apply_disclosure(&mut self, sources: &SettingSources) -> Result<(), SettingsError> {
        if let Some(found) = sources.text("security_contact", |o| &o.security_contact) {
            self.security_contacts = found.parse(SecurityContacts::read)?;
        }
        if let Some(found) = sources.text("support_contact", |o| &o.support_contact) {
            self.support_contact = Some(found.parse(SupportContact::read)?);
        }
        if let Some(found) = sources.text("hsts_subdomains", |o| &o.hsts_subdomains) {
            self.hsts_subdomains = found.parse(read_switch)?;
        }
        Ok(())
    }

    /// Applies registration, origins, proxies, rate limits and metrics.
    fn apply_access(&mut self, sources: &SettingSources) -> Result<(), SettingsError> {
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
            self.rates = found.parse(RateLimits::read)?;
        }
        if let Some(found) = sources.text("metrics_listen", |o| &o.metrics_listen) {
            self.metrics.listen = Some(found.parse(read_listen)?);
        }
        if let Some(found) = sources.text("metrics_token", |o| &o.metrics_token) {
            self.metrics.token = Some(found.hide_value().parse(MetricsToken::read)?);
        }
        Ok(())
    }

    /// Applies lifetimes, budgets and the log.
    fn apply_bounds(&mut self, sources: &SettingSources) -> Result<(), SettingsError> {
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
            *step_within = (*step_within).max(self.keep_alive + KEEP_ALIVE_MARGIN);
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

// Each of these functions parses one setting; its error is the expected format.

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

/// Parses a quota. The smallest one has room for any message.
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
