//! Batches of appends, each in one transaction of the Journal.

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis, UserId};
use tidings::protocol::{ConversationAction, MessageAction, MessageText, SubmittedMessage, User};
use tidings::store::append::{AppendEntry, AppendOutcome, CommittedChange, ConversationChange};

use crate::groups::crew::group;
use crate::support::{TestApp, TestUser};

/// Guards against a former bug: in one batch with its original's deletion, a
/// reply got a wrong version and a quote with text.
#[tokio::test]
async fn reply_keeps_version_beside_deleted_original() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ConversationId(ann.open_direct_used(&ben).await);
    let first = &ann.history(id.0).await[0];
    let first = MessageId(first["id"].as_i64().unwrap());
    let store = app.store().await;
    let room = store.rooms().load(id).await.unwrap();
    let by = |operation| AppendEntry {
        conversation: id,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: User {
            id: UserId(ann.id),
            username: "ann".to_owned(),
            display_name: "ann".to_owned(),
        },
        action: operation,
        may_moderate: false,
        has_others: true,
        has_archived: false,
    };
    let delete = ConversationAction::Act {
        message: first,
        action: MessageAction::Delete,
    };
    let reply = ConversationAction::Send(Arc::new(SubmittedMessage {
        text: Ok(MessageText::parse("Too late").unwrap()),
        client_id: None,
        reply_to: Some(first),
    }));
    let batch = [by(delete), by(reply)];
    let outcomes = store
        .journal()
        .append_batch(&batch, Millis::now())
        .await
        .unwrap();
    let [
        AppendOutcome::Written(CommittedChange::Edited { quoting, .. }),
        AppendOutcome::Written(CommittedChange::Posted { message, .. }),
    ] = &outcomes.outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert!(quoting.is_empty(), "the reply has its own outcome");
    assert_eq!(message.reply_to.as_ref().unwrap().text, "");
    let history = ben.history(id.0).await;
    assert_eq!(history[1]["version"], message.version);
    assert_eq!(history[1]["reply_to"]["text"], "");
}

#[tokio::test]
async fn quote_holds_first_300_characters() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let long = "ä".repeat(10_000);
    let sent = ann.send(id, &long).await.expect(201);
    let path = format!("/api/conversations/{id}/messages/");
    let body = serde_json::json!({ "text": "Long!", "reply_to": sent["id"] });
    let answer = ben.post(&path, body).await.expect(201);
    let beginning = "ä".repeat(300);
    assert_eq!(answer["reply_to"]["text"], beginning);
    assert_eq!(ben.history(id).await[2]["reply_to"]["text"], beginning);
}

/// Guards against a former leak: a `client_id` used elsewhere revealed to a
/// stranger that a conversation exists.
#[tokio::test]
async fn used_client_id_reveals_no_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let (cas, dan) = app.register_connected("cas", "dan").await;
    let theirs = ann.open_direct_used(&ben).await;
    let own = cas.open_direct_used(&dan).await;
    cas.send_as(own, "Hello", "used").await.expect(201);
    for id in [theirs, 999_999] {
        cas.send_as(id, "Hello", "used")
            .await
            .expect_problem(404, "not_found");
    }
}

/// Guards against a former bug: a message counted as having a recipient,
/// although the only other member left in the same batch.
#[tokio::test]
async fn message_right_before_leaving_stays_sent() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let conversation = ConversationId(id);
    let store = app.store().await;
    let room = store.rooms().load(conversation).await.unwrap();
    let by = |person: &TestUser, operation| AppendEntry {
        conversation,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: User {
            id: UserId(person.id),
            username: person.username.clone(),
            display_name: person.username.clone(),
        },
        action: operation,
        may_moderate: false,
        has_others: true,
        has_archived: false,
    };
    let post = ConversationAction::Send(Arc::new(SubmittedMessage {
        text: Ok(MessageText::parse("Never read").unwrap()),
        client_id: None,
        reply_to: None,
    }));
    let leave = ConversationAction::ChangeGroup(Arc::new(ConversationChange {
        left: vec![UserId(ben.id)],
        event: "{}".to_owned(),
        ..ConversationChange::default()
    }));
    let batch = [by(ann, post), by(ben, leave)];
    store
        .journal()
        .append_batch(&batch, Millis::now())
        .await
        .unwrap();
    store.close().await;
    let history = ann.history(id).await;
    assert_eq!(history[1]["text"], "Never read");
    assert_eq!(history[1]["status"], "sent");
}
