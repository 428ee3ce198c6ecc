//! Worlds with different amounts of stored data, written directly to the
//! database.

use crate::authority::world::World;
use crate::groups::largest_group::run;

/// The amount of stored data, as a multiple of that in the smaller world.
#[derive(Clone, Copy)]
pub(super) struct Growth {
    pub(super) times: u64,
}

/// Members of a group in the smaller world. The larger world has about ten
/// times as many, but fewer than 100: up to there, each member receives the
/// others' changes.
pub(super) const MEMBERS: u64 = 8;
/// The first id of a directly written message.
const FIRST_MESSAGE: u64 = 1 << 40;

impl Growth {
    /// Returns the number of messages in each group. They reply to the group's
    /// oldest message, and a third of them is deleted.
    const fn messages(self) -> u64 {
        60 * self.times
    }

    /// Returns the number of added accounts. Each role is connected with all of
    /// them.
    const fn users(self) -> u64 {
        120 + 20 * self.times
    }

    const fn members(self) -> u64 {
        MEMBERS * (9 + self.times) / 10
    }

    pub(super) const fn conversations(self) -> u64 {
        110 + 10 * self.times
    }

    const fn rows(self) -> u64 {
        120 * self.times
    }
}

/// Returns a common table expression `g` with the numbers from 1 to `count`.
fn numbers(count: u64) -> String {
    format!("WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count})")
}

pub(super) async fn grow(world: &World, groups: &[i64], growth: Growth) {
    let mut statements = accounts(growth);
    for role in ["owner", "admin"] {
        statements.extend(around(world.of(role).id, growth));
    }
    let mate = world.of("mate").id;
    for (at, group) in groups.iter().enumerate() {
        let first = FIRST_MESSAGE + u64::try_from(at).unwrap() * 1_000_000;
        statements.extend(history(*group, (mate, first), growth));
    }
    let (owner, group) = (world.of("owner").id, groups[0]);
    statements.extend(conversations(owner, group, growth));
    statements.push(audit(growth));
    statements.push("ANALYZE".to_owned());
    run(&world.app, &statements).await;
}

/// Returns statements that create accounts. All accounts match the same search
/// word.
fn accounts(growth: Growth) -> Vec<String> {
    let numbers = numbers(growth.users());
    vec![
        format!(
            "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
             is_admin, created_at, notices) {numbers} SELECT 'crowd' || n, 'crowd' || n, \
             'Mona of many', '', 'none', FALSE, 0, '[]' FROM g"
        ),
        "INSERT INTO user_word (word, user_id) SELECT 'mona', id FROM \"user\" \
         WHERE username LIKE 'crowd%'"
            .to_owned(),
    ]
}

/// Returns statements that create connections, blocks and ended logins of a
/// user.
fn around(user: i64, growth: Growth) -> Vec<String> {
    let crowd = "FROM \"user\" WHERE username LIKE 'crowd%'";
    let logins = numbers(growth.rows());
    vec![
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
             SELECT {user}, id, id, id % 2, 0 {crowd}"
        ),
        format!(
            "INSERT INTO block (blocker_id, blocked_id, created_at) SELECT {user}, id, 0 {crowd} \
             AND id % 7 = 0"
        ),
        format!(
            "INSERT INTO login (user_id, device, address, created_at, last_used_at, expires_at, \
             ended_at) {logins} SELECT {user}, 'Firefox', '192.0.2.7', n, n, n, n FROM g"
        ),
    ]
}

/// Returns statements that create a long history of a group and many members
/// who have read none of it.
fn history(group: i64, (sender, first): (i64, u64), growth: Growth) -> Vec<String> {
    let (numbers, count, members) = (
        numbers(growth.messages()),
        growth.messages(),
        growth.members(),
    );
    vec![
        format!(
            "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, \
             sender_id, kind, text, reply_to, furthest, created_at, deleted_at) {numbers} \
             SELECT {first} + n, c.id, c.last_seq + n, c.last_ord + n, c.version + n, \
             c.version + n, {sender}, 0, CASE n % 3 WHEN 0 THEN '' ELSE 'Message ' || n END, \
             (SELECT id FROM message m WHERE m.conversation_id = c.id AND m.kind = 0 \
             ORDER BY m.seq LIMIT 1), 2, c.last_message_at, \
             CASE n % 3 WHEN 0 THEN c.last_message_at END FROM g, conversation c WHERE c.id = {group}"
        ),
        format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned) SELECT {group}, id, 0, \
             0, 0, 0, 0, 0, 1, FALSE, FALSE FROM \"user\" WHERE username LIKE 'crowd%' \
             ORDER BY id LIMIT {members}"
        ),
        format!(
            "UPDATE participant SET unread_deleted = unread_deleted + {count} / 3 \
             WHERE conversation_id = {group}"
        ),
        format!(
            "UPDATE conversation SET last_seq = last_seq + {count}, last_ord = last_ord + {count}, \
             version = version + {count}, participant_count = participant_count + {members}, \
             delivered_low = 0, read_low = 0, last_message_id = {first} + {count} \
             WHERE id = {group}"
        ),
    ]
}

/// Returns statements that create conversations of a user, without unread
/// messages.
fn conversations(user: i64, group: i64, growth: Growth) -> Vec<String> {
    let numbers = numbers(growth.conversations());
    vec![
        format!(
            "INSERT INTO conversation (kind, title, open, opened_by, last_seq, last_ord, version, \
             members_version, participant_count, delivered_low, read_low, last_message_id, \
             last_message_at, created_at) {numbers} SELECT kind, 'One of many', open, opened_by, \
             last_seq, last_ord, version, members_version, 2, last_seq, last_seq, \
             last_message_id, last_message_at, created_at FROM conversation, g WHERE id = {group}"
        ),
        format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned) SELECT c.id, u.id, \
             CASE u.id WHEN {user} THEN 2 ELSE 0 END, 0, 0, c.last_seq, c.last_seq, c.last_ord, \
             1, FALSE, FALSE FROM conversation c, \"user\" u WHERE c.title = 'One of many' \
             AND u.id IN ({user}, (SELECT MAX(id) FROM \"user\" WHERE username LIKE 'crowd%'))"
        ),
        "INSERT INTO conversation_word (word, conversation_id) SELECT 'many', id \
         FROM conversation WHERE title = 'One of many'"
            .to_owned(),
    ]
}

fn audit(growth: Growth) -> String {
    let numbers = numbers(growth.rows());
    format!(
        "INSERT INTO audit (at, action, target, address) {numbers} \
         SELECT n, 'user.rename', 'user:1', '192.0.2.7' FROM g"
    )
}
