//! Reports of messages: who may create them, and what admins may read in them.

use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use tidings::config::{RateLimit, RateLimits};

use super::Keeper;
use crate::groups::crew::{group, remove};
use crate::support::{ApiResponse, TestApp, TestUser, until};

async fn report(person: &TestUser, id: i64, message: &serde_json::Value, why: &str) -> ApiResponse {
    let path = format!("/api/conversations/{id}/messages/{}/report/", message["id"]);
    person.post(&path, json!({ "reason": why })).await
}

#[tokio::test]
async fn report_shows_only_nearby_messages() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut sent = Vec::new();
    for at in 2..=20 {
        sent.push(ann.send(id, &format!("Number {at}.")).await.expect(201));
    }
    let quoting = json!({ "text": "Number 21.", "reply_to": sent[0]["id"] });
    let path = format!("/api/conversations/{id}/messages/");
    ben.post(&path, quoting).await.expect(201);
    let bad = ann.send(id, "Bad <b>").await.expect(201);
    for at in 23..=40 {
        ann.send(id, &format!("Number {at}.")).await.expect(201);
    }
    report(&ben, id, &bad, "Rude & loud").await.expect(201);

    let list = keeper.get("/admin/reports").await.expect(200);
    list.check_page();
    assert!(list.text.contains("Rude &#38; loud"), "{}", list.text);
    assert!(!list.text.contains("Bad"));
    let shown = keeper.get("/admin/reports/1").await.expect(200);
    shown.check_page();
    assert!(shown.text.contains("Bad &#60;b&#62;"), "{}", shown.text);
    assert!(!shown.text.contains("Number"));
    assert_eq!(keeper.log("?what=report.read").await.len(), 0);

    let shown = keeper.act("/admin/reports/1", &[]).await.expect(200);
    shown.check_page();
    for at in 17..=27 {
        let text = if at == 22 {
            "Bad".to_owned()
        } else {
            format!("Number {at}.")
        };
        assert!(shown.text.contains(&text), "{at}");
    }
    // Messages outside the range are hidden, even one that is quoted inside it.
    for at in [2, 16, 28] {
        assert!(!shown.text.contains(&format!("Number {at}.")), "{at}");
    }
    let log = keeper.log("?what=report.read").await;
    assert_eq!(log.len(), 1);
    let line = "Rude & loud,\"report 1, messages 17 to 27\"";
    assert!(log[0].contains(line), "{log:?}");
    assert!(log[0].contains(&format!("conversation:{id}")));

    delete_and_close(&mut keeper, (id, &bad)).await;
}

/// Deletes a reported message, checks that the report still shows its text, and
/// closes the report.
async fn delete_and_close(keeper: &mut Keeper, (id, bad): (i64, &serde_json::Value)) {
    let delete = format!("/admin/conversations/{id}/messages/{}/delete", bad["id"]);
    keeper
        .act(&delete, &[("reason", "Abuse")])
        .await
        .expect(303);
    let shown = keeper.act("/admin/reports/1", &[]).await.expect(200);
    assert_eq!(shown.text.matches("Bad").count(), 1);
    let done = keeper.browser.submit("/admin/reports/1/done", &[]).await;
    assert_eq!(done.expect(303).location(), "/admin/reports");
    keeper
        .browser
        .submit("/admin/reports/1/done", &[])
        .await
        .expect(303);
    assert_eq!(keeper.log("?what=report.done").await.len(), 1);
    let list = keeper.get("/admin/reports").await.expect(200);
    assert!(list.text.contains("No open reports."));
    let list = keeper.get("/admin/reports?state=done").await.expect(200);
    list.check_page();
    assert!(list.text.contains("Rude &#38; loud"));
    for path in ["/admin/reports/7", "/admin/reports/0"] {
        keeper.get(path).await.expect(404);
    }
}

#[tokio::test]
async fn reports_are_unique_and_rate_limited() {
    let app = TestApp::builder()
        .settings(|settings| {
            settings.rates = RateLimits {
                reports: Some(RateLimit {
                    burst: 2.try_into().unwrap(),
                    interval: Duration::from_secs(3600),
                }),
                ..RateLimits::off()
            };
        })
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut sent = Vec::new();
    for text in ["One", "Two", "Three"] {
        sent.push(ann.send(id, text).await.expect(201));
    }
    for _ in 0..5 {
        report(&ben, id, &sent[0], " ")
            .await
            .expect_problem(422, "invalid");
    }
    let first = report(&ben, id, &sent[0], "Spam").await.expect(201);
    assert_eq!(first["state"], "reported");
    for _ in 0..5 {
        let again = report(&ben, id, &sent[0], "Again").await.expect(200);
        assert_eq!(again, first);
    }
    report(&ben, id, &sent[1], "Spam").await.expect(201);
    let refused = report(&ben, id, &sent[2], "Spam").await;
    assert!(refused.header("retry-after").is_some());
    refused.expect_problem(429, "rate_limited");
    let store = app.store().await;
    let found = store.reports().list(false, None, 50).await.unwrap();
    store.close().await;
    let reasons = found.iter().map(|found| &*found.report.reason);
    assert_eq!(reasons.collect::<Vec<_>>(), ["Spam", "Spam"]);
}

#[tokio::test]
async fn reports_need_visible_messages() {
    let app = TestApp::spawn().await;
    let (id, people) = group(&app, &["ann", "ben", "cas"]).await;
    let (ann, ben) = (&people[0], &people[1]);
    let seen = ann.send(id, "Seen").await.expect(201);
    let system = ben.history(id).await[0].clone();
    report(ben, id, &system, "Spam")
        .await
        .expect_problem(409, "conflict");
    report(ann, id, &seen, "Spam")
        .await
        .expect_problem(409, "conflict");
    remove(ann, id, "ben").await.expect(204);
    let unseen = ann.send(id, "Not seen").await.expect(201);
    // A former member may report messages of their history.
    report(ben, id, &seen, "Spam").await.expect(201);
    report(ben, id, &unseen, "Spam")
        .await
        .expect_problem(404, "not_found");
    let stranger = app.register_user("dan").await;
    report(&stranger, id, &seen, "Spam")
        .await
        .expect_problem(404, "not_found");
    let gone = ann.send(id, "Gone").await.expect(201);
    let path = format!("/api/conversations/{id}/messages/{}/", gone["id"]);
    ann.delete(&path).await.expect(204);
    report(&people[2], id, &gone, "Spam")
        .await
        .expect_problem(409, "conflict");
}

#[tokio::test]
async fn reports_are_deleted_after_90_days() {
    const DAY: i64 = 24 * 3600 * 1000;
    let app = TestApp::builder()
        .settings(|settings| settings.timings.cleanup_every = Duration::from_millis(50))
        .spawn()
        .await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let db = app.database().connection().await;
    for (text, days) in [("Old", 91), ("New", 89)] {
        let sent = ann.send(id, text).await.expect(201);
        report(&ben, id, &sent, text).await.expect(201);
        let by = days * DAY;
        let sql =
            format!("UPDATE report SET created_at = created_at - {by} WHERE reason = '{text}'");
        db.execute_unprepared(&sql).await.unwrap();
    }
    let remaining = async || {
        let sql = "SELECT text FROM report";
        let texts = Statement::from_string(db.get_database_backend(), sql);
        let rows = db.query_all_raw(texts).await.unwrap();
        let texts = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
        texts.collect::<Vec<String>>()
    };
    until("the row to go", async || {
        (remaining().await == ["New"]).then_some(())
    })
    .await;
    db.close().await.unwrap();
}
