//! Those who were in a conversation and no longer are. Nobody can leave yet,
//! so the row that leaving will write is written here.

use entity::{ConversationId, UserId, conversation, participant};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter};

use crate::support::{Person, TestApp};

/// Ends what `person` may see at `seq`.
async fn leave(app: &TestApp, person: &Person, id: i64, seq: i64) {
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
async fn who_has_left_reads_up_to_there_and_writes_no_more() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
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
    ben.send(id, "Wait").await.refused(403, "not_a_participant");
    // What was acknowledged stays so.
    let again = ben.send_as(id, "Bye", "bye").await.expect(200);
    assert_eq!(again["id"], sent["id"]);

    let chat = format!("/ws/chat/{id}/");
    ben.knock(&chat).await.refused(403, "not_a_participant");
    let mut everything = ben.socket("/ws/").await;
    ann.send(id, "So quiet").await.expect(201);
    everything.expect_nothing_until_pong().await;
}
