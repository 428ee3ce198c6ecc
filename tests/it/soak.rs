//! Dozens of clients that connect, send, read, edit, disconnect and resume at
//! random for `TIDINGS_SOAK_SECONDS`, while users are removed from groups and
//! invited again. In the end every client's view equals the database, message
//! by message: from its live frames, and again after a restart.

mod client;
mod conversation_state;
mod view;

use std::time::Duration;

use tokio::time::Instant;

use crate::groups::crew::make;
use crate::support::{TestApp, TestUser};
use client::Client;

const PEOPLE: usize = 8;
/// Clients per user.
const CLIENTS: usize = 3;
const SECONDS: u64 = 60;
/// Users that are removed from groups and invited again.
const GUESTS: [&str; 2] = ["person6", "person7"];

#[expect(clippy::disallowed_methods, reason = "configures longer runs")]
fn seconds() -> u64 {
    let asked = std::env::var("TIDINGS_SOAK_SECONDS");
    asked.map_or(SECONDS, |asked| asked.parse().unwrap())
}

/// Creates users that are all connected, two groups and a few direct
/// conversations.
async fn people(app: &TestApp) -> Vec<TestUser> {
    let mut people = Vec::new();
    for at in 0..PEOPLE {
        people.push(app.register_user(&format!("person{at}")).await);
    }
    for (at, person) in people.iter().enumerate() {
        for other in &people[at + 1..] {
            person.connect_with(other).await;
        }
    }
    for (title, size) in [("Everybody", PEOPLE), ("Some", PEOPLE / 2)] {
        let others = people[1..size].iter();
        let others: Vec<&str> = others.map(|it| it.username.as_str()).collect();
        make(&people[0], title, &others).await.expect(201);
    }
    for pair in people.chunks(2) {
        pair[0].open_direct_used(&pair[1]).await;
    }
    people
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_match_database_after_soak() {
    let mut app = TestApp::builder()
        .settings(|settings| {
            // Small, so that some slow clients are evicted.
            settings.session_buffer = 64 * 1024;
            settings.limits.session_buffer_max = 64 * 1024;
            settings.timings.room_idle_after = Duration::from_millis(200);
            settings.timings.presence_grace = Duration::from_millis(100);
        })
        .spawn()
        .await;
    let people = people(&app).await;
    let end = Instant::now() + Duration::from_secs(seconds());
    let mut clients = tokio::task::JoinSet::new();
    for (at, person) in people.iter().enumerate() {
        for number in 0..CLIENTS {
            let number = (at * CLIENTS + number) as u64;
            let client = Client::new(person.clone(), number, &GUESTS).await;
            clients.spawn(client.live_until(end));
        }
    }
    let mut done = Vec::new();
    while let Some(client) = clients.join_next().await {
        done.push(client.unwrap());
    }
    // Sends in progress are on disk once the server has stopped.
    app.restart().await;
    let mut counted = client::Deeds::default();
    for client in &mut done {
        counted.add(&client.deeds);
        client.settle().await;
    }
    for client in done {
        client.compare().await;
    }
    assert!(counted.has_everything(), "too little happened: {counted:?}");
    // The stored rows are consistent too.
    let store = app.store().await;
    assert_eq!(store.maintenance().run_doctor().await.unwrap(), []);
    store.close().await;
}
