//! What one transaction of the Journal holds.

use std::sync::Arc;

use entity::{ConversationId, MessageId, Millis, UserId};
use tidings::protocol::{MessageText, User};
use tidings::store::append::{Append, Change, How, MemberMove, Outcome, Post, Touch, What};

use crate::groups::crew::group;
use crate::support::{Person, TestApp};

/// Guards: a reply and the withdrawal of what it answers in one batch. The
/// reply kept neither its version nor an empty quote.
#[tokio::test]
async fn a_reply_keeps_its_version_beside_a_change_of_what_it_quotes() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ConversationId(ann.talk_with(&ben).await);
    let first = &ann.history(id.0).await[0];
    let first = MessageId(first["id"].as_i64().unwrap());
    let store = app.store().await;
    let room = store.room(id).await.unwrap();
    let by = |what| Append {
        conversation: id,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: User {
            id: UserId(ann.id),
            username: "ann".to_owned(),
            display_name: "ann".to_owned(),
        },
        what,
        has_others: true,
        has_archived: false,
    };
    let withdraw = What::Touch(Touch {
        message: first,
        how: How::Withdraw,
        may_moderate: false,
    });
    let reply = What::Post(Arc::new(Post {
        text: MessageText::parse("Too late").unwrap(),
        client_id: None,
        reply_to: Some(first),
    }));
    let batch = [by(withdraw), by(reply)];
    let outcomes = store.append(&batch, Millis::now()).await.unwrap();
    let [
        Outcome::Touched { messages, .. },
        Outcome::Posted { message, .. },
    ] = &outcomes.outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(messages.len(), 1, "the reply is told by itself");
    assert_eq!(message.reply_to.as_ref().unwrap().text, "");
    let history = ben.history(id.0).await;
    assert_eq!(history[1]["version"], message.version);
    assert_eq!(history[1]["reply_to"]["text"], "");
}

#[tokio::test]
async fn a_quote_holds_the_beginning_of_its_original() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let long = "ä".repeat(10_000);
    let sent = ann.send(id, &long).await.expect(201);
    let path = format!("/api/conversations/{id}/messages/");
    let body = serde_json::json!({ "text": "Long!", "reply_to": sent["id"] });
    let answer = ben.post(&path, body).await.expect(201);
    let beginning = "ä".repeat(300);
    assert_eq!(answer["reply_to"]["text"], beginning);
    assert_eq!(ben.history(id).await[2]["reply_to"]["text"], beginning);
}

/// Guards: a stranger learned that a conversation exists by a `client_id` that
/// they had used elsewhere.
#[tokio::test]
async fn a_used_client_id_tells_a_stranger_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let (cas, dan) = app.connected_pair("cas", "dan").await;
    let theirs = ann.talk_with(&ben).await;
    let own = cas.talk_with(&dan).await;
    cas.send_as(own, "Hello", "used").await.expect(201);
    for id in [theirs, 999_999] {
        cas.send_as(id, "Hello", "used")
            .await
            .refused(404, "not_found");
    }
}

/// Guards: what somebody said in the batch by which the only other one left was
/// taken for something that may yet be read.
#[tokio::test]
async fn what_comes_right_before_a_leaving_is_settled_by_it() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let conversation = ConversationId(id);
    let store = app.store().await;
    let room = store.room(conversation).await.unwrap();
    let by = |person: &Person, what| Append {
        conversation,
        members_version: room.members_version,
        verdict: Ok(()),
        actor: User {
            id: UserId(person.id),
            username: person.username.clone(),
            display_name: person.username.clone(),
        },
        what,
        has_others: true,
        has_archived: false,
    };
    let post = What::Post(Arc::new(Post {
        text: MessageText::parse("Never read").unwrap(),
        client_id: None,
        reply_to: None,
    }));
    let leave = What::Change(Arc::new(Change {
        moves: vec![MemberMove::Leave(UserId(ben.id))],
        event: "{}".to_owned(),
        ..Change::default()
    }));
    let batch = [by(ann, post), by(ben, leave)];
    store.append(&batch, Millis::now()).await.unwrap();
    store.close().await;
    let history = ann.history(id).await;
    assert_eq!(history[1]["text"], "Never read");
    assert_eq!(history[1]["status"], "sent");
}
