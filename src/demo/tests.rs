use std::collections::{BTreeMap, BTreeSet};

use entity::conversation::ConversationKind;
use entity::message::MessageKind;
use entity::participant::MemberRole;
use entity::{ConversationId, MessageId, conversation, message, participant, receipt};
use serde_json::Value;

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

fn make_users(script: &DemoScript) -> Vec<User> {
    let people = script.people.iter().enumerate();
    people
        .map(|(at, person)| User {
            // Ids differ from indices, so that mistaking one for the other
            // fails.
            id: UserId(clock::to_i64(at) * 3 + 100),
            username: person.username.as_str().to_owned(),
            display_name: person.display_name.clone().into_inner(),
        })
        .collect()
}

/// A conversation with its messages, participants and receipts.
struct DemoRoom<'a> {
    row: &'a conversation::Model,
    messages: Vec<&'a message::Model>,
    people: Vec<&'a participant::Model>,
    receipts: Vec<&'a receipt::Model>,
}

fn play_world(now: i64) -> (DemoScript, Vec<User>, ImportData) {
    let script = DemoScript::load().unwrap();
    let users = make_users(&script);
    let rows = script.play(&users, Millis(now)).unwrap();
    (script, users, rows)
}

fn list_rooms(rows: &ImportData) -> Vec<DemoRoom<'_>> {
    let of = |row: &conversation::Model, id: ConversationId| row.id == id;
    rows.conversations
        .iter()
        .map(|row| DemoRoom {
            row,
            messages: (rows.messages.iter())
                .filter(|one| of(row, one.conversation_id))
                .collect(),
            people: (rows.participants.iter())
                .filter(|one| of(row, one.conversation_id))
                .collect(),
            receipts: (rows.receipts.iter())
                .filter(|one| of(row, one.conversation_id))
                .collect(),
        })
        .collect()
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
    let longest = rows.messages.iter().map(|one| one.text.chars().count());
    assert!(longest.max() > Some(3000));
    for person in &script.people {
        assert!(person.about.chars().count() <= 300);
    }
}

#[test]
fn histories_are_dense_and_in_order() {
    for now in TEST_MOMENTS {
        let (_, _, rows) = play_world(now);
        let ids = rows.messages.iter().map(|one| one.id);
        assert!(ids.eq((1..=clock::to_i64(rows.messages.len())).map(MessageId)));
        for DemoRoom { row, messages, .. } in list_rooms(&rows) {
            let mut ord = 0;
            for (at, one) in messages.iter().enumerate() {
                assert_eq!(one.seq, clock::to_i64(at) + 1);
                ord += i64::from(one.kind == MessageKind::Text);
                assert_eq!(one.ord, ord);
                assert_eq!(one.event.is_some(), one.kind == MessageKind::System);
            }
            assert!(messages.is_sorted_by(|a, b| a.created_at < b.created_at));
            let last = messages.last().unwrap();
            assert_eq!((row.last_seq, row.last_ord), (last.seq, last.ord));
            assert_eq!(row.last_message_id, Some(last.id));
            assert_eq!(row.last_message_at, Some(last.created_at));
        }
    }
}

/// A version is one change of a message, of a member's markers, or of settings.
#[test]
fn changes_never_share_a_version() {
    let (_, _, rows) = play_world(TEST_MOMENTS[0]);
    for room in list_rooms(&rows) {
        let messages: Vec<i64> = room.messages.iter().map(|one| one.version).collect();
        let distinct: BTreeSet<i64> = messages.iter().copied().collect();
        assert_eq!(distinct.len(), messages.len());
        // Some changes share a message's version: the sender's markers, all
        // markers when a group is created, and a member who joins or becomes an
        // admin.
        let marks = room.people.iter().map(|one| one.version);
        for version in marks.clone().filter(|version| !distinct.contains(version)) {
            assert_eq!(marks.clone().filter(|other| *other == version).count(), 1);
        }
        let newest = messages.iter().copied().chain(marks).max();
        assert_eq!(newest, Some(room.row.version));
    }
}

