//! The statements that write a world.

use entity::Millis;

use super::{PlannedRoom, SAID, SAID_IN_PAIRS};

/// A time far in the future.
const NEVER: i64 = 1 << 50;

/// The table and columns of a conversation, in order of the values.
const CONVERSATION: &str = "conversation (id, kind, title, direct_key, open, opened_by, last_seq, \
     last_ord, version, members_version, participant_count, delivered_low, read_low, \
     last_message_id, last_message_at, created_at)";
/// The table and columns of a message, in order of the values.
const MESSAGE: &str = "message (id, conversation_id, seq, ord, version, posted_version, sender_id, \
     kind, text, furthest, created_at)";

/// Returns the start of a statement that has `1 … count` as `n.i`.
fn numbers(count: usize) -> String {
    format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) SELECT"
    )
}

pub(super) fn user_rows(count: usize) -> [String; 2] {
    let (n, now) = (numbers(count), Millis::now().0);
    [
        format!(
            "INSERT INTO \"user\" (id, username, username_key, display_name, about, password_hash, \
             is_admin, created_at) {n} i, 'person' || i, 'person' || i, 'Person ' || i, '', 'none', \
             0, {now} FROM n"
        ),
        format!(
            "INSERT INTO login (id, user_id, device, address, created_at, last_used_at, expires_at) \
             {n} i, i, 'bench', '', {now}, {now}, {NEVER} FROM n"
        ),
    ]
}

/// Returns statements for connected pairs with a few messages, which are all
/// read.
pub(super) fn pair_rows(count: usize, messages: &mut usize) -> Vec<String> {
    let (n, now) = (numbers(count), Millis::now().0);
    if count == 0 {
        return Vec::new();
    }
    let before = *messages;
    *messages += count * SAID_IN_PAIRS;
    vec![
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) \
             {n} 2 * i - 1, 2 * i, 2 * i, 1, {now} FROM n"
        ),
        format!(
            "INSERT INTO {CONVERSATION} {n} i, 0, NULL, (2 * i - 1) || ':' || (2 * i), 1, 2 * i, \
             {SAID_IN_PAIRS}, {SAID_IN_PAIRS}, {SAID_IN_PAIRS}, 1, 2, {SAID_IN_PAIRS}, {SAID_IN_PAIRS}, {before} + i * {SAID_IN_PAIRS}, {now}, {now} \
             FROM n"
        ),
        participant_row(&n, "i", "2 * i - 1", SAID_IN_PAIRS),
        participant_row(&n, "i", "2 * i", SAID_IN_PAIRS),
        format!(
            "INSERT INTO {MESSAGE} {} {before} + i, (i - 1) / {SAID_IN_PAIRS} + 1, {seq}, {seq}, {seq}, \
             {seq}, 2 * ((i - 1) / {SAID_IN_PAIRS} + 1) - (i % 2), 0, {WORDS}, 2, {now} FROM n",
            numbers(count * SAID_IN_PAIRS),
            seq = format_args!("((i - 1) % {SAID_IN_PAIRS} + 1)"),
        ),
    ]
}

/// A text of typical length.
const WORDS: &str =
    "'Number ' || i || ': shall we meet at the old harbour at seven? Bring the map, the blue one.'";

fn participant_row(n: &str, conversation: &str, person: &str, said: usize) -> String {
    let now = Millis::now().0;
    format!(
        "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
         left_seq, left_version, delivered_seq, read_seq, read_ord, version, muted_until, archived, \
         pinned) {n} {conversation}, {person}, 0, 0, {now}, NULL, NULL, {said}, \
         {said}, {said}, 1, NULL, 0, 0 FROM n"
    )
}

/// Returns statements for a long conversation of user 1 and another user.
pub(super) fn history_rows(
    (id, other): (usize, usize),
    said: usize,
    messages: &mut usize,
) -> Vec<String> {
    let now = Millis::now().0;
    let one = numbers(1);
    let before = *messages;
    *messages += said;
    vec![
        format!(
            "INSERT INTO {CONVERSATION} VALUES ({id}, 0, NULL, '1:{other}', 1, 1, {said}, {said}, \
             {said}, 1, 2, {said}, {said}, {messages}, {now}, {now})"
        ),
        participant_row(&one, &id.to_string(), "1", said),
        participant_row(&one, &id.to_string(), &other.to_string(), said),
        format!(
            "INSERT INTO {MESSAGE} {} {before} + i, {id}, i, i, i, i, CASE i % 2 WHEN 1 THEN 1 ELSE \
             {other} END, 0, {WORDS}, 2, {now} FROM n",
            numbers(said),
        ),
    ]
}

/// Returns statements for a group with a few messages of its first member.
pub(super) fn room_rows(id: usize, room: &PlannedRoom, messages: &mut usize) -> Vec<String> {
    let (now, people) = (Millis::now().0, room.people);
    let before = *messages;
    *messages += SAID;
    let PlannedRoom { first, .. } = room;
    vec![
        format!(
            "INSERT INTO {CONVERSATION} VALUES ({id}, 1, 'Room {id}', NULL, 1, {first}, {SAID}, \
             {SAID}, {SAID}, 1, {people}, {SAID}, {SAID}, {messages}, {now}, {now})"
        ),
        participant_row(
            &numbers(people),
            &id.to_string(),
            &format!("{first} + i - 1"),
            SAID,
        ),
        format!(
            "UPDATE participant SET role = 2 WHERE conversation_id = {id} AND user_id = {first}"
        ),
        format!(
            "INSERT INTO {MESSAGE} {} {before} + i, {id}, i, i, i, i, {first}, 0, {WORDS}, \
             2, {now} FROM n",
            numbers(SAID),
        ),
    ]
}

pub(super) fn next_message(messages: usize) -> String {
    format!("INSERT INTO id_block (name, next) VALUES ('message', {messages} + 1)")
}
