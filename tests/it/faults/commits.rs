//! Commits of which nobody hears how they went.

use super::behind_a_proxy;

/// Guards what is on disk though its commit failed: the one who sent it hears
/// so and may retry, and everybody is told it without that.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_told_all_the_same() {
    let Some((app, proxy)) = behind_a_proxy(|_| {}).await else {
        return;
    };
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let (mut here, mut there) = (ann.chat_socket(id).await, ben.socket("/ws/").await);

    proxy.swallow_commit_of("Did that arrive?");
    here.say_as("Did that arrive?", "question").await;
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
    let unread = there.expect_aside("unread").await;
    assert_eq!(unread["unread_count"], 2);

    here.say_as("Did that arrive?", "question").await;
    assert_eq!(here.expect_message().await, told);
    there.expect_nothing_until_pong().await;
}
