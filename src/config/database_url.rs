//! The address of the database.

use std::fmt;
use std::path::{Path, PathBuf};

/// The embedded database, or a PostgreSQL server. Neither `Debug` nor `Display`
/// shows a password, so that it can't get into a log.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of an SQLite database.
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database, including its password.
    Postgres(String),
}

impl DatabaseUrl {
    /// Returns the default path of the embedded database.
    pub(super) fn inside(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("tidings.db"))
    }

    /// Parses a database URL. The error describes the expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return if is_postgres(text) {
                Ok(Self::Postgres(text.to_owned()))
            } else {
                Err("postgres://USER:PASSWORD@HOST:PORT/NAME")
            };
        }
        let Some(path) = text.strip_prefix("sqlite:") else {
            return Err("a URL that starts with postgres:// or sqlite:");
        };
        let path = path.strip_prefix("//").unwrap_or(path);
        // A database in memory would differ for each connection and lose
        // acknowledged messages.
        if path.is_empty() || path.starts_with(':') || path.contains('?') {
            return Err("sqlite: and the path of a file, without options");
        }
        Ok(Self::Sqlite(path.into()))
    }
}

/// Returns whether the port, if there is one, is a number. This refuses
/// `postgres://USER:PASSWORD` without a host. [`fmt::Display`] would take it
/// for a host with a port and show the password.
fn is_postgres(url: &str) -> bool {
    let (_, place) = split(url);
    let host = place.split('/').next().unwrap_or(place);
    match host.rsplit_once(':') {
        Some((_, port)) if !host.ends_with(']') => port.parse::<u16>().is_ok(),
        _ => !place.is_empty(),
    }
}

/// Returns a URL's username, and its host and path, without the parts that may
/// hold a secret. These are the query, and the text from the end of the
/// username to the last `@`: an unescaped password may hold any character.
fn split(url: &str) -> (Option<&str>, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (user.split([':', '/', '?', '#']).next(), host),
        None => (None, rest),
    };
    (user, host.split(['?', '#']).next().unwrap_or(host))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => match split(url) {
                (Some(user), host) => write!(f, "postgres://{user}:…@{host}"),
                (None, host) => write!(f, "postgres://{host}"),
            },
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_url_is_parsed_to_path() {
        for (text, path) in [
            ("sqlite:chat.db", "chat.db"),
            ("sqlite://chat.db", "chat.db"),
            ("sqlite:/var/chat.db", "/var/chat.db"),
            ("sqlite:///var/chat.db", "/var/chat.db"),
        ] {
            assert_eq!(
                DatabaseUrl::read(text),
                Ok(DatabaseUrl::Sqlite(path.into()))
            );
        }
    }

    #[test]
    fn unsupported_urls_are_refused() {
        for text in [
            "chat.db",
            "mysql://host/db",
            "sqlite:",
            "sqlite://",
            "sqlite::memory:",
            "sqlite:chat.db?mode=ro",
            "postgres://",
            "postgres://ann:secret",
            "postgres://ann@host:secret/db",
        ] {
            assert!(DatabaseUrl::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn passwords_are_never_displayed() {
        for url in [
            "postgres://ann:secret@host:5432/db",
            "postgresql://ann:se/secret@host/db",
            "postgres://ann:se?secret@host/db",
            "postgres://ann:se@secret@host/db",
            "postgres://ann:secret@[::1]:5432/db?sslmode=require",
            "postgres://host/db?user=ann&password=secret",
            "postgres:///db?host=/run/postgresql&password=secret",
        ] {
            let read = DatabaseUrl::read(url).unwrap();
            assert_eq!(read, DatabaseUrl::Postgres(url.to_owned()));
            let shown = format!("{read} {read:?}");
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("/db"), "{shown}");
        }
    }
}
