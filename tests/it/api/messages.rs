//! `/api/conversations/{id}/messages/`.

use serde_json::{Value, json};

use crate::support::{TestApp, TestUser};

/// Creates a conversation of `count` messages whose texts are their numbers.
async fn long_talk(app: &TestApp, count: usize) -> (TestUser, i64) {
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    for at in 1..=count {
        socket.send_text(&at.to_string()).await;
    }
    socket.expect("conversation").await;
    for _ in 1..=count {
        socket.expect_message().await;
    }
    (ann, id)
}

fn seqs(body: &Value) -> Vec<i64> {
    let messages = body.as_array().unwrap().iter();
    messages
        .map(|message| message["seq"].as_i64().unwrap())
        .collect()
}

#[tokio::test]
async fn history_pages_link_both_ways() {
    let app = TestApp::spawn().await;
    let (ann, id) = long_talk(&app, 120).await;
    let path = format!("/api/conversations/{id}/messages/");

    let newest = ann.get(&path).await;
    assert_eq!(seqs(&newest.body), (71..=120).collect::<Vec<_>>());
    assert_eq!(newest.link("next"), None);
    let older = ann.get(&newest.link("prev").unwrap()).await;
    assert_eq!(seqs(&older.body), (21..=70).collect::<Vec<_>>());
    let oldest = ann.get(&older.link("prev").unwrap()).await;
    assert_eq!(seqs(&oldest.body), (1..=20).collect::<Vec<_>>());
    assert_eq!(oldest.link("prev"), None);
    let back = ann.get(&oldest.link("next").unwrap()).await;
    assert_eq!(seqs(&back.body), (21..=70).collect::<Vec<_>>());
    let back = ann.get(&back.link("next").unwrap()).await;
    assert_eq!(seqs(&back.body), (71..=120).collect::<Vec<_>>());
    assert_eq!(back.link("next"), None);
}

#[tokio::test]
async fn history_part_is_selected_by_seq() {
    let app = TestApp::spawn().await;
    let (ann, id) = long_talk(&app, 30).await;
    let get = async |query: &str| {
        let path = format!("/api/conversations/{id}/messages?{query}");
        ann.get(&path).await
    };
    assert_eq!(seqs(&get("before=11&limit=3").await.body), [8, 9, 10]);
    assert_eq!(seqs(&get("after=11&limit=3").await.body), [12, 13, 14]);
    let around = get("around=11&limit=4").await;
    assert_eq!(seqs(&around.body), [9, 10, 11, 12]);
    assert!(around.link("prev").is_some() && around.link("next").is_some());
    assert_eq!(seqs(&get("before=1").await.body), [] as [i64; 0]);
    assert_eq!(seqs(&get("after=30").await.body), [] as [i64; 0]);
    assert_eq!(seqs(&get("after=-5&limit=2").await.body), [1, 2]);
    assert_eq!(seqs(&get("around=30&limit=1").await.body), [30]);
    get("before=1&after=1")
        .await
        .expect_problem(400, "bad_request");
    get("before=x").await.expect_problem(400, "bad_request");
}

#[tokio::test]
async fn page_has_1_to_100_messages() {
    let app = TestApp::spawn().await;
    let (ann, id) = long_talk(&app, 110).await;
    for (asked, got) in [("1000", 100), ("101", 100), ("99", 99), ("1", 1), ("0", 1)] {
        let path = format!("/api/conversations/{id}/messages/?limit={asked}");
        let body = ann.get(&path).await.expect(200);
        assert_eq!(body.as_array().unwrap().len(), got, "{asked}");
    }
    for wrong in ["-1", "x", "99999999999999999999999"] {
        let path = format!("/api/conversations/{id}/messages/?limit={wrong}");
        ann.get(&path).await.expect_problem(400, "bad_request");
    }
}

#[tokio::test]
async fn extreme_seqs_are_accepted() {
    let app = TestApp::spawn().await;
    let (ann, id) = long_talk(&app, 3).await;
    for place in [i64::MIN, i64::MIN + 1, -1, 0, 4, i64::MAX - 1, i64::MAX] {
        for side in ["before", "after", "around"] {
            let path = format!("/api/conversations/{id}/messages/?{side}={place}");
            ann.get(&path).await.expect(200);
        }
    }
}

#[tokio::test]
async fn text_loses_only_surrounding_blanks() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    let sent = ann.send(id, " \n <b>a\u{301}\r\n\t🙂</b> \u{a0}").await;
    let sent = sent.expect(201);
    // Indentation of the first line is kept.
    assert_eq!(sent["text"], " <b>a\u{301}\r\n\t🙂</b>");
    assert_eq!(ben.history(id).await[0]["text"], sent["text"]);
    // The limit counts characters, not bytes.
    let long = "🙂".repeat(10_000);
    assert_eq!(ann.send(id, &long).await.expect(201)["text"], long);
}

#[tokio::test]
async fn invalid_text_is_refused() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct(&ben).await;
    ann.send(id, " \n ").await.expect_problem(422, "text_empty");
    let long = "x".repeat(10_001);
    ann.send(id, &long)
        .await
        .expect_problem(422, "text_too_long");
    ann.send(id, "a\0b").await.expect_problem(422, "invalid");
    for name in ["", "a\nb", &"x".repeat(65)] {
        let body = ann
            .send_as(id, "Hello", name)
            .await
            .expect_problem(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "client_id");
    }
    assert_eq!(ann.history(id).await, [] as [Value; 0]);
    let longest = "ä".repeat(64);
    let sent = ann.send_as(id, "Hello", &longest).await.expect(201);
    assert_eq!(sent["client_id"], longest);
}

#[tokio::test]
async fn reply_needs_message_of_same_conversation() {
    let app = TestApp::spawn().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let cat = app.register_user("cat").await;
    ann.connect_with(&cat).await;
    let id = ann.open_direct(&ben).await;
    let elsewhere = ann.open_direct(&cat).await;
    let first = ann.send(id, "Tea?").await.expect(201);
    let other = ann.send(elsewhere, "Coffee?").await.expect(201);

    let path = format!("/api/conversations/{id}/messages/");
    let body = json!({ "text": "Please", "reply_to": first["id"] });
    let answer = ben.post(&path, body).await.expect(201);
    assert_eq!(answer["reply_to"]["id"], first["id"]);
    assert_eq!(answer["reply_to"]["text"], "Tea?");
    assert_eq!(ann.history(id).await[1]["reply_to"], answer["reply_to"]);

    for wrong in [other["id"].clone(), json!(1_000_000), json!(-1)] {
        let body = json!({ "text": "Please", "reply_to": wrong });
        let body = ben.post(&path, body).await.expect_problem(422, "invalid");
        assert_eq!(body["errors"][0]["field"], "reply_to");
    }
    assert_eq!(ann.history(id).await.len(), 2);
}
