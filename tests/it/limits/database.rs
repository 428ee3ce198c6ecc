//! Database time budgets: only the user that exceeds one is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tidings::config::RateLimits;
use tidings::engine::testing::FaultHooks;

use super::{assert_about, only};
use crate::admin::Keeper;
use crate::pages::Browser;
use crate::support::{TestApp, TestUser};

/// Time charged for each statement of the expensive payer: more than the whole
/// budget.
const EXPENSIVE: Duration = Duration::from_secs(100);
/// The longest wait until a budget recovers, in seconds.
const LONGEST_WAIT: u64 = 600;
/// Matches no user.
const NO_USER: i64 = -1;

/// Makes the statements of one payer expensive: of a user, by id, or of all
/// addresses, by 0.
#[derive(Clone)]
struct Expensive(Arc<AtomicI64>);

impl Expensive {
    fn is(&self, id: i64) {
        self.0.store(id, Ordering::SeqCst);
    }
}

/// Starts a server with a minute of database time for each payer, without refill.
async fn budgeted() -> (TestApp, Expensive) {
    let expensive = Expensive(Arc::new(AtomicI64::new(NO_USER)));
    let whose = expensive.clone();
    let faults = FaultHooks {
        database_time: Some(Arc::new(move |user, took| {
            let id = user.map_or(0, |user| user.0);
            if whose.0.load(Ordering::SeqCst) == id {
                EXPENSIVE
            } else {
                took
            }
        })),
        ..FaultHooks::default()
    };
    let rates = RateLimits {
        database: only(60_000),
        ..RateLimits::off()
    };
    let builder = TestApp::builder().faults(faults);
    let app = builder.settings(|it| it.rates = rates).spawn().await;
    (app, expensive)
}

async fn goes_on(person: &TestUser, id: i64) {
    person.send(id, "Undisturbed").await.expect(201);
    assert!(!person.history(id).await.is_empty());
    person.get("/api/conversations/").await.expect(200);
}

#[tokio::test]
async fn costly_reader_is_refused_alone() {
    let (app, expensive) = budgeted().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let (mut hers, mut his) = (ann.socket("/ws/").await, ben.chat_socket(id).await);
    expensive.is(ann.id);
    // The request that exceeds the budget still completes.
    ann.get("/api/conversations/").await.expect(200);
    let refused = ann.get("/api/conversations/").await;
    assert_about(LONGEST_WAIT, refused.header("retry-after"));
    refused.expect_problem(429, "rate_limited");
    ann.send(id, "More")
        .await
        .expect_problem(429, "rate_limited");
    ann.try_upgrade("/ws/")
        .await
        .expect_problem(429, "rate_limited");
    let named = json!({ "type": "read_receipt", "conversation_id": id, "message_id": 1 });
    hers.send(named).await;
    let refused = hers.expect_error("rate_limited").await;
    assert_about(LONGEST_WAIT, Some(&refused["retry_after"].to_string()));
    hers.expect_nothing_until_pong().await;
    goes_on(&ben, id).await;
    his.send_text("On the socket, too").await;
    his.expect_message().await;
    his.expect_message().await;
}

#[tokio::test]
async fn costly_send_is_charged_to_sender() {
    let (app, expensive) = budgeted().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    expensive.is(ann.id);
    socket.send_text("One").await;
    socket.expect_message().await;
    socket.send_text("Two").await;
    socket.expect_error("rate_limited").await;
    goes_on(&ben, id).await;
}

#[tokio::test]
async fn costly_resume_is_charged_to_user() {
    let (app, expensive) = budgeted().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let resume = json!({ "type": "resume", "after": 0 });
    expensive.is(ann.id);
    socket.send(resume.clone()).await;
    while socket.next().await["type"] != "resumed" {}
    socket.send(resume).await;
    socket.expect_error("rate_limited").await;
    goes_on(&ben, id).await;
}

/// Only a read shows whether a user who reports typing is a former member.
#[tokio::test]
async fn refused_typing_is_charged_to_user() {
    let (app, expensive) = budgeted().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let cat = app.register_user("cat").await;
    let mut socket = cat.socket("/ws/").await;
    let typing = json!({ "type": "typing", "conversation_id": id, "is_typing": true });
    expensive.is(cat.id);
    socket.send(typing).await;
    socket.expect_error("not_found").await;
    cat.get("/api/conversations/")
        .await
        .expect_problem(429, "rate_limited");
    goes_on(&ben, id).await;
}

#[tokio::test]
async fn costly_address_is_refused_before_login() {
    let (app, expensive) = budgeted().await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    let id = ann.open_direct_used(&ben).await;
    let mut browser = Browser::at(&app);
    browser.log_in("ann").await.expect(303);
    expensive.is(0);
    app.log_in("nobody")
        .await
        .expect_problem(401, "bad_credentials");
    app.log_in("ann").await.expect_problem(429, "rate_limited");
    let body = json!({ "username": "cas", "password": "correct horse battery" });
    let registered = app.post("/api/auth/register/", body).await;
    registered.expect_problem(429, "rate_limited");
    let stranger = Browser::at(&app);
    let request = stranger.request(Method::GET, "/reset?token=x");
    let answer = app
        .site()
        .send(request.header("accept", "application/json"));
    answer.await.expect_problem(429, "rate_limited");
    app.get("/healthz").await.expect(200);
    // A valid login pays from its own budget, also at that address.
    goes_on(&ann, id).await;
    browser.get("/messages").await.expect(200);
}

#[tokio::test]
async fn expensive_accounts_are_listed() {
    let (app, expensive) = budgeted().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = app.register_connected("ann", "ben").await;
    expensive.is(ann.id);
    ann.get("/api/conversations/").await.expect(200);
    ben.get("/api/conversations/").await.expect(200);
    let page = keeper.get("/admin").await.expect(200);
    let (_, list) = page.text.split_once("Accounts by database time").unwrap();
    let place = |name: &str| list.find(&format!(">{name}</a>")).unwrap();
    assert!(place("ann") < place("ben"), "{list}");
}
