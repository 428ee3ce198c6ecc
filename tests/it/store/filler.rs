//! A PostgreSQL database so full that its planner avoids scans of whole tables.

use sea_orm::{ConnectionTrait, DatabaseConnection};

/// Statements that insert thousands of users and conversations and tens of
/// thousands of messages.
const FILL: [&str; 18] = [
    r#"INSERT INTO "user" (username, username_key, display_name, about, password_hash, is_admin, created_at)
       SELECT 'filler' || g, 'filler' || g, 'Filler', '', 'none', FALSE, g FROM generate_series(1, 3000) g"#,
    "INSERT INTO login (user_id, device, address, created_at, last_used_at, expires_at, ended_at)
     SELECT g, '', '', g, g, 2100000000000 + g, CASE WHEN g % 3 = 0 THEN 1999900000000 + g END
     FROM generate_series(1, 3000) g",
    "INSERT INTO connection (low_id, high_id, requested_by, state, created_at)
     SELECT g, g + k, g, 1, g FROM generate_series(1, 2990) g, generate_series(1, 4) k",
    "INSERT INTO conversation (kind, direct_key, open, opened_by, last_seq, last_ord, version, members_version,
                               participant_count, delivered_low, read_low, created_at)
     SELECT 1, g || ':' || g + 1, TRUE, g, 20, 20, 20, 0, 5, 3, 3, g FROM generate_series(1, 3000) g",
    "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, delivered_seq, read_seq,
                              read_ord, version, archived, pinned)
     SELECT c, (c * 7 + k * 531) % 3000 + 1, 0, 0, 0, 3, 3, 3, c % 20, FALSE, FALSE
     FROM generate_series(1, 3000) c, generate_series(0, 4) k",
    "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, sender_id, client_id, kind, text, furthest, created_at)
     SELECT 1000000 + c * 20 + s, c, s, s, s, s, c, 'f' || c || '.' || s, 0, 'filler', 2, s
     FROM generate_series(1, 3000) c, generate_series(1, 20) s",
    "INSERT INTO reaction (message_id, emoji, user_id, created_at)
     SELECT 1000000 + c * 20 + s, '👍', c, s
     FROM generate_series(1, 3000) c, generate_series(1, 20) s",
    "INSERT INTO receipt (conversation_id, user_id, kind, up_to_seq, at)
     SELECT c, NULL, k % 2, k, k FROM generate_series(1, 3000) c, generate_series(1, 8) k",
    "INSERT INTO block (blocker_id, blocked_id, created_at)
     SELECT g, g + k, g FROM generate_series(1, 2990) g, generate_series(5, 8) k",
    "INSERT INTO user_word (word, user_id) SELECT 'filler' || g, g FROM generate_series(1, 3000) g",
    "INSERT INTO user_status (user_id, is_online, last_seen)
     SELECT g, g % 500 = 0, g FROM generate_series(1, 3000) g",
    "INSERT INTO conversation_word (word, conversation_id) SELECT 'filler' || g, g FROM generate_series(1, 3000) g",
    "INSERT INTO audit (at, actor_id, actor_name, action, target, target_name, address)
     SELECT g, g % 100 + 1, 'filler' || g % 100, 'filler.' || g % 100, 'user:' || g % 1000, 'filler' || g % 1000, ''
     FROM generate_series(1, 3000) g",
    "INSERT INTO password_reset (token_hash, user_id, created_at, expires_at)
     SELECT 'filler' || g, g, g, 3000000000000 FROM generate_series(1, 3000) g",
    "INSERT INTO request_pause (requester_id, recipient_id, until)
     SELECT g, g + k, 3000000000000 FROM generate_series(1, 2990) g, generate_series(5, 8) k",
    "INSERT INTO report (message_id, reporter_id, conversation_id, seq, sender_id, reason, text, created_at, done_at)
     SELECT 1000000 + g * 20 + 1, g % 2990 + 2, g, 1, g, '', '', 2000000000000, CASE WHEN g % 2 = 0 THEN g END
     FROM generate_series(1, 2990) g",
    "INSERT INTO group_invitation (conversation_id, user_id, inviter_id, created_at, declined_until)
     SELECT g, g % 500 + k, g, g, CASE WHEN g % 2 = 0 THEN 3000000000000 END
     FROM generate_series(1, 2990) g, generate_series(5, 8) k",
    "ANALYZE",
];

/// Makes every new session log the plan of each statement.
const EXPLAIN: [&str; 4] = [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_level = 'notice'",
    "client_min_messages = 'notice'",
];

pub(crate) async fn fill(database: &DatabaseConnection) {
    for statement in FILL {
        database.execute_unprepared(statement).await.unwrap();
    }
    // A session accepts the module's settings only after the module is loaded.
    database
        .execute_unprepared("LOAD 'auto_explain'")
        .await
        .unwrap();
    let row = "SELECT current_database()";
    let row = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, row);
    let row = database.query_one_raw(row).await.unwrap().unwrap();
    let name: String = row.try_get_by_index(0).unwrap();
    for setting in EXPLAIN {
        let statement = format!("ALTER DATABASE {name} SET {setting}");
        database.execute_unprepared(&statement).await.unwrap();
    }
}
