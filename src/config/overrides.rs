//! Setting overrides as text: one list of settings for the command line, the
//! environment and the file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::{Deserialize, Deserializer};

/// The operator's settings: clap reads flags and environment, serde reads the
/// file.
///
/// Every value is text. clap would report an invalid value over several lines
/// and refuse an empty variable, which here counts as unset. `Debug` is missing
/// because the database URL may hold a password.
// A test compares the defaults in these texts with the real ones. `about` is
// None so that --help shows the description of the command, not of this type.
#[derive(Clone, Default, clap::Args, Deserialize)]
#[command(next_help_heading = "Settings", about = None, long_about = None)]
#[serde(deny_unknown_fields, default)]
pub struct SettingOverrides {
    /// TOML file with settings, named like these flags but with '_' instead of
    /// '-' [default: ./tidings.toml, if it exists]
    #[arg(long, global = true, env = "TIDINGS_CONFIG", value_name = "FILE", value_parser = any_path())]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Address and port to listen on [default: 127.0.0.1:8000]
    #[arg(long, global = true, env = "TIDINGS_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Folder for the secrets and the embedded database [default: ./data]
    #[arg(long, global = true, env = "TIDINGS_DATA_DIR", value_name = "FOLDER", value_parser = any_path())]
    pub data_dir: Option<PathBuf>,

    /// Database: postgres://USER:PASSWORD@HOST/NAME or sqlite:PATH [default:
    /// SQLite file tidings.db in the data folder]
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,

    /// NATS server for several nodes: not implemented yet, refused if set
    #[arg(
        long,
        global = true,
        env = "NATS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub nats_url: Option<String>,

    /// URL by which browsers reach this server, such as
    /// https://chat.example.org [default: taken from the Host header]
    #[arg(long, global = true, env = "TIDINGS_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Contacts for vulnerability reports in /.well-known/security.txt,
    /// separated by commas, such as mailto:security@example.org [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_SECURITY_CONTACT",
        value_name = "URIS"
    )]
    pub security_contact: Option<String>,

    /// Contact that the login page shows to users who forgot their password,
    /// such as mailto:help@example.org [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_SUPPORT_CONTACT",
        value_name = "URI"
    )]
    pub support_contact: Option<String>,

    /// Whether HSTS includes all subdomains of the public URL: on or off
    /// [default: off]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_HSTS_SUBDOMAINS",
        value_name = "SWITCH"
    )]
    pub hsts_subdomains: Option<String>,

    /// Origins of other sites that may call the API with a bearer token,
    /// separated by commas [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_ALLOWED_ORIGINS",
        value_name = "URLS"
    )]
    pub allowed_origins: Option<String>,

    /// Addresses or networks of proxies whose X-Forwarded-For header is
    /// trusted, separated by commas [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TRUSTED_PROXIES",
        value_name = "NETWORKS"
    )]
    pub trusted_proxies: Option<String>,

    /// Registration: open, invite (requires an invitation code) or closed
    /// [default: open]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_REGISTRATION",
        value_name = "POLICY"
    )]
    pub registration: Option<String>,

    /// Rate limits: off, or the limits to change, such as
    /// sends=10/50,sockets=20 [default: the limits in the protocol
    /// documentation]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_RATE_LIMITS",
        value_name = "LIMITS"
    )]
    pub rate_limits: Option<String>,

    /// Address and port that serve only /metrics [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_METRICS_LISTEN",
        value_name = "ADDRESS"
    )]
    pub metrics_listen: Option<String>,

    /// Bearer token required for /metrics; without --metrics-listen, it enables
    /// /metrics on the public port [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_METRICS_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub metrics_token: Option<String>,

    /// Lifetime of a login, in seconds [default: 604800]
    #[arg(long, global = true, env = "TIDINGS_TOKEN_TTL", value_name = "SECONDS")]
    #[serde(deserialize_with = "whole_number")]
    pub token_ttl: Option<String>,

    /// Unsent bytes above which a client that reads nothing for 15 seconds is
    /// disconnected [default: 262144]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_SESSION_BUFFER",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub session_buffer: Option<String>,

    /// Unsent bytes of all clients together, above which the server disconnects
    /// the clients that have read nothing for the longest time [default:
    /// 268435456]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TOTAL_SESSION_BUFFER",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub total_session_buffer: Option<String>,

    /// Maximum bytes of text that an account may store per day, or 0 for no
    /// limit [default: 67108864]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TEXT_PER_DAY",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub text_per_day: Option<String>,

    /// Bytes to keep free on the disk of the SQLite database: with less, new
    /// messages and accounts are refused; 0 for no limit [default: 1073741824]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_DISK_RESERVE",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub disk_reserve: Option<String>,

    /// Seconds that an idle connection stays open: set it higher than in a
    /// proxy in front [default: 30]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_KEEP_ALIVE",
        value_name = "SECONDS"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub keep_alive: Option<String>,

    /// Log filter, such as warn or info,tidings=debug [default: info]
    #[arg(long, global = true, env = "TIDINGS_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// Log format: text or json [default: text]
    #[arg(long, global = true, env = "TIDINGS_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Accepts any path, including the empty one that clap's own parser refuses.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|path: OsString| path.into())
}

/// Reads a number as text, because TOML writes numbers without quotes.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    i64::deserialize(deserializer).map(|number| Some(number.to_string()))
}
