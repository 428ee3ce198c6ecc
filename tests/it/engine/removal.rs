//! Sends that race the removal of a connection: each message is stored before
//! the removal, or refused.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{TestApp, TestSocket, TestUser};

const ROUNDS: usize = 200;

/// Guards against a send that was authorized before the removal and written
/// after it. A Room's copy of the members is always slightly out of date.
#[tokio::test]
async fn send_precedes_removal_or_is_refused() {
    let app = TestApp::builder();
    // This many errors in a row would close the socket.
    let app = app.settings(|settings| settings.limits.errors_before_close = usize::MAX);
    let app = app.spawn().await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut connection = ann.connect_with(&ben).await;
    let id = ann.open_direct_used(&ben).await;
    let mut socket = ann.chat_socket(id).await;
    let (mut written, mut refused) = (0, 0);
    for round in 0..ROUNDS {
        let race = Race {
            people: (&ann, &ben),
            conversation: id,
            names: (0..1 + round % 12)
                .map(|at| format!("{round}-{at}"))
                .collect(),
        };
        let before = last_seq(&ann, id).await;
        let (outcomes, at_removal) = tokio::join!(
            race.send(&mut socket),
            race.remove(connection, round % 3 == 2),
        );
        race.check(&outcomes, before, at_removal).await;
        written += outcomes.echoed.len();
        refused += outcomes.refused.len();
        race.try_again(&mut socket, &outcomes).await;
        connection = ann.connect_with(&ben).await;
        socket.send_text("Here we are again.").await;
        assert_eq!(socket.expect_message().await["seq"], at_removal + 1);
    }
    // The race is real: each side wins at least once.
    assert!(
        written > 0 && refused > 0,
        "{written} written, {refused} refused"
    );
    assert_eq!(last_seq(&ann, id).await as usize, 1 + written + ROUNDS);
}

/// One burst of sends, and one removal at the same time.
struct Race<'a> {
    people: (&'a TestUser, &'a TestUser),
    conversation: i64,
    names: Vec<String>,
}

/// The replies to a burst: echoed messages, and refused `client_id`s.
#[derive(Default)]
struct Outcomes {
    echoed: Vec<Value>,
    refused: BTreeSet<String>,
}

impl Race<'_> {
    /// Sends the burst and returns exactly one outcome for each message.
    async fn send(&self, socket: &mut TestSocket) -> Outcomes {
        for name in &self.names {
            socket.send_text_as("Quick, before it ends!", name).await;
        }
        let mut outcomes = Outcomes::default();
        for _ in &self.names {
            let mut frame = socket.next().await;
            if frame["type"] == "error" {
                assert_eq!(frame["code"], "not_connected", "{frame}");
                let name = frame["client_id"].as_str().unwrap();
                assert!(outcomes.refused.insert(name.to_owned()));
            } else {
                outcomes.echoed.push(frame["message"].take());
            }
        }
        socket.expect_nothing_until_pong().await;
        outcomes
    }

    /// Ends the connection, at once or after one other request. Returns the
    /// last `seq` after the server's answer.
    async fn remove(&self, connection: i64, later: bool) -> i64 {
        let (_, ben) = self.people;
        if later {
            ben.get("/api/me/").await.expect(200);
        }
        let path = format!("/api/connections/{connection}/");
        ben.delete(&path).await.expect(204);
        last_seq(ben, self.conversation).await
    }

    /// Checks that nothing was written after the removal was answered, and that
    /// the stored messages are the echoed ones.
    async fn check(&self, outcomes: &Outcomes, before: i64, at_removal: i64) {
        let (ann, _) = self.people;
        assert_eq!(last_seq(ann, self.conversation).await, at_removal);
        let history = ann.history(self.conversation).await;
        let newest = history
            .iter()
            .filter(|it| it["seq"].as_i64().unwrap() > before);
        let on_disk: Vec<&Value> = newest.collect();
        assert_eq!(on_disk, outcomes.echoed.iter().collect::<Vec<_>>());
        // The stored messages are the first ones of the burst, in the same
        // order.
        let names = on_disk.iter().map(|it| it["client_id"].as_str().unwrap());
        let names: Vec<&str> = names.collect();
        assert_eq!(names, self.names[..names.len()]);
        let rest = self.names[names.len()..].iter().cloned();
        assert_eq!(rest.collect::<BTreeSet<_>>(), outcomes.refused);
    }

    /// Retries after the removal: stored messages are echoed, all others are
    /// refused.
    async fn try_again(&self, socket: &mut TestSocket, outcomes: &Outcomes) {
        if let Some(first) = outcomes.echoed.first() {
            let name = first["client_id"].as_str().unwrap();
            socket.send_text_as("again", name).await;
            assert_eq!(&socket.expect_message().await, first);
        }
        if let Some(name) = outcomes.refused.first() {
            socket.send_text_as("again", name).await;
            let error = socket.expect_error("not_connected").await;
            assert_eq!(error["client_id"], name.as_str());
        }
    }
}

async fn last_seq(person: &TestUser, conversation: i64) -> i64 {
    let seen = person.conversation(conversation).await;
    seen["last_seq"].as_i64().unwrap()
}
