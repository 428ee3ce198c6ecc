//! The query for the changes after a version needs no index of all versions,
//! and has the same result as a scan of all rows.

use std::sync::Arc;

use entity::{ConversationId, MessageId, UserId, receipt, user};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use tidings::protocol::{ConversationAction, Emoji, MessageAction, MessageText, User};
use tidings::store::append::ConversationChange;
use tidings::store::{FormerMemberRecord, Store};

use super::flow::{append, connect, crew, person, post};
use crate::support::TestDatabase;

/// Yields pseudo-random pairs: a kind of action, and a number that picks a
/// message (Knuth's multiplicative hash).
fn scattered(count: u32) -> impl Iterator<Item = (u32, i64)> {
    let scatter = |at: u32| at.wrapping_mul(2_654_435_769) >> 8;
    (1..=count).map(move |at| (scatter(at) % 8, i64::from(scatter(at + count))))
}

/// Performs `count` random actions that take a version, posts among them.
async fn act_at_random(
    store: &Store,
    (id, reader): (ConversationId, UserId),
    people: [&user::Model; 2],
    count: u32,
) {
    for (kind, number) in scattered(count) {
        let [actor, other] = people;
        let record = store.rooms().load(id).await.unwrap();
        let seq = number % record.last_seq + 1;
        let seqs = [seq];
        let found = store.replay().load_messages(reader, id, &seqs, i64::MAX);
        let message = found.await.unwrap()[0].id;
        let touch = |action| ConversationAction::Act { message, action };
        let (who, what) = match kind {
            0..4 => {
                let name = format!("{id}.{}", record.last_seq);
                let quoted = (kind == 0).then_some(message);
                (actor, post(&name, quoted))
            }
            4 => {
                let kind = receipt::ReceiptKind::Read;
                (other, ConversationAction::mark(kind, message))
            }
            5 => {
                let text = MessageText::parse(&number.to_string()).unwrap();
                (actor, touch(MessageAction::Edit(text)))
            }
            6 => (actor, touch(MessageAction::Delete)),
            _ => {
                let emoji = Emoji::parse("👍").unwrap();
                (other, touch(MessageAction::React { emoji, on: true }))
            }
        };
        append(store, id, who, vec![what]).await;
    }
}

async fn moved(store: &Store, id: ConversationId, by: &user::Model, change: ConversationChange) {
    let event = "{}".to_owned();
    let change = Arc::new(ConversationChange { event, ..change });
    append(store, id, by, vec![ConversationAction::ChangeGroup(change)]).await;
}

fn joining(user: &user::Model) -> ConversationChange {
    ConversationChange {
        joined: vec![User::from(user)],
        ..ConversationChange::default()
    }
}

fn leaving(user: UserId) -> ConversationChange {
    ConversationChange {
        left: vec![user],
        ..ConversationChange::default()
    }
}

/// A message: its `seq`, id and version, and the `seq` and `text_version` of
/// the message it quotes.
struct Stored {
    seq: i64,
    id: MessageId,
    version: i64,
    is_deleted: bool,
    quoted: (i64, i64),
    is_quoted_deleted: bool,
}

/// A reader: the visible range of `seq`, and the last version before the leave.
struct Reader {
    user: UserId,
    seen: std::ops::RangeInclusive<i64>,
    left: i64,
}

impl Stored {
    /// Returns the version in which the message last changed for a reader.
    fn version_for(&self, reader: &Reader) -> i64 {
        let own = if self.is_deleted {
            self.version
        } else {
            self.version.min(reader.left)
        };
        let (seq, text) = self.quoted;
        if reader.seen.contains(&seq) && (self.is_quoted_deleted || text <= reader.left) {
            own.max(text)
        } else {
            own
        }
    }
}

