//! What was said, as text: one list of settings for the command line, the
//! environment and the file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use serde::{Deserialize, Deserializer};

/// What an operator said: flags and environment by clap, the file by serde.
///
/// All of it is text. clap would tell a bad value over several lines and
/// refuse an empty variable, which here counts as not set. There is no
/// `Debug`, since the database's URL may hold a password.
// The defaults in these texts are read by a test, so that they stay true. This
// text is not for --help, which stays about the command: hence no `about`.
#[derive(Clone, Default, clap::Args, Deserialize)]
#[command(next_help_heading = "Settings", about = None, long_about = None)]
#[serde(deny_unknown_fields, default)]
pub struct Overrides {
    /// TOML file with settings named as these flags, but with '_' for '-'
    /// [default: ./tidings.toml, if there is one]
    #[arg(long, global = true, env = "TIDINGS_CONFIG", value_name = "FILE", value_parser = any_path())]
    #[serde(skip)]
    pub config: Option<PathBuf>,

    /// Address and port to listen on [default: 127.0.0.1:8000]
    #[arg(long, global = true, env = "TIDINGS_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Folder of the secrets and of the embedded database [default: ./data]
    #[arg(long, global = true, env = "TIDINGS_DATA_DIR", value_name = "FOLDER", value_parser = any_path())]
    pub data_dir: Option<PathBuf>,

    /// Database: postgres://USER:PASSWORD@HOST/NAME or sqlite:PATH
    /// [default: SQLite, tidings.db in the data folder]
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,

    /// NATS server, for several nodes: not built yet, refused if set
    #[arg(
        long,
        global = true,
        env = "NATS_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub nats_url: Option<String>,

    /// Where browsers find this server, such as https://chat.example.org
    /// [default: as in the Host header]
    #[arg(long, global = true, env = "TIDINGS_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Where to report faults in security, for /.well-known/security.txt, such as
    /// mailto:security@example.org; several with commas between [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_SECURITY_CONTACT",
        value_name = "URIS"
    )]
    pub security_contact: Option<String>,

    /// Whether browsers use TLS for every subdomain of the public URL, too: on or
    /// off [default: off]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_HSTS_SUBDOMAINS",
        value_name = "SWITCH"
    )]
    pub hsts_subdomains: Option<String>,

    /// Origins of other pages that may call the API with a bearer token, with
    /// commas between [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_ALLOWED_ORIGINS",
        value_name = "URLS"
    )]
    pub allowed_origins: Option<String>,

    /// Addresses or networks of proxies in front, with commas between, whose
    /// X-Forwarded-For is believed [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TRUSTED_PROXIES",
        value_name = "NETWORKS"
    )]
    pub trusted_proxies: Option<String>,

    /// Who may open an account: open, invite or closed [default: open]
    #[arg(long, global = true, env = "TIDINGS_REGISTRATION", value_name = "WHO")]
    pub registration: Option<String>,

    /// How much each may ask for: off, or limits that differ, such as
    /// sends=10/50,sockets=20 [default: those of the protocol]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_RATE_LIMITS",
        value_name = "LIMITS"
    )]
    pub rate_limits: Option<String>,

    /// Address and port where /metrics is, and nothing else [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_METRICS_LISTEN",
        value_name = "ADDRESS"
    )]
    pub metrics_listen: Option<String>,

    /// Bearer token without which there is no /metrics; by itself, it puts it
    /// on the public port [default: none]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_METRICS_TOKEN",
        value_name = "TOKEN",
        hide_env_values = true
    )]
    pub metrics_token: Option<String>,

    /// How long a login holds, in seconds [default: 604800]
    #[arg(long, global = true, env = "TIDINGS_TOKEN_TTL", value_name = "SECONDS")]
    #[serde(deserialize_with = "whole_number")]
    pub token_ttl: Option<String>,

    /// Unsent bytes above which a client that takes nothing for 15 seconds is let
    /// go [default: 262144]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_SESSION_BUFFER",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub session_buffer: Option<String>,

    /// Unsent bytes of all clients together, above which those that take nothing
    /// for longest are closed [default: 268435456]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TOTAL_SESSION_BUFFER",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub total_session_buffer: Option<String>,

    /// Bytes of text that an account stores in a day at most, or 0 for no limit
    /// [default: 67108864]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_TEXT_PER_DAY",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub text_per_day: Option<String>,

    /// Bytes of SQLite's disk that stay free: below them, new messages and
    /// accounts are refused; 0 for no limit [default: 1073741824]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_DISK_RESERVE",
        value_name = "BYTES"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub disk_reserve: Option<String>,

    /// How long a connection without a request stays open, in seconds: longer
    /// than a proxy in front keeps it [default: 30]
    #[arg(
        long,
        global = true,
        env = "TIDINGS_KEEP_ALIVE",
        value_name = "SECONDS"
    )]
    #[serde(deserialize_with = "whole_number")]
    pub keep_alive: Option<String>,

    /// What to log, such as warn or info,tidings=debug [default: info]
    #[arg(long, global = true, env = "TIDINGS_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// How to log, text or json [default: text]
    #[arg(long, global = true, env = "TIDINGS_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Takes any path, also the empty one that clap's own parser refuses.
fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(|path: OsString| path.into())
}

/// TOML writes numbers without quotes.
fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    i64::deserialize(deserializer).map(|number| Some(number.to_string()))
}
