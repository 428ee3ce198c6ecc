//! A change of a quoted text writes one row for any number of replies, and
//! reaches all readers of the replies.

use entity::MessageId;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tidings::protocol::{ConversationAction, MessageAction, MessageText};
use tidings::store::append::{AppendOutcome, CommittedChange};

use super::{edit, path};
use crate::groups::crew::group;
use crate::groups::largest_group::{fill, run};
use crate::resume::client::resume;
use crate::store::meter::Metered;
use crate::store::statements::Cost;
use crate::support::{TestApp, TestDatabase, TestUser};

const MEMBERS: usize = 20;

/// Returns statements that append `count` replies to a message.
fn answers(id: i64, original: i64, count: usize) -> [String; 3] {
    [
        format!(
            "INSERT INTO message (id, conversation_id, seq, ord, version, posted_version, \
             sender_id, client_id, kind, text, furthest, created_at, reply_to) \
             WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {count}) \
             SELECT 1000000 + n, {id}, c.last_seq + n, c.last_ord + n, c.version + n, \
             c.version + n, c.opened_by, NULL, 0, 'Yes', 2, 0, {original} \
             FROM g, conversation c WHERE c.id = {id} AND {count} > 0"
        ),
        format!(
            "UPDATE conversation SET last_seq = last_seq + {count}, \
             last_ord = last_ord + {count}, version = version + {count}, \
             last_message_id = (SELECT MAX(id) FROM message WHERE conversation_id = {id}) \
             WHERE id = {id}"
        ),
        "UPDATE id_block SET next = 2000000".to_owned(),
    ]
}

/// The cost of one change: statements with their rows, the steps of SQLite, and
/// the number of rows that SQLite wrote.
#[derive(Debug)]
struct Change {
    cost: Cost,
    steps: u64,
    written: u64,
}

/// Measures an edit and a deletion of a message with `count` replies.
async fn changes(count: usize) -> [Change; 2] {
    let app = TestApp::spawn().await;
    let (id, crew) = group(&app, &["ann", "ben"]).await;
    fill(&app, id, MEMBERS - 2).await;
    let metered = Metered::of(&app).await;
    let ann = crew[0].id;
    let original = metered.post(id, ann).await;
    run(&app, &answers(id, original.0, count)).await;
    // The store has cached the conversation as it was, so open a new one.
    metered.store.close().await;
    let metered = Metered::of(&app).await;
    let text = MessageText::parse("Another text").unwrap();
    let mut done = Vec::new();
    for how in [MessageAction::Edit(text), MessageAction::Delete] {
        done.push(change(&metered, (id, ann), (original, how), count).await);
    }
    assert_eq!(
        metered
            .store
            .maintenance()
            .run_doctor()
            .await
            .unwrap()
            .len(),
        0
    );
    metered.store.close().await;
    done.try_into().unwrap()
}

async fn change(
    metered: &Metered,
    (id, ann): (i64, i64),
    (message, action): (MessageId, MessageAction),
    count: usize,
) -> Change {
    let touch = ConversationAction::Act { message, action };
    let before = metered.probe.rows();
    let (outcome, cost, steps) = metered.append(id, ann, touch).await;
    let AppendOutcome::Written(CommittedChange::Edited {
        quoting, has_more, ..
    }) = outcome
    else {
        panic!("{outcome:?}");
    };
    assert_eq!(has_more, count > 100);
    let told = if has_more { 0 } else { count };
    assert_eq!(quoting.len(), told);
    let written = metered.probe.rows() - before;
    Change {
        cost,
        steps,
        written,
    }
}

#[tokio::test]
async fn edit_cost_ignores_number_of_replies() {
    let [none, some, many] = [changes(0).await, changes(200).await, changes(5_000).await];
    for (at, members) in [0, MEMBERS as u64].into_iter().enumerate() {
        let (none, some, many) = (&none[at], &some[at], &many[at]);
        assert_eq!(some.cost, many.cost);
        // SQLite reports steps in tens, so counts are inexact.
        assert!(
            many.steps <= some.steps + 20,
            "{many:?} compared with {some:?}"
        );
        assert_eq!((none.written, some.written), (many.written, many.written));
        assert!(many.written <= 10 + members, "{many:?}");
        if TestDatabase::is_sqlite() {
            assert!(many.written > members, "{many:?}");
        }
    }
}

