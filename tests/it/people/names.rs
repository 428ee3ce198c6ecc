//! Validation of characters in names, titles and texts, on every endpoint and
//! frame that sets them.

use serde_json::{Value, json};

use super::patch;
use crate::support::{PASSWORD, TestApp, TestUser};

/// One example of each class of characters that names refuse.
const DECEPTIVE: [&str; 9] = [
    "a\u{200B}b",
    "Ann\u{202E}",
    "a\u{2028}b",
    "Ann\u{E0041}",
    "a\u{301}\u{302}\u{303}\u{304}\u{305}",
    "\u{FDFD}\u{FDFD}\u{FDFD}\u{FDFD}\u{FDFD}\u{FDFD}",
    "\u{FEFF}",
    "\u{3164}",
    "\u{2800}",
];

#[tokio::test]
async fn deceptive_characters_are_refused_in_names() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let group = |title: &str| json!({ "title": title, "usernames": [ben.username] });
    let made = ann
        .post("/api/conversations/create/", group("Crew"))
        .await
        .expect(201);
    let rename = format!("/api/conversations/{}/", made["id"]);
    for name in DECEPTIVE {
        let register = json!({ "username": "cas", "password": PASSWORD, "display_name": name });
        let answers = [
            (
                "display_name",
                app.post("/api/auth/register/", register).await,
            ),
            (
                "display_name",
                patch(&ann, "/api/me/", json!({ "display_name": name })).await,
            ),
            (
                "title",
                ann.post("/api/conversations/create/", group(name)).await,
            ),
            (
                "title",
                patch(&ann, &rename, json!({ "title": name })).await,
            ),
        ];
        for (field, answer) in answers {
            let refused = answer.expect_problem(422, "invalid");
            assert_eq!(refused["errors"][0]["field"], field, "{name:?}");
        }
    }
    let kept = ann.get("/api/me/").await.expect(200);
    assert_eq!(kept["display_name"], "ann");
}

#[tokio::test]
async fn names_are_stored_in_nfc() {
    let app = TestApp::spawn().await;
    let ann = app.register_user("ann").await;
    let body = json!({ "display_name": " Zoe\u{308} " });
    let changed = patch(&ann, "/api/me/", body).await.expect(200);
    assert_eq!(changed["display_name"], "Zo\u{EB}");
}

#[tokio::test]
async fn blank_text_is_refused_everywhere() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let sent = ann.send(id, "Hello").await.expect(201);
    let edit = format!("/api/conversations/{id}/messages/{}/", sent["id"]);
    let mut socket = ann.socket("/ws/").await;
    for blank in [
        "\u{200B}",
        "\u{FEFF}",
        " \u{2800}\u{3164} ",
        "\u{AD}\n\u{2060}",
    ] {
        ann.send(id, blank).await.expect_problem(422, "text_empty");
        patch(&ann, &edit, json!({ "text": blank }))
            .await
            .expect_problem(422, "text_empty");
        let by_name = json!({ "message": blank });
        ann.post("/messages/send/ben/", by_name)
            .await
            .expect_problem(422, "text_empty");
        socket
            .send(json!({ "type": "message", "conversation_id": id, "message": blank }))
            .await;
        socket.expect_error("text_empty").await;
    }
    assert_eq!(ann.history(id).await.len(), 1);
}

#[tokio::test]
async fn reserved_usernames_are_taken() {
    let app = TestApp::spawn().await;
    for username in [
        "admin", "Root", "SUPPORT", "adm1n", "tidings", "everyone", "you",
    ] {
        let body = json!({ "username": username, "password": PASSWORD });
        let refused = app.post("/api/auth/register/", body).await;
        refused.expect_problem(409, "username_taken");
    }
    app.register_user("administer").await;
}

#[tokio::test]
async fn reserved_display_names_are_refused() {
    let app = TestApp::spawn().await;
    let ann: TestUser = app.register_user("ann").await;
    for name in [
        "You",
        "YOU",
        "Deleted user",
        "Tidings (system)",
        "T\u{456}dings",
    ] {
        let refused = patch(&ann, "/api/me/", json!({ "display_name": name })).await;
        let refused: Value = refused.expect_problem(422, "invalid");
        assert_eq!(refused["errors"][0]["field"], "display_name", "{name}");
    }
}
