//! A person, as others see them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use entity::{Millis, UserId};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

/// The short form that stands wherever a person is named. On the wire it has
/// `look`, too, if the name isn't ASCII.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// For clients to key by.
    pub id: UserId,
    /// As the person spells it; compared without case.
    pub username: String,
    /// What is shown.
    pub display_name: String,
}

impl User {
    /// What eyes compare: names that look alike in some font have an equal look
    /// (the skeleton of UTS 39, with white space as a page shows it).
    #[must_use]
    pub fn look(&self) -> String {
        look(&self.display_name)
    }
}

/// What looks like something else, of ASCII: most names are, and clients know
/// these by heart.
const LOOKS: [(char, &str); 8] = [
    ('"', "''"),
    ('%', "°/₀"),
    ('0', "O"),
    ('1', "l"),
    ('I', "l"),
    ('`', "'"),
    ('m', "rn"),
    ('|', "l"),
];

/// The look of any name.
fn look(name: &str) -> String {
    let skeleton: String = match name.is_ascii() {
        true => name.chars().fold(String::new(), |mut all, sign| {
            match LOOKS.iter().find(|(known, _)| *known == sign) {
                Some((_, look)) => all.push_str(look),
                None => all.push(sign),
            }
            all
        }),
        false => unicode_security::skeleton(name).collect(),
    };
    let words: Vec<&str> = skeleton.split_whitespace().collect();
    words.join(" ")
}

/// What the page calls people by their part in a conversation.
static RESERVED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let words = [
        "you", "owner", "admin", "member", "You", "Owner", "Admin", "Member",
    ];
    let upper = ["YOU", "OWNER", "ADMIN", "MEMBER"];
    words.iter().chain(&upper).map(|word| look(word)).collect()
});

/// Those of these people whose names look like another's, or like a part in
/// the conversation: a page shows their usernames, too.
pub fn alike<'a>(users: impl IntoIterator<Item = &'a User>) -> HashSet<UserId> {
    let mut first = HashMap::new();
    let mut found = HashSet::new();
    for user in users {
        let look = user.look();
        if RESERVED.contains(&look) {
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
        // Clients know the looks of ASCII by heart: eight characters.
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

/// One's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Me {
    #[serde(flatten)]
    pub user: User,
    /// A few words about oneself.
    pub about: String,
    /// Whether the admin route is open to them.
    pub is_admin: bool,
    /// What happened to the account, newest first, until it is forgotten.
    pub notices: Vec<Notice>,
}

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub at: Millis,
    pub cause: NoticeCause,
    /// Where it was done from.
    pub address: String,
}

/// What happened to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeCause {
    /// A password was chosen by a link that an admin had made.
    PasswordLinkUsed,
    /// The password was changed by somebody who knew it.
    PasswordChanged,
    /// The password was set at the command line.
    PasswordSet,
    /// Everything that the account sees was downloaded.
    DataExported,
}

/// How one stands to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Nobody asked.
    None,
    /// One asked, and waits.
    Requested,
    /// They asked.
    Incoming,
    /// Both agreed.
    Connected,
    /// One wants nothing from them. They never learn of it.
    Blocked,
}

/// A person, as one who looks them up sees them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    #[serde(flatten)]
    pub user: User,
    pub about: String,
    /// None where the one who looks may not know.
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
    pub connection: Standing,
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
            let mut found: Vec<i64> = alike(&users).into_iter().map(|id| id.0).collect();
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
        assert!(alike([&one, &one]).is_empty());
    }

    #[test]
    fn looks_of_ascii_are_those_of_clients() {
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
    fn look_is_sent_for_other_names_alone() {
        let sent = |name: &str| serde_json::to_value(user(7, name)).unwrap();
        assert_eq!(sent("Ann").get("look"), None);
        assert_eq!(sent("\u{410}nn")["look"], "Ann");
        assert_eq!(sent("A\u{200b}nn\u{a0} Lee")["look"], "Ann Lee");
    }
}