async fn answer(person: &TestUser, id: i64, original: &Value) -> Value {
    let to = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Yes", "reply_to": original["id"] });
    person.post(&to, body).await.expect(201)
}

/// Returns `seq` and quoted text of each message that quotes.
fn quoted(frames: &[Value]) -> Vec<(i64, String)> {
    let messages = frames.iter().map(|frame| &frame["message"]);
    let quoted = messages.filter_map(|message| {
        let text = message["reply_to"]["text"].as_str()?;
        Some((message["seq"].as_i64().unwrap(), text.to_owned()))
    });
    quoted.collect()
}

#[tokio::test]
async fn resume_sends_every_changed_quote() {
    const MANY: usize = 150;
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "Helo").await.expect(201);
    let sending = (0..MANY).map(|_| answer(&ben, id, &sent));
    join_all(sending).await;
    let version = |view: Value| view["version"].as_i64().unwrap();
    let before = version(ann.conversation(id).await);
    let edited = edit(&ann, &path(id, &sent), "Hello").await.expect(200);
    let now = version(ann.conversation(id).await);
    assert_eq!((&edited["version"], now), (&json!(now), before + 1));
    let mut socket = ben.chat_socket(id).await;
    let (frames, _) = resume(&mut socket, json!({ "after": before })).await;
    assert_eq!(frames.len(), MANY + 1);
    let quotes = quoted(&frames);
    assert_eq!(quotes.len(), MANY);
    assert!(quotes.iter().all(|(_, text)| text == "Hello"), "{quotes:?}");
    for frame in &frames {
        assert_eq!(frame["type"], "message_updated");
        assert_eq!(frame["message"]["version"], now);
    }
    let (frames, _) = resume(&mut socket, json!({ "after": now })).await;
    assert_eq!(frames.len(), 0);
    // A reply that is itself edited is sent once, too.
    let first = ben.history(id).await.pop().unwrap();
    edit(&ben, &path(id, &first), "No").await.expect(200);
    ann.delete(&path(id, &sent)).await.expect(204);
    let mut socket = ben.chat_socket(id).await;
    let (frames, _) = resume(&mut socket, json!({ "after": now })).await;
    assert_eq!(frames.len(), MANY + 1);
    assert!(quoted(&frames).iter().all(|(_, text)| text.is_empty()));
    let last = &frames.last().unwrap()["message"];
    assert_eq!(
        (&last["text"], &last["version"]),
        (&json!("No"), &json!(now + 2))
    );
}

/// The frames of one commit contain each reply as it is after the commit.
#[tokio::test]
async fn quote_edited_twice_is_sent_whole() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ann.send(id, "One").await.expect(201);
    let quoting = answer(&ben, id, &sent).await;
    let mut there = ben.chat_socket(id).await;
    let mut here = ann.chat_socket(id).await;
    let edit_to = |text: &str| json!({ "type": "edit", "message_id": sent["id"], "message": text });
    let react = json!({
        "type": "reaction", "message_id": quoting["id"], "emoji": "👍", "on": true
    });
    here.send_together([edit_to("Two"), react, edit_to("Three")])
        .await;
    let mut versions = Vec::new();
    loop {
        let frame = there.expect("message_updated").await;
        let message = &frame["message"];
        if message["id"] == quoting["id"] {
            versions.push(message["version"].as_i64().unwrap());
        }
        if message["reply_to"]["text"] == "Three" {
            break;
        }
    }
    assert!(
        versions.is_sorted_by(|one, next| one < next),
        "{versions:?}"
    );
    assert_eq!(ben.history(id).await[2]["reply_to"]["text"], "Three");
}
