//! Tickets, each of which opens one socket by `?token=`.

use serde_json::json;

use crate::support::{TestApp, TestSocket, TestUser};

async fn ticket(person: &TestUser) -> String {
    let issued = person.post("/api/auth/ticket/", json!({})).await;
    let issued = issued.expect(201);
    assert_eq!(issued["expires_in"], 10);
    issued["ticket"].as_str().unwrap().to_owned()
}

/// Returns a copy of the user that sends no token in its headers.
fn without_token(person: &TestUser) -> TestUser {
    TestUser {
        token: String::new(),
        ..person.clone()
    }
}

async fn open(person: &TestUser, ticket: &str) -> Option<TestSocket> {
    TestSocket::open_with_ticket(person, &format!("/ws/?token={ticket}")).await
}

#[tokio::test]
async fn ticket_opens_one_socket() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let ticket = ticket(&ann).await;
    let nobody = without_token(&ann);
    let mut socket = open(&nobody, &ticket).await.unwrap();
    assert_eq!(socket.expect("hello").await["user"]["id"], ann.id);
    assert!(
        open(&nobody, &ticket).await.is_none(),
        "the ticket is spent"
    );
    assert!(open(&nobody, "nonsense").await.is_none());
}

/// Only a socket's handshake accepts a ticket.
#[tokio::test]
async fn ticket_is_no_bearer_token() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let ticket = ticket(&ann).await;
    let by_ticket = TestUser {
        token: ticket.clone(),
        ..ann.clone()
    };
    let refused = by_ticket.get("/api/me/").await;
    refused.expect_problem(401, "unauthenticated");
    let query = app.get(&format!("/api/me/?token={ticket}")).await;
    query.expect_problem(401, "unauthenticated");
    // None of these requests spent the ticket.
    assert!(open(&without_token(&ann), &ticket).await.is_some());
}

#[tokio::test]
async fn ticket_ends_with_its_login() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let ticket = ticket(&ann).await;
    ann.post("/api/auth/logout/", json!({})).await.expect(204);
    assert!(open(&without_token(&ann), &ticket).await.is_none());
}