#[test]
fn times_follow_accounts_and_precede_now() {
    for now in TEST_MOMENTS {
        let (script, _, rows) = play_world(now);
        let newcomers = script.newcomers("", Millis(now));
        let came = newcomers.iter().map(|one| one.created_at).max().unwrap();
        let met = rows.connections.iter().map(|row| row.created_at);
        let agreed = script.connected.len();
        let said = rows.messages.iter().map(|one| one.created_at).min();
        assert!(met.clone().all(|at| came < at && at < Millis(now)));
        assert!(met.take(agreed).max() < said);
        let changed = rows.messages.iter();
        let changed = changed.flat_map(|one| [one.edited_at, one.deleted_at]);
        let latest = [
            rows.messages.iter().map(|one| one.created_at).max(),
            changed.flatten().max(),
            rows.receipts.iter().map(|one| one.at).max(),
            rows.reactions.iter().map(|one| one.created_at).max(),
            rows.statuses.iter().filter_map(|one| one.last_seen).max(),
        ];
        assert!(
            latest
                .iter()
                .all(|at| at.is_some_and(|at| at < Millis(now)))
        );
        // The newest message is at most a few minutes old.
        assert!(latest[0].unwrap() > Millis(now - 6 * 60 * 1000));
    }
}

#[test]
fn unread_counts_match_read_markers() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    let mut mine = Vec::new();
    for (room, told) in list_rooms(&rows).iter().zip(&script.conversations) {
        for one in &room.people {
            let by_hand = room.messages.iter().filter(|message| {
                message.seq > one.read_seq
                    && message.kind == MessageKind::Text
                    && message.deleted_at.is_none()
                    && message.sender_id != one.user_id
            });
            let by_hand = by_hand.count();
            let said = room.row.last_ord - one.read_ord - one.unread_deleted;
            assert_eq!(clock::to_i64(by_hand), said);
            let who = users.iter().position(|user| user.id == one.user_id);
            let said = told.unread.get(&PersonIndex(who.unwrap())).copied();
            assert_eq!(by_hand, said.unwrap_or(0));
            if Some(script.viewer.0) == who {
                mine.push(by_hand);
            }
        }
    }
    assert!(mine.iter().filter(|count| **count > 0).count() >= 3);
    assert!(mine.iter().filter(|count| **count == 0).count() >= 3);
}

#[test]
fn watermarks_are_lowest_markers_with_receipts() {
    let (_, _, rows) = play_world(TEST_MOMENTS[0]);
    for DemoRoom {
        row,
        people,
        receipts,
        messages,
    } in list_rooms(&rows)
    {
        let present = || people.iter().filter(|one| one.left_seq.is_none());
        assert!(people.iter().all(|one| one.read_seq <= one.delivered_seq));
        assert_eq!(present().map(|p| p.read_seq).min(), Some(row.read_low));
        assert_eq!(
            present().map(|p| p.delivered_seq).min(),
            Some(row.delivered_low)
        );
        assert_eq!(present().count(), row.participant_count as usize);
        let overall = |kind| {
            let rows = receipts.iter().filter(move |row| row.user_id.is_none());
            rows.filter(move |row| row.kind == kind)
        };
        let read = overall(receipt::ReceiptKind::Read);
        assert!(read.clone().is_sorted_by(|a, b| a.up_to_seq < b.up_to_seq));
        assert_eq!(read.map(|row| row.up_to_seq).max(), Some(row.read_low));
        // Reading implies delivery.
        let both =
            overall(receipt::ReceiptKind::Delivered).chain(overall(receipt::ReceiptKind::Read));
        assert_eq!(both.map(|row| row.up_to_seq).max(), Some(row.delivered_low));
        for one in receipts {
            let place = usize::try_from(one.up_to_seq).unwrap() - 1;
            assert!(messages[place].created_at <= one.at);
        }
    }
}

