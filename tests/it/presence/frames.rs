//! The frames sent when users come online: for each such user, one to each
//! session of each viewer. A session gets all frames of a tick in one delivery,
//! and each text is in memory once.

use std::collections::HashSet;

use entity::{ConversationId, connection, conversation, participant};
use sea_orm::ConnectionTrait;
use tidings::engine::directory::{Directory, SocketScope};
use tidings::engine::presence::PresenceNotifier;

use super::counting::CountingSession;
use super::crowd::{FIRST, arrive, numbers, users};
use crate::support::TestDatabase;

const ROOM: i64 = 7;

/// Returns statements that put a crowd into one room.
fn a_room_of(count: i64) -> Vec<String> {
    let (kind, role) = (
        conversation::ConversationKind::Group as i16,
        participant::MemberRole::Member as i16,
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

/// Returns statements that connect all users of a crowd with each other.
fn friends_all(count: i64) -> Vec<String> {
    let state = connection::ConnectionRowState::Connected as i16;
    vec![
        users(count),
        format!(
            "INSERT INTO connection (low_id, high_id, requested_by, state, created_at) {} \
             SELECT low.n, high.n, low.n, {state}, 0 FROM g low JOIN g high ON low.n < high.n",
            numbers(count)
        ),
    ]
}

/// The cost of a tick, and what it sent.
#[derive(Debug, PartialEq, Eq)]
struct Tick {
    statements: usize,
    rows: u64,
    /// Total number of frames of all sessions.
    frames: usize,
    deliveries: usize,
    /// Distinct texts in memory.
    texts: usize,
}

/// Brings the first `came` of `count` users online. Each user has one session
/// with each scope of `scopes`.
async fn tick(world: &[String], (count, came): (i64, i64), scopes: &[SocketScope]) -> Tick {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let connection = database.connection().await;
    for statement in world {
        connection.execute_unprepared(statement).await.unwrap();
    }
    connection.close().await.unwrap();
    let teller = PresenceNotifier {
        store: database.store().await,
        directory: Directory::default(),
    };
    let people = FIRST..FIRST + count;
    let enter = |user| scopes.iter().map(move |scope| (user, *scope));
    let sessions: Vec<CountingSession> = people
        .flat_map(enter)
        .map(|(user, scope)| CountingSession::enter(&teller.directory, user, scope))
        .collect();
    let (statements, rows) = arrive(&teller, came).await;
    let (mut frames, mut deliveries, mut texts) = (0, 0, HashSet::new());
    for session in &sessions {
        let delivered = session.texts().await;
        assert!(delivered.len() <= 1, "one delivery per session and tick");
        deliveries += delivered.len();
        frames += delivered.iter().map(Vec::len).sum::<usize>();
        texts.extend(delivered.into_iter().flatten());
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
    let unbound = [SocketScope::Everything, SocketScope::Notifications];
    let all = [
        SocketScope::Everything,
        SocketScope::Notifications,
        SocketScope::Conversation(ConversationId(ROOM)),
    ];
    // Each session receives the status of all other users. The query reads
    // three rows per user: the name, the user's room, and the room's member. It
    // reads no row per pair of users. The third session of each user is bound
    // to the room: it needs a second query, with one row per user.
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
        // A single user comes online.
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
    // In a larger room no status is sent, and its members aren't read.
    let nothing = Tick {
        statements: 1,
        rows: 101,
        frames: 0,
        deliveries: 0,
        texts: 0,
    };
    let came = tick(&a_room_of(101), (101, 101), &unbound).await;
    assert_eq!(came, nothing);
    // If all users are connected with each other, no room size limits the
    // frames: connections are the users' own choice.
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
fn arrival_costs_one_frame_per_session() {
    actix::System::new().block_on(counts());
}
