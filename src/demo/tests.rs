use std::collections::{BTreeMap, BTreeSet};

use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::{UserId, conversation, message};

use super::*;
use crate::protocol::{MessageText, Password};

/// An afternoon, and moments around a midnight. Scenes are planned by time of
/// day, and none may be in the future.
const TEST_MOMENTS: [i64; 4] = [
    1_795_305_600_000 + 58_000_000,
    1_795_305_600_000,
    1_795_305_600_000 + 61_000,
    1_795_305_600_000 - 1,
];

fn play_world(now: i64) -> (DemoScript, Vec<User>, ImportData) {
    let script = DemoScript::load().unwrap();
    let newcomers = script.newcomers("", Millis(now)).unwrap();
    let users = (100..).zip(newcomers).map(|(id, newcomer)| User {
        id: UserId(id),
        username: newcomer.user.username.as_str().to_owned(),
        display_name: newcomer.user.display_name.into_inner(),
    });
    let users: Vec<User> = users.collect();
    let rows = script.play(&users, Millis(now)).unwrap();
    (script, users, rows)
}

fn messages_of<'a>(
    rows: &'a ImportData,
    row: &'a conversation::Model,
) -> impl Iterator<Item = &'a message::Model> + Clone {
    let messages = rows.messages.iter();
    messages.filter(|one| one.conversation_id == row.id)
}

#[test]
fn demo_password_is_valid() {
    assert!(PASSWORD.len() >= 12);
    Password::parse(PASSWORD).unwrap();
}

#[test]
fn script_played_twice_gives_same_rows() {
    let (_, _, one) = play_world(TEST_MOMENTS[0]);
    let (_, _, two) = play_world(TEST_MOMENTS[0]);
    assert_eq!(one.messages, two.messages);
    assert_eq!(one.receipts, two.receipts);
}

#[test]
fn demo_has_its_documented_size() {
    let (script, _, rows) = play_world(TEST_MOMENTS[0]);
    assert!((12..=15).contains(&script.people.len()));
    assert!((350..=500).contains(&rows.messages.len()));
    let groups = rows.conversations.iter().filter(|row| row.title.is_some());
    assert_eq!(groups.count(), 4);
    let lengths = rows.messages.iter().map(|one| one.text.chars().count());
    assert!(lengths.max() > Some(3000));
    let replies = rows.messages.iter().filter(|one| one.reply_to.is_some());
    assert!(replies.count() >= 20);
    assert!(rows.messages.iter().any(|one| one.deleted_at.is_some()));
    assert!(rows.messages.iter().any(|one| one.edited_at.is_some()));
    for one in rows.messages.iter().filter(|one| one.deleted_at.is_none()) {
        assert_eq!(MessageText::parse(&one.text).unwrap().as_str(), one.text);
    }
}

/// `tidings doctor` checks the numbers; this test checks the times.
#[test]
fn times_follow_accounts_and_precede_now() {
    for now in TEST_MOMENTS {
        let (script, _, rows) = play_world(now);
        let newcomers = script.newcomers("", Millis(now)).unwrap();
        let opened = newcomers.iter().map(|one| one.created_at).max().unwrap();
        assert!(rows.connections.iter().all(|row| opened < row.created_at));
        let connected = rows.connections.iter();
        let connected = connected.filter(|row| row.state == ConnectionRowState::Connected);
        let first = rows.messages.iter().map(|one| one.created_at).min();
        assert!(connected.map(|row| row.created_at).max() < first);
        let changed = rows.messages.iter();
        let changed = changed.flat_map(|one| [one.edited_at, one.deleted_at]);
        let posted = rows.messages.iter().map(|one| one.created_at).max();
        let latest = [
            posted,
            changed.flatten().max(),
            rows.receipts.iter().map(|one| one.at).max(),
            rows.reactions.iter().map(|one| one.created_at).max(),
            rows.statuses.iter().filter_map(|one| one.last_seen).max(),
        ];
        assert!(latest.iter().all(|at| at.unwrap() < Millis(now)));
        // The newest message is at most a few minutes old.
        assert!(posted > Some(Millis(now - 6 * 60 * 1000)));
        for row in &rows.conversations {
            let messages = messages_of(&rows, row);
            assert!(messages.is_sorted_by(|a, b| a.created_at < b.created_at));
        }
    }
}

