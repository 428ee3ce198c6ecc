//! After a lost connection the page shows no state that may have ended.

use super::large_account::fill;
use crate::groups::largest_group::run;
use crate::support::browser::{BrowserDriver, DESKTOP, NetworkState};
use crate::support::{PASSWORD, TestApp, TestUser, until};

/// `fill` lists `Mate No. 1` first, so a mate's number is the place in the list.
#[tokio::test]
async fn presence_is_current_after_a_gap() {
    let (app, browsers) = (TestApp::spawn().await, BrowserDriver::start().await);
    let ann = app.register_user("ann").await;
    let first = fill(&app, &ann, 500, 1).await;
    // All have Ann's password.
    let hash = "UPDATE \"user\" SET password_hash = (SELECT password_hash FROM \"user\" \
                WHERE username = 'ann')";
    run(&app, &[hash.to_owned()]).await;
    let tab = browsers.open_as(&ann, DESKTOP).await;
    for place in [1, 51, 500] {
        let mate = log_in(&app, place).await;
        let socket = mate.socket("/ws/").await;
        tab.open_conversation(first + place - 1).await;
        tab.see_text(".bar-name .hint", "online").await;
        tab.set_network(NetworkState::Offline).await;
        tab.see_text(".banner", "Offline.").await;
        drop(socket);
        let path = format!("/api/users/mate{place}/");
        until("the mate to leave", async || {
            let profile = ann.get(&path).await.expect(200);
            (profile["is_online"] == false).then_some(())
        })
        .await;
        tab.set_network(NetworkState::Online).await;
        tab.see_text(".bar-name .hint", "last seen just now").await;
        tab.see_absent("main .face.is-online").await;
    }
    // If the state can't be read, none is shown.
    let mate = log_in(&app, 500).await;
    let _socket = mate.socket("/ws/").await;
    tab.see_text(".bar-name .hint", "online").await;
    tab.set_network(NetworkState::Offline).await;
    tab.see_text(".banner", "Offline.").await;
    tab.block_urls(&["*/api/conversations/*"]).await;
    tab.set_network(NetworkState::Online).await;
    tab.see_absent("main .face.is-online").await;
}

async fn log_in(app: &TestApp, place: i64) -> TestUser {
    TestUser::log_in(app.site(), &format!("mate{place}"), PASSWORD).await
}
