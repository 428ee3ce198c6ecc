//! Changes without effect take no version and send no frame.

use std::sync::Arc;

use entity::{ConversationId, Millis, UserId};
use serde_json::{Value, json};
use tidings::protocol::{ConversationAction, MemberSettingsPatch, User};
use tidings::store::append::{AppendEntry, AppendOutcome, ConversationChange};

use crate::groups::crew::{group, patch, rename, set_mine};
use crate::support::TestApp;

#[tokio::test]
async fn setting_without_effect_takes_no_version() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let ben = &people[1];
    let mut socket = ben.socket("/ws/").await;
    for nothing in [
        json!({ "pinned": false }),
        json!({ "archived": false, "muted_until": null }),
    ] {
        let set = set_mine(ben, id, nothing).await.expect(200);
        assert_eq!(set["version"], 1);
        socket.expect_nothing_until_pong().await;
    }
    for (at, setting) in [
        json!({ "pinned": true }),
        json!({ "archived": true }),
        json!({ "muted_until": "2099-01-01T00:00:00.000Z" }),
        json!({ "pinned": false, "archived": false, "muted_until": null }),
    ]
    .into_iter()
    .enumerate()
    {
        let set = set_mine(ben, id, setting.clone()).await.expect(200);
        assert_eq!(set["version"], at + 2);
        socket.expect("conversation").await;
        let again = set_mine(ben, id, setting).await.expect(200);
        assert_eq!(without_presence(again), without_presence(set));
        socket.expect_nothing_until_pong().await;
    }
    // Only one of these settings changes.
    let mixed = json!({ "pinned": false, "archived": true });
    let set = set_mine(ben, id, mixed).await.expect(200);
    assert_eq!(
        (&set["version"], &set["archived"]),
        (&json!(6), &json!(true))
    );
}

/// Returns a view without its participants, whose presence may change at any
/// time.
fn without_presence(mut view: Value) -> Value {
    view.as_object_mut().unwrap().remove("participants");
    view
}

#[tokio::test]
async fn title_without_effect_takes_no_version() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let mut sockets = [ann.socket("/ws/").await, ben.chat_socket(id).await];
    let same = rename(ann, id, "Crew").await.expect(200);
    assert_eq!(
        (&same["version"], &same["last_seq"]),
        (&json!(1), &json!(1))
    );
    for socket in &mut sockets {
        socket.expect_nothing_until_pong().await;
    }
    // Permission is checked before the title is compared.
    rename(ben, id, "Crew")
        .await
        .expect_problem(403, "forbidden");
    let other = rename(ann, id, "Another").await.expect(200);
    assert_eq!(
        (&other["version"], &other["last_seq"]),
        (&json!(2), &json!(2))
    );
    let back = rename(ann, id, "Crew").await.expect(200);
    assert_eq!(back["version"], 3);
}

/// Each append is compared with the state after the earlier appends of its
/// batch.
#[tokio::test]
async fn batch_without_effect_takes_no_version() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben"]).await;
    let store = app.store().await;
    let record = store.rooms().load(ConversationId(id)).await.unwrap();
    let append = |operation| AppendEntry {
        conversation: record.id,
        members_version: record.members_version,
        verdict: Ok(()),
        actor: User {
            id: UserId(people[0].id),
            username: "ann".to_owned(),
            display_name: "ann".to_owned(),
        },
        action: operation,
        may_moderate: false,
        has_others: true,
        has_archived: false,
    };
    let title = |title: &str| {
        append(ConversationAction::ChangeGroup(Arc::new(
            ConversationChange {
                title: Some(title.to_owned()),
                event: "{}".to_owned(),
                ..ConversationChange::default()
            },
        )))
    };
    let pin = |on| {
        append(ConversationAction::UpdateSettings(MemberSettingsPatch {
            pinned: Some(on),
            ..MemberSettingsPatch::default()
        }))
    };
    let batch = [
        title("Crew"),
        title("New"),
        title("New"),
        title("Crew"),
        pin(true),
        pin(true),
        pin(false),
    ];
    let outcomes = store
        .journal()
        .append_batch(&batch, Millis::now())
        .await
        .unwrap()
        .outcomes;
    let unchanged = outcomes.iter();
    let unchanged: Vec<bool> = unchanged
        .map(|outcome| matches!(outcome, AppendOutcome::Unchanged(None)))
        .collect();
    assert_eq!(unchanged, [true, false, true, false, false, true, false]);
    let view = store
        .conversations()
        .load(UserId(people[0].id), record.id)
        .await;
    assert_eq!(view.unwrap().version, record.version + 4);
    assert_eq!(store.maintenance().run_doctor().await.unwrap(), []);
    store.close().await;
}

#[tokio::test]
async fn profile_without_effect_changes_nothing() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    ann.open_direct_used(&ben).await;
    let mut socket = ben.socket("/ws/").await;
    let about = json!({ "about": "Hello", "display_name": "Ann" });
    let before = patch(&ann, "/api/me/", about.clone()).await.expect(200);
    socket.expect("user").await;
    let again = patch(&ann, "/api/me/", about).await.expect(200);
    assert_eq!(again, before);
    socket.expect_nothing_until_pong().await;
}
