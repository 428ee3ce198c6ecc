//! What the Journal remembers of its last batches, which spares a look before
//! the next, and what it does where that has changed.

use entity::{ConversationId, MessageId, Millis, UserId, receipt, user};
use sea_orm::{ConnectionTrait, EntityTrait};
use tidings::store::append::{Append, Mark, Outcome, What};

use super::flow::post;
use super::statements::watched;
use crate::support::{TestApp, TestDatabase};

#[tokio::test]
async fn what_another_door_changed_meanwhile_is_seen() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    ann.send_as(id, "One", "one").await.expect(201);
    // As a process beside it would: the Journal doesn't hear of it.
    let beside = Beside::of(&app, (id, ben.id)).await;
    let (outcome, _) = beside.append(post("two", None)).await;
    assert!(matches!(outcome, Outcome::Posted { .. }), "{outcome:?}");
    let three = ann.send_as(id, "Three", "three").await.expect(201);
    assert_eq!(three["seq"], 4);
    // Both are known by name, also to who has forgotten them.
    let again = ann.send_as(id, "One", "one").await.expect(200);
    assert_eq!(again["seq"], 2);
    let (outcome, _) = beside.append(post("two", None)).await;
    assert!(matches!(outcome, Outcome::Known(_)), "{outcome:?}");
    let seqs: Vec<_> = ann
        .history(id)
        .await
        .iter()
        .map(|it| it["seq"].clone())
        .collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
    beside.store.close().await;
}

/// Guards the condition by itself: a mark takes a version, and no place that a
/// message could find taken.
#[tokio::test]
async fn no_version_is_given_out_twice() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let one = ann.send_as(id, "One", "one").await.expect(201);
    let beside = Beside::of(&app, (id, ben.id)).await;
    let mark = Mark {
        kind: receipt::Kind::Read,
        message: MessageId(one["id"].as_i64().unwrap()),
    };
    let (outcome, _) = beside.append(What::Mark(vec![mark])).await;
    let version = one["version"].as_i64().unwrap() + 1;
    assert!(
        matches!(outcome, Outcome::Marked { version: Some(it), .. } if it == version),
        "{outcome:?}"
    );
    let two = ann.send_as(id, "Two", "two").await.expect(201);
    assert_eq!(two["version"], version + 1);
    assert_eq!(two["seq"], 3);
    beside.store.close().await;
}

/// Guards the other half of it: who may no longer write is judged anew, also
/// where the Room hasn't heard of that.
#[tokio::test]
async fn nothing_is_written_by_what_was_allowed_before() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    ann.send_as(id, "One", "one").await.expect(201);
    let close = format!(
        "UPDATE conversation SET open = FALSE, members_version = members_version + 1 \
         WHERE id = {id}"
    );
    let database = app.database().connection().await;
    database.execute_unprepared(&close).await.unwrap();
    database.close().await.unwrap();
    ann.send_as(id, "Two", "two")
        .await
        .refused(403, "not_connected");
    assert_eq!(ann.conversation(id).await["last_seq"], 2);
}

/// PostgreSQL has to lock the conversations first, and reads them with that.
#[tokio::test]
async fn who_writes_again_is_not_looked_for_in_a_file() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let beside = Beside::of(&app, (id, ben.id)).await;
    let (_, first) = beside.append(post("one", None)).await;
    let (_, second) = beside.append(post("two", None)).await;
    let looks = |all: &[String]| all.iter().any(|it| it.contains("LEFT JOIN participant p"));
    assert!(looks(&first), "{first:?}");
    assert_eq!(looks(&second), !TestDatabase::is_sqlite(), "{second:?}");
    beside.store.close().await;
}

/// A store of one's own, by which somebody writes.
struct Beside {
    store: tidings::store::Store,
    conversation: ConversationId,
    actor: user::Model,
}

impl Beside {
    async fn of(app: &TestApp, (id, actor): (i64, i64)) -> Self {
        let database = app.database().connection().await;
        let found = user::Entity::find_by_id(UserId(actor)).one(&database).await;
        database.close().await.unwrap();
        Self {
            store: app.store().await,
            conversation: ConversationId(id),
            actor: found.unwrap().unwrap(),
        }
    }

    /// What became of it, and what the database was asked for that.
    async fn append(&self, what: What) -> (Outcome, Vec<String>) {
        let room = self.store.room(self.conversation).await.unwrap();
        let append = Append {
            conversation: self.conversation,
            members_version: room.members_version,
            verdict: Ok(()),
            actor: (&self.actor).into(),
            what,
            has_others: true,
            has_archived: false,
        };
        let (done, heard) = watched(self.store.append(&[append], Millis::now())).await;
        let mut outcomes = done.unwrap().outcomes;
        (outcomes.remove(0), heard.statements())
    }
}