async fn all(connection: &DatabaseConnection, id: ConversationId) -> Vec<Stored> {
    let sql = "SELECT m.seq, m.id, m.version, COALESCE(o.seq, 0), COALESCE(o.text_version, 0), \
               CASE WHEN m.deleted_at IS NULL THEN 0 ELSE 1 END, \
               CASE WHEN o.deleted_at IS NULL THEN 0 ELSE 1 END \
               FROM message m LEFT JOIN message o ON o.id = m.reply_to \
               WHERE m.conversation_id = $1 ORDER BY m.seq";
    let backend = connection.get_database_backend();
    let rows = Statement::from_sql_and_values(backend, sql, [id.into()]);
    let rows = connection.query_all_raw(rows).await.unwrap();
    let read = |row: &sea_orm::QueryResult| {
        let number = |place| row.try_get_by_index::<i64>(place).unwrap();
        let flag = |place| row.try_get_by_index::<i32>(place).unwrap() == 1;
        Stored {
            seq: number(0),
            id: MessageId(number(1)),
            version: number(2),
            is_deleted: flag(5),
            quoted: (number(3), number(4)),
            is_quoted_deleted: flag(6),
        }
    };
    rows.iter().map(read).collect()
}

async fn check(
    (store, connection): (&Store, &DatabaseConnection),
    id: ConversationId,
    (everyone, leaver): (&[Reader], FormerMemberRecord),
) {
    let all = all(connection, id).await;
    let last = store.rooms().load(id).await.unwrap().version;
    for after in 0..=last + 1 {
        let missed = store.rooms().load_missed_changes(id, after).await.unwrap();
        let found: Vec<_> = missed.messages.iter().map(|one| one.id).collect();
        let changed = all
            .iter()
            .filter(|one| one.version_for(&everyone[0]) > after);
        let changed: Vec<_> = changed.map(|one| one.id).collect();
        assert_eq!(found, changed, "after {after} of {last}");
        let gone: Vec<_> = (leaver.version > after)
            .then_some(leaver)
            .into_iter()
            .collect();
        assert_eq!(missed.leavers, gone, "after {after} of {last}");
        for reader in everyone {
            let round = store
                .replay()
                .load_delta(reader.user, id, after)
                .await
                .unwrap();
            let found: Vec<_> = round.changed.iter().map(|one| one.seq).collect();
            let theirs = all.iter().filter(|one| {
                let version = one.version_for(reader);
                reader.seen.contains(&one.seq)
                    && (after + 1..=round.view.version).contains(&version)
            });
            let theirs: Vec<_> = theirs.map(|one| one.seq).collect();
            assert_eq!(found, theirs, "{} after {after} of {last}", reader.user);
        }
    }
}

#[tokio::test]
async fn changes_after_any_version_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::migrated(folder.path()).await;
    let (store, connection) = (database.store().await, database.connection().await);
    let (ann, ben) = (person(&store, "ann").await, person(&store, "ben").await);
    let cat = person(&store, "cat").await;
    for other in [&ben, &cat] {
        connect(&store, &ann, other).await;
    }
    let id = store
        .groups()
        .create(ann.id, crew(&ben), entity::Millis(1))
        .await
        .unwrap();
    act_at_random(&store, (id, ann.id), [&ann, &ben], 40).await;
    moved(&store, id, &ann, joining(&cat)).await;
    let joined = store.rooms().load(id).await.unwrap().last_seq - 1;
    act_at_random(&store, (id, ann.id), [&cat, &ben], 30).await;
    let left = store.rooms().load(id).await.unwrap().last_seq;
    moved(&store, id, &ann, leaving(ben.id)).await;
    let leaver = FormerMemberRecord {
        user: ben.id,
        first: 0,
        last: left,
        version: store.rooms().load(id).await.unwrap().version,
    };
    act_at_random(&store, (id, ann.id), [&ann, &cat], 30).await;
    let reader = |user: &user::Model, seen, left| Reader {
        user: user.id,
        seen,
        left,
    };
    let everyone = [
        reader(&ann, 1..=i64::MAX, i64::MAX),
        reader(&ben, 1..=left, leaver.version - 1),
        reader(&cat, joined + 1..=i64::MAX, i64::MAX),
    ];
    check((&store, &connection), id, (&everyone, leaver)).await;
    store.close().await;
    connection.close().await.unwrap();
}
