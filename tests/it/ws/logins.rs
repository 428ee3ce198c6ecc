//! The end of a login closes its sockets with 4401, and no others.

use std::time::Duration;

use entity::{LoginId, Millis, UserId};
use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::support::{TestApp, TestSocket, TestUser, TokenTransport, until};
use tidings::store::AuditContext;

/// Returns the login that a token names.
fn login_of(person: &TestUser) -> LoginId {
    let claims = person.token.split('.').nth(1).unwrap();
    let claims = base64(claims);
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    LoginId(claims["sid"].as_i64().unwrap())
}

/// Decodes base64url without padding (RFC 4648, section 5).
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
async fn logout_closes_sockets_of_that_login() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
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

/// The command line and other nodes end a login only in the database.
#[tokio::test]
async fn login_ended_elsewhere_loses_sockets() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let other = ann.log_in_again().await;
    let mut ended = ann.socket("/ws/").await;
    let mut stays = other.socket("/ws/").await;
    let store = app.store().await;
    store
        .logins()
        .end(login_of(&ann), Millis::now())
        .await
        .unwrap();
    assert_eq!(ended.expect_close().await, 4401);
    stays.expect_nothing_until_pong().await;
}

/// Guards a login that ended during an outage, longer ago than a check usually
/// covers.
#[tokio::test]
async fn login_ended_during_outage_loses_sockets() {
    const OVERLAP: Duration = Duration::from_millis(50);
    let app = TestApp::builder()
        .settings(|settings| {
            settings.timings.login_check_every = Duration::from_millis(10);
            settings.timings.login_check_overlap = OVERLAP;
        })
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    let mut ended = ann.socket("/ws/").await;
    let database = app.database().connection().await;
    // PostgreSQL's prepared statements still find the table under its new name.
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
async fn deactivated_user_loses_all_sockets() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut ended = [
        ann.socket("/ws/").await,
        ann.log_in_again().await.chat_socket(id).await,
    ];
    let mut stays = ben.socket("/ws/").await;
    let store = app.store().await;
    store
        .accounts()
        .deactivate(
            UserId(ann.id),
            &AuditContext::from_command_line(Millis::now()),
        )
        .await
        .unwrap();
    for socket in &mut ended {
        assert_eq!(socket.expect_close().await, 4401);
    }
    stays.expect_nothing_until_pong().await;
}

#[tokio::test]
async fn socket_closes_when_token_expires() {
    let app = TestApp::builder()
        .settings(|settings| settings.token_ttl = Duration::from_secs(3))
        .spawn()
        .await;
    let ann = app.register_user("ann").await;
    let mut socket = ann.log_in_again().await.socket("/ws/").await;
    assert_eq!(socket.expect_close().await, 4401);
}

/// Guards the race of a login that ends after the handshake checked it and
/// before the session is in the Directory: the session checks again.
///
/// A session that is closed while it reads must leave no transaction open. On
/// PostgreSQL the next login would be written into that transaction, and lost.
#[tokio::test]
async fn login_ending_during_handshake_closes_socket() {
    let app = TestApp::builder()
        // The periodic check would hide a failure of the session's own check.
        .settings(|settings| settings.timings.login_check_every = Duration::from_secs(3600))
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    // A bound socket reads more after the login, which makes the race longer.
    let path = format!("/ws/chat/{}/", ann.open_direct_used(&ben).await);
    for _ in 0..20 {
        let login = ann.log_in_again().await;
        // Enough handshakes at once that one of them overlaps the end of the
        // login.
        let openers = (0..8).map(|_| async {
            let mut opened = Vec::new();
            for _ in 0..4 {
                opened.extend(TestSocket::try_open(&login, &path, TokenTransport::Bearer).await);
            }
            opened
        });
        let (opened, ended) = tokio::join!(
            join_all(openers),
            login.post("/api/auth/logout/", json!({}))
        );
        ended.expect(204);
        for mut socket in opened.into_iter().flatten() {
            // A socket that is closed at once never received `hello`.
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
