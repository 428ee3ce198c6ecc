//! An account with much data, written directly to the database because
//! thousands of messages would take minutes.

use entity::Millis;

use crate::groups::largest_group::run;
use crate::support::{TestApp, TestUser};

const WORDS: &str = "Shall we walk along the river once the rain is over, past the old mill and up \
     to the meadow where the cherry trees stand, and have tea in the garden afterwards? Bring \
     the dog, and something warm for the evening; I will see to bread, cheese and the rest.";

/// Gives the first registered user `friends` connections, each with a
/// conversation. The first conversation has `messages` messages, each other
/// conversation has one. Returns the id of the first conversation.
pub(super) async fn fill(app: &TestApp, person: &TestUser, friends: usize, messages: usize) -> i64 {
    let (me, now) = (person.id, Millis::now().0);
    let many = format!(
        "WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {messages})"
    );
    let text = format!(
        "'Message ' || g.n || '. ' || substr('{WORDS}', 1 + (g.n * 37) % 120, 8 + (g.n * 53) % 120)"
    );
    let statements = [
        format!(
            "INSERT INTO \"user\" (username, username_key, display_name, about, password_hash, \
             is_admin, created_at) WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g \
             WHERE n < {friends}) SELECT 'mate' || n, 'mate' || n, 'Mate No. ' || n, '', 'none', \
             FALSE, 0 FROM g ORDER BY n"
        ),
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
             SELECT {me}, id, {me}, 1, 0 FROM \"user\" WHERE username LIKE 'mate%'"
        ),
        format!(
            "INSERT INTO conversation (kind, direct_key, open, opened_by, last_seq, last_ord, \
             version, members_version, participant_count, delivered_low, read_low, \
             last_message_id, last_message_at, created_at) SELECT 0, '{me}:' || u.id, TRUE, {me}, \
             u.n, u.n, u.n, 0, 2, u.n, u.n, NULL, {now} - u.id * 60000, 0 FROM (SELECT id, CASE \
             WHEN username = 'mate1' THEN {messages} ELSE 1 END AS n FROM \"user\" WHERE username \
             LIKE 'mate%') u ORDER BY u.id"
        ),
        format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned) SELECT c.id, u.id, 0, \
             0, 0, c.last_seq, c.last_seq, c.last_seq, 1, FALSE, FALSE FROM conversation c JOIN \
             \"user\" u ON u.id = {me} OR c.direct_key = '{me}:' || u.id"
        ),
        format!(
            "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, \
             sender_id, client_id, kind, text, furthest, created_at) {many} SELECT 1000000 + c.id \
             * 100000 + g.n, c.id, g.n, g.n, g.n, g.n, CASE WHEN g.n % 3 = 0 THEN {me} ELSE u.id \
             END, NULL, 0, {text}, 2, c.last_message_at - (c.last_seq - g.n) * 60000 FROM \
             conversation c JOIN g ON g.n <= c.last_seq JOIN \"user\" u ON c.direct_key = '{me}:' \
             || u.id"
        ),
        "UPDATE conversation SET last_message_id = (SELECT m.id FROM message m WHERE \
         m.conversation_id = conversation.id AND m.seq = conversation.last_seq)"
            .to_owned(),
    ];
    run(app, &statements).await;
    let listed = person.get("/api/conversations/").await.expect(200);
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), friends.min(50));
    listed[0]["id"].as_i64().unwrap()
}
