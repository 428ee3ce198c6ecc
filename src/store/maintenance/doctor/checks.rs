//! The checks: SQL statements whose lines describe inconsistencies.

use crate::store::unread::UNREAD;

/// The name of each check and its statement, which returns one row per
/// inconsistency with one column, `line`.
pub(super) const CHECKS: [(&str, &str); 20] = [
    (
        "seq",
        "SELECT 'conversation ' || c.id || ' has last_seq ' || c.last_seq || ', but ' \
         || COALESCE(m.many, 0) || ' messages up to seq ' || COALESCE(m.high, 0) AS line \
         FROM conversation c LEFT JOIN (SELECT conversation_id, COUNT(*) AS many, \
         MIN(seq) AS low, MAX(seq) AS high FROM message GROUP BY conversation_id) m \
         ON m.conversation_id = c.id WHERE c.last_seq <> COALESCE(m.many, 0) \
         OR c.last_seq <> COALESCE(m.high, 0) OR COALESCE(m.low, 1) <> 1",
    ),
    (
        "ord",
        "SELECT 'message ' || id || ' of conversation ' || conversation_id || ' has ord ' \
         || ord || ', but is text message ' || counted AS line FROM (SELECT id, conversation_id, ord, \
         SUM(CASE WHEN kind = 0 THEN 1 ELSE 0 END) \
         OVER (PARTITION BY conversation_id ORDER BY seq) AS counted FROM message) o \
         WHERE ord <> counted",
    ),
    (
        "last_ord",
        "SELECT 'conversation ' || c.id || ' has last_ord ' || c.last_ord || ', but ' \
         || COALESCE(m.texts, 0) || ' text messages' AS line FROM conversation c \
         LEFT JOIN (SELECT conversation_id, COUNT(*) AS texts FROM message WHERE kind = 0 \
         GROUP BY conversation_id) m ON m.conversation_id = c.id \
         WHERE c.last_ord <> COALESCE(m.texts, 0)",
    ),
    (
        "last message",
        "SELECT 'conversation ' || c.id || ' has last message ' \
         || COALESCE(CAST(c.last_message_id AS TEXT), 'none') || ', but the last one is ' \
         || COALESCE(CAST(m.id AS TEXT), 'none') AS line \
         FROM conversation c LEFT JOIN message m ON m.conversation_id = c.id \
         AND m.seq = c.last_seq WHERE COALESCE(c.last_message_id, 0) <> COALESCE(m.id, 0)",
    ),
    (
        "version",
        "SELECT 'conversation ' || c.id || ' has version ' || c.version \
         || ', but contains version ' || v.high AS line FROM conversation c \
         JOIN (SELECT conversation_id, MAX(high) AS high FROM ( \
         SELECT conversation_id, MAX(version) AS high FROM message GROUP BY conversation_id \
         UNION ALL SELECT conversation_id, MAX(version) FROM participant \
         GROUP BY conversation_id) each_of GROUP BY conversation_id) v \
         ON v.conversation_id = c.id WHERE v.high > c.version",
    ),
    (
        "posted version",
        "SELECT 'message ' || id || ' has version ' || version || ' and posted version ' \
         || posted_version || ', after posted version ' || before AS line FROM (SELECT id, version, \
         posted_version, COALESCE(LAG(posted_version) \
         OVER (PARTITION BY conversation_id ORDER BY seq), 0) AS before FROM message) o \
         WHERE posted_version > version OR posted_version <= before",
    ),
    (
        "text version",
        "SELECT 'message ' || id || ' has version ' || version || ', posted version ' \
         || posted_version || ' and text version ' || text_version AS line FROM message \
         WHERE text_version > version OR (text_version <> 0 AND text_version <= posted_version)",
    ),
    (
        "left",
        "SELECT 'user ' || p.user_id || ', who left conversation ' || p.conversation_id \
         || ', has version ' || p.version || ', but still sees version ' \
         || MAX(m.version) AS line FROM participant p JOIN message m \
         ON m.conversation_id = p.conversation_id AND m.seq > p.joined_seq \
         AND m.seq <= p.left_seq WHERE m.version > p.version \
         AND (m.deleted_at IS NOT NULL OR p.version <= p.left_version) \
         GROUP BY p.user_id, p.conversation_id, p.version",
    ),
    (
        "participants",
        "SELECT 'conversation ' || c.id || ' has participant_count ' || c.participant_count \
         || ', but ' || COALESCE(p.many, 0) || ' members' AS line FROM conversation c \
         LEFT JOIN (SELECT conversation_id, COUNT(*) AS many FROM participant \
         WHERE left_seq IS NULL GROUP BY conversation_id) p ON p.conversation_id = c.id \
         WHERE c.participant_count <> COALESCE(p.many, 0)",
    ),
    (
        "owner",
        "SELECT 'group ' || c.id || ' has ' || p.owners || ' owners' AS line \
         FROM conversation c JOIN (SELECT conversation_id, \
         SUM(CASE WHEN role = 2 THEN 1 ELSE 0 END) AS owners FROM participant \
         WHERE left_seq IS NULL GROUP BY conversation_id) p ON p.conversation_id = c.id \
         WHERE c.kind = 1 AND p.owners <> 1",
    ),
    (
        "pair",
        "SELECT 'direct conversation ' || c.id || ' is for users ' || COALESCE(c.direct_key, 'none') \
         || ', but has users ' || COALESCE(p.pair, 'none') AS line FROM conversation c \
         LEFT JOIN (SELECT conversation_id, MIN(user_id) || ':' || MAX(user_id) AS pair \
         FROM participant GROUP BY conversation_id) p ON p.conversation_id = c.id \
         WHERE c.kind = 0 AND COALESCE(c.direct_key, '') <> COALESCE(p.pair, '-')",
    ),
    (
        "open",
        "SELECT 'direct conversation ' || d.id || CASE WHEN d.open THEN \
         ' is open, but its users are not connected' ELSE \
         ' is closed, but its users are connected' END AS line FROM (SELECT c.id, c.open, \
         COALESCE(MAX(CASE WHEN k.state = 1 THEN 1 ELSE 0 END), 0) AS connected \
         FROM conversation c JOIN (SELECT conversation_id, MIN(user_id) AS low, \
         MAX(user_id) AS high FROM participant GROUP BY conversation_id) p \
         ON p.conversation_id = c.id LEFT JOIN connection k \
         ON k.low_id = p.low AND k.high_id = p.high WHERE c.kind = 0 GROUP BY c.id, c.open) d \
         WHERE CASE WHEN d.open THEN 1 ELSE 0 END <> d.connected",
    ),
    (
        "marks",
        "SELECT 'user ' || p.user_id || ' in conversation ' || p.conversation_id \
         || ' has joined_seq ' || p.joined_seq || ', read_seq ' || p.read_seq \
         || ' and delivered_seq ' || p.delivered_seq || ' of ' \
         || COALESCE(p.left_seq, c.last_seq) AS line FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id WHERE p.read_seq < p.joined_seq \
         OR p.read_seq > p.delivered_seq \
         OR p.delivered_seq > COALESCE(p.left_seq, c.last_seq)",
    ),
    (
        "read_ord",
        "SELECT 'user ' || p.user_id || ' in conversation ' || p.conversation_id \
         || ' has read_ord ' || p.read_ord || ', but that message has ord ' \
         || COALESCE(m.ord, 0) AS line FROM participant p LEFT JOIN message m \
         ON m.conversation_id = p.conversation_id AND m.seq = p.read_seq \
         WHERE p.read_ord <> COALESCE(m.ord, 0)",
    ),
    (
        "low watermarks",
        "SELECT 'conversation ' || c.id || ' has delivered_low ' || c.delivered_low \
         || ' and read_low ' || c.read_low || ', but the lowest markers are ' || p.delivered \
         || ' and ' || p.seen AS line FROM conversation c JOIN (SELECT conversation_id, \
         MIN(delivered_seq) AS delivered, MIN(read_seq) AS seen FROM participant \
         WHERE left_seq IS NULL GROUP BY conversation_id) p ON p.conversation_id = c.id \
         WHERE c.delivered_low > p.delivered OR c.read_low > p.seen \
         OR (c.participant_count > 1 \
         AND (c.delivered_low < p.delivered OR c.read_low < p.seen))",
    ),
    (
        "receipts",
        "SELECT r.many || ' receipts of conversation ' || c.id || ' reach ' || r.high \
         || ', but its last_seq is ' || c.last_seq AS line FROM conversation c \
         JOIN (SELECT conversation_id, COUNT(*) AS many, MAX(up_to_seq) AS high FROM receipt \
         GROUP BY conversation_id) r ON r.conversation_id = c.id WHERE r.high > c.last_seq",
    ),
    (
        "deleted text",
        "SELECT 'message ' || id || ' is deleted, but still has its text' AS line \
         FROM message WHERE deleted_at IS NOT NULL AND text <> ''",
    ),
    (
        "ids",
        "SELECT 'the next message id is ' || COALESCE(b.next, 1) || ', but message ' \
         || m.high || ' exists' AS line FROM (SELECT MAX(id) AS high FROM message) m \
         LEFT JOIN id_block b ON b.name = 'message' WHERE m.high >= COALESCE(b.next, 1)",
    ),
    (
        "groups",
        "SELECT 'user ' || u.id || ' has a count of ' || COALESCE(g.groups, 0) \
         || ' groups, but is in ' || COALESCE(p.many, 0) AS line FROM \"user\" u \
         LEFT JOIN group_count g ON g.user_id = u.id LEFT JOIN (SELECT o.user_id, \
         COUNT(*) AS many FROM participant o JOIN conversation c ON c.id = o.conversation_id \
         WHERE c.kind = 1 AND o.left_seq IS NULL GROUP BY o.user_id) p ON p.user_id = u.id \
         WHERE COALESCE(g.groups, 0) <> COALESCE(p.many, 0)",
    ),
    (
        "words",
        "SELECT 'conversation ' || c.id || ' can''t be found by its title' AS line \
         FROM conversation c LEFT JOIN (SELECT DISTINCT conversation_id FROM conversation_word) w \
         ON w.conversation_id = c.id WHERE c.title IS NOT NULL AND w.conversation_id IS NULL",
    ),
];

