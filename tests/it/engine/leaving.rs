//! Former members of a conversation. Users can't leave direct conversations, so
//! the tests write `left_seq` themselves, as the server does when a member
//! leaves a group.

use entity::{ConversationId, UserId, conversation, participant};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::support::{TestApp, TestUser};

/// Writes that `person` left the conversation at `seq`.
async fn leave(app: &TestApp, person: &TestUser, id: i64, seq: i64) {
    let connection = app.database().connection().await;
    participant::Entity::update_many()
        .col_expr(participant::Column::LeftSeq, seq.into())
        .filter(participant::Column::ConversationId.eq(ConversationId(id)))
        .filter(participant::Column::UserId.eq(UserId(person.id)))
        .exec(&connection)
        .await
        .unwrap();
    let raised = Expr::col(conversation::Column::MembersVersion).add(1);
    conversation::Entity::update_many()
        .col_expr(conversation::Column::MembersVersion, raised)
        .filter(conversation::Column::Id.eq(ConversationId(id)))
        .exec(&connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn former_member_reads_but_cannot_write() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let sent = ben.send_as(id, "Bye", "bye").await.expect(201);
    leave(&app, &ben, id, 2).await;
    ann.send(id, "Gone already?").await.expect(201);

    let seen = ben.history(id).await;
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1]["id"], sent["id"]);
    let late = format!("/api/conversations/{id}/messages/?after=2");
    assert_eq!(
        ben.get(&late).await.expect(200).as_array().unwrap().len(),
        0
    );
    assert_eq!(ben.conversation(id).await["left"], true);
    ben.send(id, "Wait")
        .await
        .expect_problem(403, "not_a_participant");
    // A retry of an acknowledged message is still answered with it.
    let again = ben.send_as(id, "Bye", "bye").await.expect(200);
    assert_eq!(again["id"], sent["id"]);

    let chat = format!("/ws/chat/{id}/");
    ben.try_upgrade(&chat)
        .await
        .expect_problem(403, "not_a_participant");
    let mut everything = ben.socket("/ws/").await;
    ann.send(id, "So quiet").await.expect(201);
    everything.expect_nothing_until_pong().await;
}
