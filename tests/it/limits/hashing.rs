//! Passwords are hashed apart from all else, and by no more than can be.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use parking_lot::{Condvar, Mutex};
use reqwest::Method;
use serde_json::json;
use tidings::engine::testing::Faults;

use crate::pages::Browser;
use crate::support::{PASSWORD, TestApp};

/// More than may hash and wait together, on however many cores.
const CROWD: usize = 44;

/// What those who hash stop at while it is shut.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn set_shut(&self, is_shut: bool) {
        let (shut, changed) = &*self.0;
        *shut.lock() = is_shut;
        changed.notify_all();
    }

    fn pass(&self) {
        let (shut, changed) = &*self.0;
        let mut shut = shut.lock();
        changed.wait_while(&mut shut, |shut| *shut);
    }

    fn faults(&self) -> Faults {
        let gate = self.clone();
        Faults {
            before_hashing: Some(Arc::new(move || gate.pass())),
            ..Faults::default()
        }
    }
}

/// Guards against hashing on the threads that compress answers, and against a
/// queue without end before them.
#[tokio::test]
async fn a_crowd_that_logs_in_holds_nobody_else_up() {
    let gate = Gate::default();
    let app = TestApp::builder().faults(gate.faults()).spawn().await;
    let (ann, ben) = app.connected_pair("ann", "ben").await;
    let id = ann.talk_with(&ben).await;
    let mut there = ben.chat_socket(id).await;
    gate.set_shut(true);
    let body = json!({ "username": "ann", "password": PASSWORD });
    let crowd = (0..CROWD).map(|_| {
        let request = app.site().request(Method::POST, "/api/auth/login/");
        app.site().send(request.json(&body))
    });
    let mut crowd: FuturesUnordered<_> = crowd.collect();
    // Those who find no place are told so while the others wait.
    let mut refused = 0;
    while refused < CROWD - 36 {
        let answer = crowd.next().await.unwrap();
        assert_eq!(answer.header("retry-after"), Some("1"));
        answer.refused(503, "busy");
        refused += 1;
    }
    // Pages come, compressed as ever, and messages.
    let mut browser = Browser::at(&app);
    let page = browser.request(Method::GET, "/login");
    let page = browser.send(page.header("accept-encoding", "gzip")).await;
    assert_eq!(page.expect(200).header("content-encoding"), Some("gzip"));
    ann.send(id, "Still here?").await.expect(201);
    there.expect_message().await;
    gate.set_shut(false);
    let mut let_in = 0;
    while let Some(answer) = crowd.next().await {
        match answer.status {
            200 => let_in += 1,
            _ => refused += usize::from(answer.refused(503, "busy").is_object()),
        }
    }
    assert_eq!(let_in + refused, CROWD);
    assert!(let_in > 32, "{let_in}");
}
