//! Types for text that users enter. Their constructors validate it, so a value
//! of these types is always valid.

use entity::UserId;

use super::text::{check_characters, is_blank, single_line, skeleton_key};
use super::{ErrorCode, Problem};

/// The maximum length of a message, in Unicode characters.
pub const MESSAGE_LENGTH_MAX: usize = 10_000;

/// The characters that end a line.
const LINE_ENDS: [char; 7] = [
    '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// Returns a text without blank lines at its beginning and white space at its
/// end. The first line keeps its indentation.
fn trim_margins(text: &str) -> &str {
    let text = text.trim_end();
    let (lead, _) = text.split_at(text.len() - text.trim_start().len());
    // White space after the last line end is the indentation of the first line
    // of text.
    let indent = lead.rsplit(LINE_ENDS).next().unwrap_or_default();
    let (_, text) = text.split_at(lead.len() - indent.len());
    text
}

/// The text of a message: 1 to 10,000 characters without the margins, no NUL;
/// otherwise as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Validates `text`.
    ///
    /// # Errors
    /// `text_empty`, `text_too_long`, or `invalid` for a NUL.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = trim_margins(text);
        if is_blank(text) {
            return Err(Problem::new(
                ErrorCode::TextEmpty,
                "A message must contain text.",
            ));
        }
        if text.chars().count() > MESSAGE_LENGTH_MAX {
            return Err(Problem::new(
                ErrorCode::TextTooLong,
                "A message has at most 10,000 characters.",
            ));
        }
        if text.contains('\0') {
            return Err(Problem::new(
                ErrorCode::Invalid,
                "A message can't contain a NUL character.",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The idempotency key of a message: 1 to 64 characters, unique per sender for
/// ever. It is compared as sent, without normalization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `client_id`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if is_blank(text) || text.chars().count() > 64 {
            return Err(Problem::invalid_field(
                "client_id",
                "1 to 64 characters, at least one of them visible",
            ));
        }
        check_characters(text).map_err(|why| Problem::invalid_field("client_id", why))?;
        Ok(Self(text.to_owned()))
    }

    /// Returns the key as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names of roles, of mentions and of mailboxes, which would be deceptive as
/// usernames.
const RESERVED_USERNAMES: [&str; 30] = [
    "abuse",
    "admin",
    "administrator",
    "all",
    "channel",
    "deleted",
    "deleted_user",
    "everyone",
    "help",
    "here",
    "hostmaster",
    "info",
    "mailer-daemon",
    "moderator",
    "noreply",
    "no-reply",
    "noc",
    "official",
    "operator",
    "postmaster",
    "root",
    "security",
    "staff",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "tidings",
    "webmaster",
    "you",
];

/// Terms that pages and system messages use for users, in place of their names.
const RESERVED_DISPLAY_NAMES: [&str; 8] = [
    "You",
    "Deleted user",
    "Deleted account",
    "Unknown user",
    "System",
    "Tidings",
    "Tidings (system)",
    "Everyone",
];

/// Returns whether `skeleton`, without case, is that of a reserved name. Each
/// name is compared in three spellings, because a letter's skeleton depends on
/// its case.
fn is_reserved(skeleton: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        let forms = [(*name).to_owned(), name.to_lowercase(), name.to_uppercase()];
        forms.iter().any(|form| skeleton_key(form) == skeleton)
    })
}

/// A name to log in with and to be found by: 3 to 30 of `A-Za-z0-9_.-`. It
/// begins with a letter, so that an all-digit path segment is always a
/// conversation's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `username`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let fits = (3..=30).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Problem::invalid_field(
                "username",
                "3–30 letters, digits, '_', '.' or '-', starting with a letter",
            ))
        }
    }

    /// Returns the name as the user spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name without case, for comparisons.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Returns whether the name equals or looks like that of a role, a mention
    /// such as `@everyone`, or a mailbox (RFC 2142). Only an admin can create
    /// such an account.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let skeletons = [skeleton_key(&self.0), skeleton_key(&self.key())];
        skeletons
            .iter()
            .any(|key| is_reserved(key, &RESERVED_USERNAMES))
    }

    /// Returns the skeleton of UTS 39. It is equal for names that look alike in
    /// some font, such as `AIice` and `Alice`.
    #[must_use]
    pub fn look(&self) -> String {
        let skeleton: String = unicode_security::skeleton(&self.0).collect();
        skeleton.to_ascii_lowercase()
    }
}

/// The visible name of a user: a single line of 1 to 60 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl From<&Username> for DisplayName {
    fn from(username: &Username) -> Self {
        Self(username.as_str().to_owned())
    }
}

impl DisplayName {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `display_name`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::invalid_field("display_name", why);
        let name = single_line(text, 60).map_err(wrong)?;
        if is_reserved(&skeleton_key(&name), &RESERVED_DISPLAY_NAMES) {
            return Err(wrong("a name that isn't reserved".to_owned()));
        }
        Ok(Self(name))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// One emoji of Unicode's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `emoji`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        emojis::get(text)
            .map(|emoji| Self(emoji.as_str()))
            .ok_or_else(|| Problem::invalid_field("emoji", "one emoji"))
    }

    /// Returns the emoji.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// The title of a group: a single line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTitle(String);

impl GroupTitle {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `title`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let title = single_line(text, 100).map_err(|why| Problem::invalid_field("title", why))?;
        Ok(Self(title))
    }

    /// Returns the title.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A user's self-description: at most 300 characters without the margins, no
/// NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AboutText(String);

impl AboutText {
    /// Validates `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `about`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = if is_blank(text) {
            ""
        } else {
            trim_margins(text)
        };
        if text.chars().count() > 300 || text.contains('\0') {
            return Err(Problem::invalid_field(
                "about",
                "at most 300 characters, no NUL",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// Returns the key of two users' direct conversation: `low:high`.
#[must_use]
pub fn direct_key(one: UserId, other: UserId) -> String {
    format!("{}:{}", one.min(other), one.max(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_line_keeps_its_indentation() {
        let code = "    def f():\n        pass";
        for (sent, kept) in [
            (code, code),
            ("\n \t\r\n    def f():\n        pass \n\n", code),
            (" one\n\n two ", " one\n\n two"),
            ("\u{2028}\u{a0}a", "\u{a0}a"),
            ("\r\n\ta", "\ta"),
            ("a", "a"),
        ] {
            assert_eq!(MessageText::parse(sent).unwrap().as_str(), kept, "{sent:?}");
            assert_eq!(
                AboutText::parse(sent).unwrap().into_inner(),
                kept,
                "{sent:?}"
            );
        }
        for empty in ["", " ", "\n", " \n\t\u{a0}\u{2028} "] {
            let refused = MessageText::parse(empty).unwrap_err();
            assert_eq!(refused.code, ErrorCode::TextEmpty, "{empty:?}");
        }
        let full = format!("\n{}\n", "x".repeat(MESSAGE_LENGTH_MAX));
        assert!(MessageText::parse(&full).is_ok());
    }
}
