//! What it costs that people come, in frames: one for each who came, and each
//! session of whoever may know of them. A session gets all of a tick's in one
//! delivery, and the text of each stands in memory once.

use std::collections::HashSet;

use entity::{ConversationId, connection, conversation, participant};
use sea_orm::ConnectionTrait;
use tidings::engine::directory::{Directory, Door};
use tidings::engine::presence::Teller;

use super::counting::Here;
use super::crowd::{FIRST, arrive, numbers, users};
use crate::support::TestDatabase;

const ROOM: i64 = 7;

/// Statements by which all of a crowd are in one room.
fn a_room_of(count: i64) -> Vec<String> {
    let (kind, role) = (
        conversation::Kind::Group as i16,
        participant::Role::Member as i16,
    );
    vec![
        users(count),
        format!(
            "INSERT INTO conversation (id, kind, title, open, opened_by, last_seq, last_ord, \
             version, members_version, participant_count, delivered_low, read_low, created_at) \
             VALUES ({ROOM}, {kind}, 'Crowd', TRUE, {FIRST}, 0, 0, 1, 0, {count}, 0, 0, 0)"
        ),
        format!(
            "INSERT INTO participant (conversation_id, user_id, role, joined_seq, joined_at, \
             delivered_seq, read_seq, read_ord, version, archived, pinned) {} \
             SELECT {ROOM}, n, {role}, 0, 0, 0, 0, 0, 1, FALSE, FALSE FROM g",
            numbers(count)
        ),
    ]
}

/// Statements by which all of a crowd are connected with each other.
fn friends_all(count: i64) -> Vec<String> {
    let state = connection::State::Connected as i16;
    vec![
        users(count),
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) {} \
             SELECT low.n, high.n, low.n, {state}, 0 FROM g low JOIN g high ON low.n < high.n",
            numbers(count)
        ),
    ]
}

/// What came of a tick.
#[derive(Debug, PartialEq, Eq)]
struct Tick {
    statements: usize,
    rows: u64,
    /// Over all sessions.
    frames: usize,
    deliveries: usize,
    /// Different texts in memory.
    texts: usize,
}

/// So many of a crowd come at once, all of whom have a session at each of
/// these doors.
async fn tick(world: &[String], (count, came): (i64, i64), doors: &[Door]) -> Tick {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    for statement in world {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.close().await.unwrap();
    let teller = Teller {
        store: database.store().await,
        directory: Directory::default(),
    };
    let people = FIRST..FIRST + count;
    let enter = |user| doors.iter().map(move |door| (user, *door));
    let sessions: Vec<Here> = people
        .flat_map(enter)
        .map(|(user, door)| Here::enter(&teller.directory, user, door))
        .collect();
    let (statements, rows) = arrive(&teller, came).await;
    let (mut frames, mut deliveries, mut texts) = (0, 0, HashSet::new());
    for session in &sessions {
        let heard = session.texts().await;
        assert!(heard.len() <= 1, "one delivery a session and tick");
        deliveries += heard.len();
        frames += heard.iter().map(Vec::len).sum::<usize>();
        texts.extend(heard.into_iter().flatten());
    }
    teller.store.close().await;
    Tick {
        statements,
        rows,
        frames,
        deliveries,
        texts: texts.len(),
    }
}

async fn counts() {
    let unbound = [Door::Everything, Door::Notifications];
    let all = [
        Door::Everything,
        Door::Notifications,
        Door::Conversation(ConversationId(ROOM)),
    ];
    // All others of each come: with two sessions each, and with a third that
    // is bound to the room, which takes one more query: who is in which. Of
    // each come a name, a room, and a place in that: not a row for each pair.
    for count in [2, 100] {
        let pairs = count * (count - 1);
        let room = a_room_of(count);
        let [people, pairs_of] = [count, pairs].map(|it| usize::try_from(it).unwrap());
        let expected = |sessions: usize, statements, rows: i64| Tick {
            statements,
            rows: u64::try_from(rows).unwrap(),
            frames: sessions * pairs_of,
            deliveries: sessions * people,
            texts: people,
        };
        let came = tick(&room, (count, count), &unbound).await;
        assert_eq!(came, expected(2, 1, 3 * count), "a room of {count}");
        let came = tick(&room, (count, count), &all).await;
        assert_eq!(came, expected(3, 2, 4 * count), "with bound ones");
        // One comes to all the others.
        let came = tick(&room, (count, 1), &unbound).await;
        let others = people - 1;
        let one = Tick {
            statements: 1,
            rows: 2 + people as u64,
            frames: 2 * others,
            deliveries: 2 * others,
            texts: 1,
        };
        assert_eq!(came, one, "one to a room of {count}");
    }
    // In a larger room nobody is told of anybody, and nobody in it is read.
    let nothing = Tick {
        statements: 1,
        rows: 101,
        frames: 0,
        deliveries: 0,
        texts: 0,
    };
    let came = tick(&a_room_of(101), (101, 101), &unbound).await;
    assert_eq!(came, nothing);
    // Where everybody is connected with everybody, no room bounds it: that is
    // what was asked for.
    let came = tick(&friends_all(200), (200, 200), &unbound).await;
    let friends = Tick {
        statements: 1,
        rows: 200 + 200 * 199,
        frames: 2 * 200 * 199,
        deliveries: 2 * 200,
        texts: 200,
    };
    assert_eq!(came, friends);
}

#[test]
fn who_comes_costs_a_frame_to_each_session_of_whoever_may_know() {
    actix::System::new().block_on(counts());
}
