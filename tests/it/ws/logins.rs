//! A login that ends takes its sockets along, with 4401, and no other's.

use std::time::Duration;

use entity::{LoginId, Millis, UserId};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::{Person, Socket, TestApp, TokenBy, until};
use tidings::store::Act;

/// The login that a token names.
fn login_of(person: &Person) -> LoginId {
    let claims = person.token.split('.').nth(1).unwrap();
    let claims = base64(claims);
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    LoginId(claims["sid"].as_i64().unwrap())
}

/// base64url without padding (RFC 4648, section 5).
fn base64(text: &str) -> Vec<u8> {
    const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = 0_u32;
    let mut count = 0;
    let mut bytes = Vec::new();
    for sign in text.bytes() {
        let value = SIGNS.iter().position(|other| *other == sign).unwrap();
        bits = (bits << 6) | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn logging_out_closes_that_logins_sockets_and_no_others() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let other = ann.log_in_again().await;
    let mut ended = [ann.socket("/ws/").await, ann.chat_socket(id).await];
    let mut stay = [
        other.socket("/ws/").await,
        other.chat_socket(id).await,
        ben.socket("/ws/").await,
    ];
    ann.post("/api/auth/logout/", json!({})).await.expect(204);
    for socket in &mut ended {
        assert_eq!(socket.expect_close().await, 4401);
    }
    for socket in &mut stay {
        socket.expect_nothing_until_pong().await;
    }
}

/// As the command line and other nodes do it: in the database alone.
#[tokio::test]
async fn a_login_that_another_process_ended_loses_its_sockets() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let other = ann.log_in_again().await;
    let mut ended = ann.socket("/ws/").await;
    let mut stays = other.socket("/ws/").await;
    let store = app.store().await;
    store
        .end_login(login_of(&ann), Millis::now())
        .await
        .unwrap();
    assert_eq!(ended.expect_close().await, 4401);
    stays.expect_nothing_until_pong().await;
}

/// Guards a login that ended while nobody could look, longer ago than a look
/// usually goes back.
#[tokio::test]
async fn a_login_that_ended_in_a_long_outage_loses_its_sockets() {
    const OVERLAP: Duration = Duration::from_millis(50);
    let app = TestApp::builder()
        .settings(|settings| {
            settings.timings.login_check_every = Duration::from_millis(10);
            settings.timings.login_check_overlap = OVERLAP;
        })
        .spawn()
        .await;
    let ann = app.person("ann").await;
    let mut ended = ann.socket("/ws/").await;
    let database = app.database().connection().await;
    // PostgreSQL's prepared statements still find what they once found.
    let hide = "ALTER TABLE login RENAME TO hidden";
    database.execute_unprepared(hide).await.unwrap();
    let at = Millis::now();
    let end = format!("UPDATE hidden SET ended_at = {}", at.0);
    database.execute_unprepared(&end).await.unwrap();
    until("the outage to be a long one", async || {
        (Millis::now().since(at) > 4 * OVERLAP).then_some(())
    })
    .await;
    let show = "ALTER TABLE hidden RENAME TO login";
    database.execute_unprepared(show).await.unwrap();
    assert_eq!(ended.expect_close().await, 4401);
    database.close().await.unwrap();
}

#[tokio::test]
async fn who_is_deactivated_loses_every_socket() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut ended = [
        ann.socket("/ws/").await,
        ann.log_in_again().await.chat_socket(id).await,
    ];
    let mut stays = ben.socket("/ws/").await;
    let store = app.store().await;
    store
        .deactivate(UserId(ann.id), &Act::at_the_command_line(Millis::now()))
        .await
        .unwrap();
    for socket in &mut ended {
        assert_eq!(socket.expect_close().await, 4401);
    }
    stays.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn a_socket_is_closed_when_its_token_expires() {
    let app = TestApp::builder()
        .settings(|settings| settings.token_ttl = Duration::from_secs(3))
        .spawn()
        .await;
    let ann = app.person("ann").await;
    let mut socket = ann.log_in_again().await.socket("/ws/").await;
    assert_eq!(socket.expect_close().await, 4401);
}

/// Guards the race of a login that ends between the handshake's look at it
/// and the session's place in the Directory: the session looks once more. And
/// a session that is closed while it reads leaves no transaction open: on
/// PostgreSQL the next login would have been written into that, and be lost.
#[tokio::test]
async fn no_socket_outlives_a_login_that_ends_while_it_opens() {
    let app = TestApp::builder()
        // What the regular look finds would hide what this one misses.
        .settings(|settings| settings.timings.login_check_every = Duration::from_secs(3600))
        .spawn()
        .await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    // The bound door looks at more after the login, which makes it longer.
    let path = format!("/ws/chat/{}/", ann.talk_with(&ben).await);
    for _ in 0..20 {
        let login = ann.log_in_again().await;
        // As many at once as it takes for one of them to be in that moment.
        let openers = (0..8).map(|_| async {
            let mut opened = Vec::new();
            for _ in 0..4 {
                opened.extend(Socket::try_open(&login, &path, TokenBy::Bearer).await);
            }
            opened
        });
        let (opened, ended) = tokio::join!(
            join_all(openers),
            login.post("/api/auth/logout/", json!({}))
        );
        ended.expect(204);
        for mut socket in opened.into_iter().flatten() {
            // One that is closed at once never said `hello`.
            let first = socket.next_or_close().await;
            let code = match first {
                Ok(hello) => {
                    assert_eq!(hello["type"], "hello");
                    socket.expect_close().await
                }
                Err(code) => code,
            };
            assert_eq!(code, 4401);
        }
    }
}