/// Compares each member's unread count by the counters with the texts after the
/// read marker.
pub(super) fn unread_sql() -> String {
    after_marker_sql(
        UNREAD,
        "kind = 0 AND deleted_at IS NULL",
        "unread by the counters",
    )
}

/// Compares each member's `unread_deleted` with the deleted messages after the
/// read marker.
pub(super) fn unread_deleted_sql() -> String {
    let stored = "p.unread_deleted";
    after_marker_sql(
        stored,
        "deleted_at IS NOT NULL",
        "deleted after the read marker",
    )
}

/// Compares a stored number of each member with the messages after the read
/// marker that match a condition. These are counted by running totals, which
/// are read at the marker and at the end.
fn after_marker_sql(stored: &str, condition: &str, what: &str) -> String {
    format!(
        "WITH texts AS (SELECT conversation_id, seq, \
         SUM(CASE WHEN {condition} THEN 1 ELSE 0 END) \
         OVER (PARTITION BY conversation_id ORDER BY seq) AS many FROM message) \
         SELECT 'user ' || user_id || ' in conversation ' || conversation_id || ' has ' \
         || said || ' {what}, but a count gives ' || counted AS line \
         FROM (SELECT p.user_id, p.conversation_id, {stored} AS said, \
         COALESCE(upto.many, 0) - COALESCE(seen.many, 0) AS counted FROM participant p \
         JOIN conversation c ON c.id = p.conversation_id \
         LEFT JOIN texts seen ON seen.conversation_id = p.conversation_id \
         AND seen.seq = p.read_seq \
         LEFT JOIN texts upto ON upto.conversation_id = p.conversation_id \
         AND upto.seq = COALESCE(p.left_seq, c.last_seq)) each_of WHERE said <> counted"
    )
}
