//! Who may know whether somebody is here: those who are connected with them,
//! and those who share a conversation of up to 100 people with them, unless
//! one of the two blocks the other.

use std::collections::{HashMap, HashSet};

use entity::connection::State;
use entity::{ConversationId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use super::append::sql;
use super::{AT_A_TIME, Result, Store, TELLS_EACH_UP_TO, piece};

/// Some people, and who may know whether they are here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acquaintances {
    /// Of these people.
    pub usernames: HashMap<UserId, String>,
    /// Each of them with each who may know, once, in order.
    pub pairs: Vec<(UserId, UserId)>,
}

impl Store {
    /// Everybody who may know whether these people are here. It takes one
    /// query, for one of them as for hundreds.
    pub async fn acquaintances(&self, people: &[UserId]) -> Result<Acquaintances> {
        let mut found = Acquaintances::default();
        for people in people.chunks(AT_A_TIME) {
            let sql = acquaintances_of(self.backend(), people.len());
            let values = people.iter().map(|user| Value::from(*user));
            let statement = Statement::from_sql_and_values(self.backend(), sql, values);
            if let Some(row) = self.reader.query_one_raw(statement).await? {
                found.take(&row)?;
            }
        }
        found.pairs.sort_unstable();
        found.pairs.dedup();
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

impl Acquaintances {
    /// What [`acquaintances_of`] answers. Of whom shares a room with whom it
    /// has the parts: a room of a hundred who come at once is read a hundred
    /// times smaller so.
    fn take(&mut self, row: &QueryResult) -> Result<()> {
        self.usernames.extend(piece::at::<(_, _)>(row, 0)?);
        let mut members = HashMap::<ConversationId, Vec<UserId>>::new();
        for (room, member) in piece::at(row, 2)? {
            members.entry(room).or_default().push(member);
        }
        let blocks: HashSet<(UserId, UserId)> = piece::at(row, 4)?.into_iter().collect();
        let is_blocked = |one, two| blocks.contains(&(one, two)) || blocks.contains(&(two, one));
        let rooms: Vec<(UserId, ConversationId)> = piece::at(row, 1)?;
        let together = rooms.into_iter().flat_map(|(subject, room)| {
            let others = members.get(&room).into_iter().flatten();
            others.map(move |other| (subject, *other))
        });
        let connected: Vec<(UserId, UserId)> = piece::at(row, 3)?;
        let known = together.chain(connected);
        let known = known.filter(|(one, two)| one != two && !is_blocked(*one, *two));
        self.pairs.extend(known);
        Ok(())
    }
}

/// Their names; the rooms they are in, and who is in these; who is connected
/// with them; who blocks whom of them. Every part begins with these people, so
/// that it reads by index no more than what is theirs.
fn acquaintances_of(backend: DbBackend, count: usize) -> String {
    let people = sql::values(backend, count, 1);
    let connected = State::Connected as i16;
    let piece = |columns: &str, rest: &str| piece::sql(backend, columns, rest);
    let names = piece("id, username", "FROM subjects");
    let rooms = piece("user_id, conversation_id", "FROM mine");
    let members = piece(
        "p.conversation_id, p.user_id",
        "FROM (SELECT DISTINCT conversation_id FROM mine) rooms CROSS JOIN participant p \
         WHERE p.conversation_id = rooms.conversation_id AND p.left_seq IS NULL",
    );
    let connections = piece(
        "subject, viewer",
        &format!(
            "FROM (SELECT low.low_id AS subject, low.high_id AS viewer FROM subjects \
             CROSS JOIN connection low WHERE low.low_id = subjects.id AND low.state = {connected} \
             UNION ALL SELECT high.high_id, high.low_id FROM subjects \
             CROSS JOIN connection high WHERE high.high_id = subjects.id \
             AND high.state = {connected}) known"
        ),
    );
    let blocks = piece(
        "one, two",
        "FROM (SELECT b.blocker_id AS one, b.blocked_id AS two FROM subjects \
         CROSS JOIN block b WHERE b.blocker_id = subjects.id \
         UNION ALL SELECT b.blocked_id, b.blocker_id FROM subjects \
         CROSS JOIN block b WHERE b.blocked_id = subjects.id) blocks",
    );
    format!(
        "WITH subjects AS MATERIALIZED ( \
         SELECT u.id, u.username FROM {people} v CROSS JOIN \"user\" u WHERE u.id = v.column1), \
         mine AS MATERIALIZED ( \
         SELECT p.user_id, p.conversation_id FROM subjects CROSS JOIN participant p \
         CROSS JOIN conversation c WHERE p.user_id = subjects.id AND p.left_seq IS NULL \
         AND c.id = p.conversation_id AND c.participant_count <= {TELLS_EACH_UP_TO}) \
         SELECT ({names}), ({rooms}), ({members}), ({connections}), ({blocks})"
    )
}
