//! Who may know whether somebody is here: those who are connected with them,
//! and those who share a conversation of up to 100 people with them, unless
//! one of the two blocks the other.

use entity::connection::State;
use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::append::sql;
use super::{AT_A_TIME, Result, Store, TELLS_EACH_UP_TO, piece};

/// Somebody, and one who may know whether they are here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Acquaintance {
    pub subject: UserId,
    pub username: String,
    pub viewer: UserId,
}

impl Store {
    /// Everybody who may know whether these people are here. It takes one
    /// query, for one of them as for hundreds.
    pub async fn acquaintances(&self, people: &[UserId]) -> Result<Vec<Acquaintance>> {
        let mut found = Vec::new();
        for people in people.chunks(AT_A_TIME) {
            let sql = acquaintances_of(self.backend(), people.len());
            found.append(&mut self.about(sql, people).await?);
        }
        Ok(found)
    }

    /// The conversations in which others are told whether these people are
    /// here.
    pub async fn rooms_of(&self, people: &[UserId]) -> Result<Vec<(UserId, ConversationId)>> {
        let mut found = Vec::new();
        for people in people.chunks(AT_A_TIME) {
            let rest = format!(
                "FROM {} v CROSS JOIN participant p CROSS JOIN conversation c \
                 WHERE p.user_id = v.column1 AND p.left_seq IS NULL \
                 AND c.id = p.conversation_id AND c.participant_count <= {TELLS_EACH_UP_TO}",
                sql::values(self.backend(), people.len(), 1)
            );
            let sql = piece::sql(self.backend(), "p.user_id, p.conversation_id", &rest);
            found.append(&mut self.about(sql, people).await?);
        }
        Ok(found)
    }

    async fn about<T: DeserializeOwned>(&self, sql: String, people: &[UserId]) -> Result<Vec<T>> {
        let values = people.iter().map(|user| Value::from(*user));
        piece::read(&self.reader, sql, values).await
    }
}

/// Whether two people share a conversation that lets them know of each other.
pub(super) async fn share_a_room(
    db: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
) -> Result<bool> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT 1 FROM {} AND theirs.user_id = $2 WHERE mine.user_id = $1 LIMIT 1",
            who_share_a_room()
        ),
        [me.into(), them.into()],
    );
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// Two people who share a conversation that both are in. In larger ones people
/// are told nothing of each other's status.
fn who_share_a_room() -> String {
    format!(
        "participant mine JOIN conversation c ON c.id = mine.conversation_id \
         AND c.participant_count <= {TELLS_EACH_UP_TO} \
         JOIN participant theirs ON theirs.conversation_id = mine.conversation_id \
         AND theirs.left_seq IS NULL AND mine.left_seq IS NULL"
    )
}

/// Every part begins with these people, so that it reads by index no more than
/// what is theirs. (Blocks asked for pair by pair would have PostgreSQL read
/// through all there are.)
fn acquaintances_of(backend: DbBackend, count: usize) -> String {
    let people = sql::values(backend, count, 1);
    let connected = State::Connected as i16;
    let share_a_room = who_share_a_room();
    let known = format!(
        "FROM ( \
         SELECT low.low_id AS subject, low.high_id AS viewer FROM subjects \
         CROSS JOIN connection low WHERE low.low_id = subjects.id AND low.state = {connected} \
         UNION SELECT high.high_id, high.low_id FROM subjects \
         CROSS JOIN connection high WHERE high.high_id = subjects.id AND high.state = {connected} \
         UNION SELECT mine.user_id, theirs.user_id FROM subjects CROSS JOIN {share_a_room} \
         WHERE mine.user_id = subjects.id AND theirs.user_id <> mine.user_id \
         EXCEPT SELECT b.blocker_id, b.blocked_id FROM subjects \
         CROSS JOIN block b WHERE b.blocker_id = subjects.id \
         EXCEPT SELECT b.blocked_id, b.blocker_id FROM subjects \
         CROSS JOIN block b WHERE b.blocked_id = subjects.id \
         ) known JOIN subjects ON subjects.id = known.subject"
    );
    format!(
        "WITH subjects AS ( \
         SELECT u.id, u.username FROM {people} v CROSS JOIN \"user\" u WHERE u.id = v.column1) {}",
        piece::sql(
            backend,
            "known.subject, subjects.username, known.viewer",
            &known
        )
    )
}
