//! What people type, checked once at the door: past it, a value of these
//! types can't be wrong.

use entity::UserId;

use super::text::{check_characters, is_blank, single_line, skeleton_key};
use super::{Code, Problem};

/// The longest message, in Unicode characters.
pub const MESSAGE_MAX: usize = 10_000;

/// What ends a line.
const LINE_ENDS: [char; 7] = [
    '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// A text of several lines without blank lines at its beginning and white
/// space at its end. The first line keeps its indentation.
fn without_margins(text: &str) -> &str {
    let text = text.trim_end();
    let (lead, _) = text.split_at(text.len() - text.trim_start().len());
    // What follows the last line's end indents the first line of text.
    let indent = lead.rsplit(LINE_ENDS).next().unwrap_or_default();
    let (_, text) = text.split_at(lead.len() - indent.len());
    text
}

/// A message's text: 1 to 10,000 characters without the margins, no NUL; else
/// as sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageText(String);

impl MessageText {
    /// Checks `text`.
    ///
    /// # Errors
    /// `text_empty`, `text_too_long`, or `invalid` for a NUL.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = without_margins(text);
        if is_blank(text) {
            return Err(Problem::new(Code::TextEmpty, "A message needs some text."));
        }
        if text.chars().count() > MESSAGE_MAX {
            return Err(Problem::new(
                Code::TextTooLong,
                "A message has at most 10,000 characters.",
            ));
        }
        if text.contains('\0') {
            return Err(Problem::new(Code::Invalid, "A message can't hold a NUL."));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A sender's own name for a message: 1 to 64 characters, unique per sender
/// for ever. It is compared as it was sent, without normalisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(String);

impl ClientId {
    /// Checks `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `client_id`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        if is_blank(text) || text.chars().count() > 64 {
            return Err(Problem::field(
                "client_id",
                "1 to 64 characters, at least one of them visible",
            ));
        }
        check_characters(text).map_err(|why| Problem::field("client_id", why))?;
        Ok(Self(text.to_owned()))
    }

    /// As it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names of roles, of mentions and of mailboxes, which would deceive as the
/// names of users.
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

/// What pages and system messages say of users, beside the names of users.
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

/// Whether a skeleton without case is that of a reserved name, whose letters may
/// have another skeleton in upper case.
fn is_reserved(skeleton: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        let forms = [(*name).to_owned(), name.to_lowercase(), name.to_uppercase()];
        forms.iter().any(|form| skeleton_key(form) == skeleton)
    })
}

/// A name to log in and be found by: 3 to 30 of `A-Za-z0-9_.-`, a letter
/// first, so that an all-digit path segment is always a conversation's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Username(String);

impl Username {
    /// Checks `text`.
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
            Err(Problem::field(
                "username",
                "3 to 30 letters, digits, '_', '.' or '-', starting with a letter",
            ))
        }
    }

    /// As the person spells it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is compared: the same without case.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Whether the product, a mention or a mail domain (RFC 2142) uses this name,
    /// or one that looks like it. Only an admin opens such an account.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        let skeletons = [skeleton_key(&self.0), skeleton_key(&self.key())];
        skeletons
            .iter()
            .any(|key| is_reserved(key, &RESERVED_USERNAMES))
    }

    /// What eyes compare: names that look alike in some font have the same
    /// (the skeleton of UTS 39), as `AIice` and `Alice`.
    #[must_use]
    pub fn look(&self) -> String {
        let skeleton: String = unicode_security::skeleton(&self.0).collect();
        skeleton.to_ascii_lowercase()
    }
}

/// What a user is shown as: a single line of 1 to 60 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisplayName(String);

impl From<&Username> for DisplayName {
    fn from(username: &Username) -> Self {
        Self(username.as_str().to_owned())
    }
}

impl DisplayName {
    /// Checks `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `display_name`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let wrong = |why: String| Problem::field("display_name", why);
        let name = single_line(text, 60).map_err(wrong)?;
        if is_reserved(&skeleton_key(&name), &RESERVED_DISPLAY_NAMES) {
            return Err(wrong("a name that Tidings itself doesn't use".to_owned()));
        }
        Ok(Self(name))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name itself.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// One emoji, as Unicode lists them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emoji(&'static str);

impl Emoji {
    /// Checks `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `emoji`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        emojis::get(text)
            .map(|emoji| Self(emoji.as_str()))
            .ok_or_else(|| Problem::field("emoji", "one emoji"))
    }

    /// The emoji itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0
    }
}

/// What a group is called: a single line of 1 to 100 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupTitle(String);

impl GroupTitle {
    /// Checks `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `title`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let title = single_line(text, 100).map_err(|why| Problem::field("title", why))?;
        Ok(Self(title))
    }

    /// The title itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A few words about oneself: at most 300 characters without the margins, no
/// NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About(String);

impl About {
    /// Checks `text`.
    ///
    /// # Errors
    /// `invalid`, naming the field `about`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let text = if is_blank(text) {
            ""
        } else {
            without_margins(text)
        };
        if text.chars().count() > 300 || text.contains('\0') {
            return Err(Problem::field("about", "at most 300 characters, no NUL"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The words themselves.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

/// The `low:high` under which two people's direct conversation is kept.
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
            assert_eq!(About::parse(sent).unwrap().into_inner(), kept, "{sent:?}");
        }
        for empty in ["", " ", "\n", " \n\t\u{a0}\u{2028} "] {
            let refused = MessageText::parse(empty).unwrap_err();
            assert_eq!(refused.code, Code::TextEmpty, "{empty:?}");
        }
        let full = format!("\n{}\n", "x".repeat(MESSAGE_MAX));
        assert!(MessageText::parse(&full).is_ok());
    }
}