#[test]
fn statuses_cover_sent_delivered_and_read() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    let me = users[script.viewer.0].id;
    let mut seen = BTreeMap::new();
    for DemoRoom { row, messages, .. } in list_rooms(&rows) {
        let last = messages.last().unwrap();
        if row.kind == ConversationKind::Direct && last.sender_id == me {
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

#[test]
fn replies_refer_to_earlier_messages() {
    let (_, _, rows) = play_world(TEST_MOMENTS[0]);
    let mut replies = 0;
    for one in &rows.messages {
        let Some(id) = one.reply_to else { continue };
        let first = rows.messages.iter().find(|other| other.id == id).unwrap();
        assert_eq!(first.conversation_id, one.conversation_id);
        assert!(first.seq < one.seq && first.deleted_at.is_none());
        replies += 1;
    }
    assert!(replies >= 20);
}

#[test]
fn senders_and_reactors_are_members() {
    let (_, _, rows) = play_world(TEST_MOMENTS[0]);
    for room in list_rooms(&rows) {
        for one in &room.messages {
            let sender = room.people.iter().find(|p| p.user_id == one.sender_id);
            assert!(sender.unwrap().joined_seq < one.seq);
            let reactions = rows.reactions.iter().filter(|r| r.message_id == one.id);
            for reaction in reactions {
                let them = room.people.iter().find(|p| p.user_id == reaction.user_id);
                let them = them.unwrap();
                assert!(them.joined_seq < one.seq && one.seq <= them.read_seq);
                assert!(reaction.created_at > one.created_at);
                assert_eq!(one.kind, MessageKind::Text);
            }
        }
    }
}

/// The opener is connected with the first members, and each inviter with the
/// invited user.
#[test]
fn members_are_connected_with_their_inviter() {
    let (script, users, rows) = play_world(TEST_MOMENTS[0]);
    let agreed: BTreeSet<(UserId, UserId)> = rows.connections[..script.connected.len()]
        .iter()
        .map(|row| (row.low_id, row.high_id))
        .collect();
    assert_eq!(agreed.len(), script.connected.len(), "each pair once");
    let knows =
        |one: UserId, two: UserId| one == two || agreed.contains(&(one.min(two), one.max(two)));
    for (room, told) in list_rooms(&rows).iter().zip(&script.conversations) {
        for who in &told.people {
            assert!(knows(room.row.opened_by, users[who.0].id));
        }
        for one in &room.messages {
            let Some(event) = &one.event else { continue };
            let event: Value = serde_json::from_str(event).unwrap();
            if event["type"] == "invited" {
                let them = UserId(event["user"]["id"].as_i64().unwrap());
                assert!(knows(one.sender_id, them));
            }
        }
        let owners = room
            .people
            .iter()
            .filter(|one| one.role == MemberRole::Owner);
        assert_eq!(
            owners.count(),
            usize::from(room.row.kind == ConversationKind::Group)
        );
    }
    let waiting = rows.connections[script.connected.len()..].iter();
    assert!(
        waiting
            .clone()
            .all(|row| row.state == ConnectionRowState::Requested)
    );
    assert!(waiting.len() >= 1);
}

#[test]
fn texts_pass_the_message_parser() {
    let (_, _, rows) = play_world(TEST_MOMENTS[0]);
    for one in rows.messages.iter().filter(|one| one.deleted_at.is_none()) {
        assert_eq!(MessageText::parse(&one.text).unwrap().as_str(), one.text);
    }
    let several = rows.messages.iter().filter(|one| one.text.contains('\n'));
    assert!(several.count() >= 5);
    assert!(rows.messages.iter().any(|one| one.deleted_at.is_some()));
    assert!(rows.messages.iter().any(|one| one.edited_at.is_some()));
}

#[test]
fn invalid_scripts_are_refused() {
    let script = |people: &str, lines: &str| {
        format!(
            "you = 'ann'\nrequest = []\n[connected]\nann = 'ben'\n\
             [[person]]\nusername = 'ann'\nname = 'Ann'\nabout = ''\nseen = '4m'\n\
             [[person]]\nusername = 'ben'\nname = 'Ben'\nabout = ''\nseen = '2d'\n\
             [[conversation]]\npeople = '{people}'\n\
             [[conversation.scene]]\nday = 2\nat = '10:00'\nlines = '''\n{lines}\n'''\n"
        )
    };
    DemoScript::parse(&script("ann ben", "ann: Hello\n| Ben\n+ 👋 ben")).unwrap();
    for (people, lines) in [
        ("ann cleo", "ann: Hello"),
        ("ann ben", "cleo: Hello"),
        ("ann ben", "ann: Hello\n+ 👋 cleo"),
        ("ann ben", "ann ^hello: Hello"),
        ("ann ben", "ann #a: Hello\nben #a: Hello"),
        ("ann ben", "ann hello"),
        ("ann ben", "| hello"),
        ("ann ben", "... soon"),
        ("ann ben", "* ann renamed"),
        ("ann ben", "* ann added cleo"),
        ("ann ben", "ann:  "),
    ] {
        assert!(
            DemoScript::parse(&script(people, lines)).is_err(),
            "{lines}"
        );
    }
}
