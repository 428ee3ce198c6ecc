//! Commits whose outcome is unknown.

use super::behind_a_proxy;

/// Guards a message that is on disk although its commit seemed to fail. The
/// sender gets an error and may retry; members get the message regardless.
#[tokio::test]
async fn lost_commit_answer_is_recovered() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut here, mut there) = (ann.chat_socket(id).await, ben.socket("/ws/").await);

    proxy.drop_commit_answer("Did that arrive?");
    here.send_text_as("Did that arrive?", "question").await;
    let refused = here.expect_error("unavailable").await;
    assert_eq!(refused["client_id"], "question");
    here.expect("conversation").await;
    let told = here.expect_message().await;
    assert_eq!(
        (&told["seq"], &told["client_id"]),
        (&2.into(), &"question".into())
    );
    there.expect("conversation").await;
    assert_eq!(there.expect_message().await, told);
    let unread = there.expect_side_frame("unread").await;
    assert_eq!(unread["unread_count"], 2);

    here.send_text_as("Did that arrive?", "question").await;
    assert_eq!(here.expect_message().await, told);
    there.expect_nothing_until_pong().await;
}
