//! Users who may see another user's presence: connected users, and members of
//! shared conversations of up to 100 users. A block between the two hides it.

use std::collections::{HashMap, HashSet};

use entity::connection::ConnectionRowState;
use entity::{ConversationId, UserId};
use sea_orm::{ActiveEnum, ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use serde::de::DeserializeOwned;

use super::PresenceRepository;
use crate::store::db::{ROWS_PER_STATEMENT, Result, json_rows, sql};
use crate::store::limits::MEMBER_EVENTS_MAX;

/// The users who may see the presence of some users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresenceAudience {
    /// The usernames of the users whose presence is seen.
    pub usernames: HashMap<UserId, String>,
    /// Pairs: a user, and another user that may see the first user's presence.
    /// Sorted, without duplicates.
    pub pairs: Vec<(UserId, UserId)>,
}

impl PresenceRepository<'_> {
    /// Returns all users who may see the presence of these users. It takes one
    /// query per 500 users.
    pub async fn load_audience(self, people: &[UserId]) -> Result<PresenceAudience> {
        let mut found = PresenceAudience::default();
        for people in people.chunks(ROWS_PER_STATEMENT) {
            let sql = audience_sql(self.db.backend(), people.len());
            let values = people.iter().map(|user| Value::from(*user));
            let statement = Statement::from_sql_and_values(self.db.backend(), sql, values);
            if let Some(row) = self.db.reader().query_one_raw(statement).await? {
                found.add_row(&row)?;
            }
        }
        found.pairs.sort_unstable();
        found.pairs.dedup();
        Ok(found)
    }

    /// Returns the conversations whose members see the presence of these users.
    pub async fn list_rooms(self, people: &[UserId]) -> Result<Vec<(UserId, ConversationId)>> {
        let mut found = Vec::new();
        for people in people.chunks(ROWS_PER_STATEMENT) {
            let rest = format!(
                "FROM {} v CROSS JOIN participant p CROSS JOIN conversation c \
                 WHERE p.user_id = v.column1 AND p.left_seq IS NULL \
                 AND c.id = p.conversation_id AND c.participant_count <= {MEMBER_EVENTS_MAX}",
                sql::values_list(self.db.backend(), people.len(), 1)
            );
            let sql = json_rows::sql(self.db.backend(), "p.user_id, p.conversation_id", &rest);
            found.append(&mut self.query_for_users(sql, people).await?);
        }
        Ok(found)
    }

    async fn query_for_users<T: DeserializeOwned>(
        self,
        sql: String,
        people: &[UserId],
    ) -> Result<Vec<T>> {
        let values = people.iter().map(|user| Value::from(*user));
        json_rows::query_sql(self.db.reader(), sql, values).await
    }
}

/// Returns whether two users share a conversation that shows them each other's
/// presence.
pub(in crate::store) async fn share_conversation(
    db: &impl ConnectionTrait,
    me: UserId,
    them: UserId,
) -> Result<bool> {
    let statement = Statement::from_sql_and_values(
        db.get_database_backend(),
        format!(
            "SELECT 1 FROM {} AND theirs.user_id = $2 WHERE mine.user_id = $1 LIMIT 1",
            shared_conversation_sql()
        ),
        [me.into(), them.into()],
    );
    Ok(db.query_one_raw(statement).await?.is_some())
}

/// Returns SQL that joins two members of one conversation. Larger conversations
/// show no presence.
fn shared_conversation_sql() -> String {
    format!(
        "participant mine JOIN conversation c ON c.id = mine.conversation_id \
         AND c.participant_count <= {MEMBER_EVENTS_MAX} \
         JOIN participant theirs ON theirs.conversation_id = mine.conversation_id \
         AND theirs.left_seq IS NULL AND mine.left_seq IS NULL"
    )
}

impl PresenceAudience {
    /// Adds a row of [`audience_sql`]. The row has memberships and not pairs:
    /// if all 100 members of a room come online at once, there are 100
    /// memberships and 10,000 pairs.
    fn add_row(&mut self, row: &QueryResult) -> Result<()> {
        self.usernames
            .extend(json_rows::parse_column::<(_, _)>(row, "names")?);
        let mut members = HashMap::<ConversationId, Vec<UserId>>::new();
        for (room, member) in json_rows::parse_column(row, "members")? {
            members.entry(room).or_default().push(member);
        }
        let blocks: HashSet<(UserId, UserId)> = json_rows::parse_column(row, "blocks")?
            .into_iter()
            .collect();
        let is_blocked = |one, two| blocks.contains(&(one, two)) || blocks.contains(&(two, one));
        let rooms: Vec<(UserId, ConversationId)> = json_rows::parse_column(row, "rooms")?;
        let together = rooms.into_iter().flat_map(|(subject, room)| {
            let others = members.get(&room).into_iter().flatten();
            others.map(move |other| (subject, *other))
        });
        let connected: Vec<(UserId, UserId)> = json_rows::parse_column(row, "connections")?;
        let known = together.chain(connected);
        let known = known.filter(|(one, two)| one != two && !is_blocked(*one, *two));
        self.pairs.extend(known);
        Ok(())
    }
}

/// Returns a query for the users' names, their rooms, the members of these,
/// their connections and their blocks. Each part begins with these users, so
/// that it reads only their rows by index.
fn audience_sql(backend: DbBackend, count: usize) -> String {
    let people = sql::values_list(backend, count, 1);
    let connected = ConnectionRowState::Connected.to_value();
    let piece = |columns: &str, rest: &str| json_rows::sql(backend, columns, rest);
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
         AND c.id = p.conversation_id AND c.participant_count <= {MEMBER_EVENTS_MAX}) \
         SELECT ({names}) AS names, ({rooms}) AS rooms, ({members}) AS members, \
         ({connections}) AS connections, ({blocks}) AS blocks"
    )
}
