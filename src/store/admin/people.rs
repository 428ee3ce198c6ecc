//! Everybody, a page at a time. Each order is a range of an index, so that the
//! last page of a million costs what the first does.

use entity::{Millis, UserId};
use sea_orm::{FromQueryResult, Statement, Value};

use super::{Listing, Place, Result, Store, count};
use crate::store::words::{self, Wanted};

/// Who is asked for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeopleOrder {
    /// Everybody, by username.
    Name,
    /// Everybody, the newest account first.
    Newest,
    /// Those who were ever here: first who is here now, in the order of their
    /// accounts, then by when they came to be gone, the latest first.
    LastSeen,
    /// Those who are here now, in the order of their accounts.
    Online(Wanted),
    /// Admins, by username.
    Admins(Wanted),
    /// Those switched off, by username.
    SwitchedOff(Wanted),
    /// Those who have words with these beginnings, by the one that the
    /// longest of them fits.
    Found(Wanted),
}

/// Somebody in a list.
#[derive(Clone, Debug, FromQueryResult)]
pub struct PersonLine {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub is_admin: bool,
    pub deactivated_at: Option<Millis>,
    pub deleted_at: Option<Millis>,
    pub created_at: Millis,
    pub is_online: Option<bool>,
    pub last_seen: Option<Millis>,
    /// What the list is ordered by.
    pub key: String,
}

const COLUMNS: &str = "u.id, u.username, u.display_name, u.is_admin, u.deactivated_at, \
                       u.deleted_at, u.created_at, s.is_online, s.last_seen";
const PEOPLE: &str = "\"user\" u LEFT JOIN user_status s ON s.user_id = u.id";
/// From their status on: who has none was never here.
const SEEN: &str = "user_status s JOIN \"user\" u ON u.id = s.user_id";

impl Store {
    /// A page of people.
    pub async fn people(&self, listing: &Listing<PeopleOrder>) -> Result<Vec<PersonLine>> {
        if listing.order != PeopleOrder::LastSeen {
            return self.people_of(listing.statement(), listing.limit).await;
        }
        // Who is here has no time: their places in the list have no key.
        let after = listing.after.as_ref();
        let mut found = match after.filter(|place| !place.key.is_empty()) {
            Some(_) => Vec::new(),
            None => {
                let here = online(&Wanted::default(), after);
                self.people_of(here, listing.limit).await?
            }
        };
        let left = listing.limit.saturating_sub(found.len() as u64);
        if left > 0 {
            let gone = gone(after.filter(|place| !place.key.is_empty()));
            found.extend(self.people_of(gone, left).await?);
        }
        Ok(found)
    }

    async fn people_of(
        &self,
        (sql, mut values): (String, Vec<Value>),
        limit: u64,
    ) -> Result<Vec<PersonLine>> {
        values.push(count(limit));
        let sql = super::limited(self.backend(), &sql, values.len());
        let statement = Statement::from_sql_and_values(self.backend(), sql, values);
        Ok(PersonLine::find_by_statement(statement)
            .all(&self.reader)
            .await?)
    }
}

type Asked = (String, Vec<Value>);

impl Listing<PeopleOrder> {
    fn statement(&self) -> Asked {
        let after = self.after.as_ref();
        match &self.order {
            PeopleOrder::Name => by_name("", &Wanted::default(), after),
            PeopleOrder::Admins(wanted) => by_name("u.is_admin AND ", wanted, after),
            PeopleOrder::SwitchedOff(wanted) => {
                by_name("u.deactivated_at IS NOT NULL AND ", wanted, after)
            }
            PeopleOrder::Newest => (
                format!(
                    "SELECT {COLUMNS}, '' AS key FROM {PEOPLE} WHERE u.id < $1 ORDER BY u.id DESC"
                ),
                vec![after.map_or(i64::MAX, |it| it.id).into()],
            ),
            PeopleOrder::Online(wanted) => online(wanted, after),
            PeopleOrder::LastSeen => gone(after),
            PeopleOrder::Found(wanted) => found(wanted, after),
        }
    }
}

/// The table of people's words, and whose they are.
const WORDS: (&str, &str) = ("user_word", "f.user_id = u.id");

fn by_name(which: &str, wanted: &Wanted, after: Option<&Place>) -> Asked {
    let mut values = vec![after.map_or(String::new(), |it| it.key.clone()).into()];
    let fitting = words::conditions(WORDS, wanted.all(), &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, u.username_key AS key FROM {PEOPLE} WHERE {which}u.username_key > $1{fitting} \
         ORDER BY u.username_key"
    );
    (sql, values)
}

fn online(wanted: &Wanted, after: Option<&Place>) -> Asked {
    let mut values = vec![after.map_or(0, |it| it.id).into()];
    let fitting = words::conditions(WORDS, wanted.all(), &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, '' AS key FROM {SEEN} \
         WHERE s.is_online AND s.user_id > $1{fitting} ORDER BY s.user_id"
    );
    (sql, values)
}

/// Whoever was here when a process died has the same time: those are sought by
/// both, which SQLite does only in a statement of their own.
fn gone(after: Option<&Place>) -> Asked {
    let some = "SELECT s.user_id AS id, u.username, u.display_name, u.is_admin, \
                u.deactivated_at, u.deleted_at, u.created_at, s.is_online, s.last_seen, \
                CAST(s.last_seen AS TEXT) AS key";
    let some = format!("{some} FROM {SEEN} WHERE NOT s.is_online");
    let sql = format!(
        "{some} AND s.last_seen = $1 AND s.user_id < $2 UNION ALL {some} AND s.last_seen < $1 \
         ORDER BY last_seen DESC, id DESC"
    );
    let values = vec![
        after.map_or(i64::MAX, Place::number).into(),
        after.map_or(i64::MAX, |it| it.id).into(),
    ];
    (sql, values)
}

/// Of several words of one person that fit, the first stands for them.
fn found(wanted: &Wanted, after: Option<&Place>) -> Asked {
    let (first, others) = wanted.split();
    // One from elsewhere can't reach back past the beginning.
    let after = after.filter(|at| at.key.as_str() >= first);
    let (key, id) = after.map_or((first.to_owned(), 0), |at| (at.key.clone(), at.id));
    let mut values = vec![
        first.into(),
        words::end_of(first).into(),
        key.into(),
        id.into(),
    ];
    let fitting = words::conditions(WORDS, others, &mut values);
    let sql = format!(
        "SELECT {COLUMNS}, w.word AS key FROM user_word w JOIN \"user\" u ON u.id = w.user_id \
         LEFT JOIN user_status s ON s.user_id = u.id \
         WHERE (w.word, w.user_id) > ($3, $4) AND w.word < $2 \
         AND NOT EXISTS (SELECT 1 FROM user_word f WHERE f.user_id = w.user_id \
         AND f.word >= $1 AND f.word < w.word){fitting} ORDER BY w.word, w.user_id"
    );
    (sql, values)
}