#[test]
fn unread_counts_are_those_of_script() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    for (row, told) in rows.conversations.iter().zip(&script.conversations) {
        let members = rows.participants.iter();
        for member in members.filter(|member| member.conversation_id == row.id) {
            let unread = messages_of(&rows, row).filter(|message| {
                message.seq > member.read_seq
                    && message.kind == MessageKind::Text
                    && message.deleted_at.is_none()
            });
            let user = users.iter().find(|user| user.id == member.user_id);
            let expected = told.unread.get(&user.unwrap().username).copied();
            assert_eq!(unread.count(), expected.unwrap_or_default(), "{:?}", user);
        }
    }
}

#[test]
fn statuses_cover_sent_delivered_and_read() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    let me = users.iter().find(|user| user.username == script.you);
    let mut seen = BTreeMap::new();
    for row in &rows.conversations {
        let last = messages_of(&rows, row).last().unwrap();
        if row.kind == ConversationKind::Direct && last.sender_id == me.unwrap().id {
            let status = match last.seq {
                seq if seq <= row.read_low => "read",
                seq if seq <= row.delivered_low => "delivered",
                _ => "sent",
            };
            *seen.entry(status).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.get("sent"), Some(&1));
    assert_eq!(seen.get("delivered"), Some(&1));
    assert!(seen.get("read") >= Some(&2));
}

/// The opener is connected with the first members.
#[test]
fn members_are_connected_with_their_inviter() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    let pairs = rows.connections.iter().map(|row| (row.low_id, row.high_id));
    let pairs: BTreeSet<(UserId, UserId)> = pairs.collect();
    assert_eq!(pairs.len(), rows.connections.len(), "each pair once");
    let find = |name: &String| users.iter().find(|user| user.username == *name).unwrap().id;
    for told in &script.conversations {
        let (opener, others) = told.people.split_first().unwrap();
        for other in others {
            let (one, two) = (find(opener), find(other));
            assert!(pairs.contains(&(one.min(two), one.max(two))), "{other}");
        }
    }
}

#[test]
fn invalid_scripts_are_refused() {
    let play = |people: &str, line: &str| {
        let script = DemoScript::parse(&format!(
            "you = 'ann'\nrequest = []\n[connected]\nann = ['ben']\n\
             [[person]]\nusername = 'ann'\nname = 'Ann'\nabout = ''\nseen = 4\n\
             [[person]]\nusername = 'ben'\nname = 'Ben'\nabout = ''\nseen = 2880\n\
             [[conversation]]\npeople = [{people}]\n[[conversation.scene]]\n\
             when = {{ day = 2, at = [10, 0] }}\nlines = [{{ {line} }}]\n"
        ))?;
        let user = |id, name: &str| User {
            id: UserId(id),
            username: name.to_owned(),
            display_name: name.to_owned(),
        };
        let users = [user(1, "ann"), user(2, "ben")];
        script.play(&users, Millis(TEST_MOMENTS[0]))
    };
    let people = "'ann', 'ben'";
    play(people, "by = 'ann', text = 'Hello', reactions = ['👋 ben']").unwrap();
    for (people, line) in [
        ("'ann', 'cleo'", "by = 'ann', text = 'Hello'"),
        ("'ann'", "by = 'ann', text = 'Hello'"),
        (people, "by = 'cleo', text = 'Hello'"),
        (
            people,
            "by = 'ann', text = 'Hello', reactions = ['👋 cleo']",
        ),
        (people, "by = 'ann', text = 'Hello', reply_to = 'hello'"),
        (people, "by = 'ann', text = ' '"),
        (people, "by = 'ann'"),
        (people, "by = 'ann', renamed = ''"),
        (people, "by = 'ann', added = 'cleo'"),
    ] {
        assert!(play(people, line).is_err(), "{people}: {line}");
    }
}
