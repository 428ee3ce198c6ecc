//! Users, as other users see them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use entity::{Millis, UserId};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// The short form of a user, in every frame and body that names one. On the
/// wire it also has `look` if the name isn't ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The id by which clients know the user.
    pub id: UserId,
    /// The name as the user spells it; compared without case.
    pub username: String,
    /// The visible name.
    pub display_name: String,
}

impl User {
    /// Returns the skeleton of UTS 39, with white space as a page shows it. It
    /// is equal for names that look alike in some font.
    #[must_use]
    pub fn look(&self) -> String {
        look(&self.display_name)
    }
}

/// The ASCII characters that look like others. Clients have the same table,
/// because most names are ASCII.
const ASCII_LOOKS: [(char, &str); 8] = [
    ('"', "''"),
    ('%', "°/₀"),
    ('0', "O"),
    ('1', "l"),
    ('I', "l"),
    ('`', "'"),
    ('m', "rn"),
    ('|', "l"),
];

/// Returns the look of any name.
fn look(name: &str) -> String {
    let skeleton: String = if name.is_ascii() {
        name.chars().fold(String::new(), |mut all, sign| {
            match ASCII_LOOKS.iter().find(|(known, _)| *known == sign) {
                Some((_, look)) => all.push_str(look),
                None => all.push(sign),
            }
            all
        })
    } else {
        unicode_security::skeleton(name).collect()
    };
    let words: Vec<&str> = skeleton.split_whitespace().collect();
    words.join(" ")
}

/// The looks of the words by which a page names roles in a conversation.
static RESERVED_LOOKS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = [
        "you", "owner", "admin", "member", "You", "Owner", "Admin", "Member",
    ];
    let upper = ["YOU", "OWNER", "ADMIN", "MEMBER"];
    words.iter().chain(&upper).map(|word| look(word)).collect()
});

/// Returns the users whose names look like another's, or like a role in the
/// conversation. A page shows their usernames, too.
pub fn find_lookalikes<'a>(users: impl IntoIterator<Item = &'a User>) -> HashSet<UserId> {
    let mut first = HashMap::new();
    let mut found = HashSet::new();
    for user in users {
        let look = user.look();
        if RESERVED_LOOKS.contains(&look) {
            found.insert(user.id);
        }
        let known = *first.entry(look).or_insert(user.id);
        if known != user.id {
            found.extend([known, user.id]);
        }
    }
    found
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Clients compute the look of an ASCII name from their own table.
        let look = (!self.display_name.is_ascii()).then(|| self.look());
        let fields = 3 + usize::from(look.is_some());
        let mut user = serializer.serialize_struct("User", fields)?;
        user.serialize_field("id", &self.id)?;
        user.serialize_field("username", &self.username)?;
        user.serialize_field("display_name", &self.display_name)?;
        if let Some(look) = look {
            user.serialize_field("look", &look)?;
        }
        user.end()
    }
}

/// The user's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OwnProfile {
    #[serde(flatten)]
    pub user: User,
    /// The user's self-description.
    pub about: String,
    /// Whether the user may open `/admin`.
    pub is_admin: bool,
    /// Events of the account, newest first, until they expire.
    pub notices: Vec<AccountNotice>,
}

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNotice {
    pub at: Millis,
    pub cause: NoticeCause,
    /// The address of the client that caused it.
    pub address: String,
}

/// The kind of an account's event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeCause {
    /// A password was set with a password link that an admin created.
    PasswordLinkUsed,
    /// The password was changed with the current one.
    PasswordChanged,
    /// The password was set on the command line.
    PasswordSet,
    /// All data that the account can see was downloaded.
    DataExported,
}

/// The relationship of the viewer to another user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relationship {
    /// Neither user sent a request.
    None,
    /// The viewer sent a request that the other user hasn't answered.
    Requested,
    /// The viewer received a request.
    Incoming,
    /// Both users agreed.
    Connected,
    /// The viewer blocked the other user, who never learns of it.
    Blocked,
}

impl Relationship {
    /// All relationships.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Requested,
        Self::Incoming,
        Self::Connected,
        Self::Blocked,
    ];

    /// Returns the name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Incoming => "incoming",
            Self::Connected => "connected",
            Self::Blocked => "blocked",
        }
    }
}

impl Serialize for Relationship {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A user's profile, as another user sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UserProfile {
    #[serde(flatten)]
    pub user: User,
    pub about: String,
    /// `None` if the viewer may not see the user's presence.
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
    pub connection: Relationship,
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn user(id: i64, name: &str) -> User {
        User {
            id: UserId(id),
            username: format!("user{id}"),
            display_name: name.to_owned(),
        }
    }

    #[test]
    fn confusable_and_reserved_names_are_alike() {
        let found = |names: &[&str]| {
            let users: Vec<User> = (1..).zip(names).map(|(id, name)| user(id, name)).collect();
            let mut found: Vec<i64> = find_lookalikes(&users).into_iter().map(|id| id.0).collect();
            found.sort_unstable();
            found
        };
        assert_eq!(found(&["Ann", "Ben"]), [0; 0]);
        assert_eq!(found(&["Ann", "Ben", "Ann"]), [1, 3]);
        assert_eq!(found(&["Alice", "AIice", "A1ice"]), [1, 2, 3]);
        assert_eq!(found(&["Ann", "\u{410}nn"]), [1, 2]);
        for name in ["You", "you", "Owner", "ADMIN", "admin", "\u{41e}wner"] {
            assert_eq!(found(&["Ann", name]), [2], "{name}");
        }
        let one = user(1, "Ann");
        assert!(find_lookalikes([&one, &one]).is_empty());
    }

    #[test]
    fn ascii_looks_match_clients() {
        let table = include_str!("../../tests/fixtures/looks.json");
        let known: HashMap<char, String> = serde_json::from_str(table).unwrap();
        for sign in '!'..='~' {
            let own = sign.to_string();
            let expected = known.get(&sign).unwrap_or(&own);
            assert_eq!(&look(&own), expected, "{sign}");
            let skeleton: String = unicode_security::skeleton(&own).collect();
            assert_eq!(&skeleton, expected, "{sign}");
        }
    }

    #[test]
    fn look_is_sent_for_nonascii_names() {
        let sent = |name: &str| serde_json::to_value(user(7, name)).unwrap();
        assert_eq!(sent("Ann").get("look"), None);
        assert_eq!(sent("\u{410}nn")["look"], "Ann");
        assert_eq!(sent("A\u{200b}nn\u{a0} Lee")["look"], "Ann Lee");
    }
}
