//! Tickets: what opens one socket by `?token=`.

use serde_json::json;

use crate::support::{Person, Socket, TestApp};

async fn ticket(person: &Person) -> String {
    let issued = person.post("/api/auth/ticket/", json!({})).await;
    let issued = issued.expect(201);
    assert_eq!(issued["expires_in"], 10);
    issued["ticket"].as_str().unwrap().to_owned()
}

/// The person, without a token in any header.
fn without_token(person: &Person) -> Person {
    Person {
        token: String::new(),
        ..person.clone()
    }
}

async fn open(person: &Person, ticket: &str) -> Option<Socket> {
    Socket::open_with_ticket(person, &format!("/ws/?token={ticket}")).await
}

#[tokio::test]
async fn ticket_opens_one_socket() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let ticket = ticket(&ann).await;
    let nobody = without_token(&ann);
    let mut socket = open(&nobody, &ticket).await.unwrap();
    assert_eq!(socket.expect("hello").await["user"]["id"], ann.id);
    assert!(open(&nobody, &ticket).await.is_none(), "it is spent");
    assert!(open(&nobody, "nonsense").await.is_none());
}

/// It is no token: nothing but a socket's handshake takes it.
#[tokio::test]
async fn ticket_is_no_bearer_token() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let ticket = ticket(&ann).await;
    let by_ticket = Person {
        token: ticket.clone(),
        ..ann.clone()
    };
    let refused = by_ticket.get("/api/me/").await;
    refused.refused(401, "unauthenticated");
    let query = app.get(&format!("/api/me/?token={ticket}")).await;
    query.refused(401, "unauthenticated");
    // None of that has spent it.
    assert!(open(&without_token(&ann), &ticket).await.is_some());
}

#[tokio::test]
async fn ticket_ends_with_its_login() {
    let app = TestApp::spawn().await;
    let ann = app.person("ann").await;
    let ticket = ticket(&ann).await;
    ann.post("/api/auth/logout/", json!({})).await.expect(204);
    assert!(open(&without_token(&ann), &ticket).await.is_none());
}
