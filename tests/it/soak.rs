//! Dozens of clients that connect, send, mark, edit, drop and resume at
//! random, while people are put out of groups and let in again, for as long as
//! `TIDINGS_SOAK_SECONDS` says. In the end every client's view equals the
//! database, message by message: by what it was told live, and once more after
//! a restart.

mod client;
mod standing;
mod view;

use std::time::Duration;

use tokio::time::Instant;

use crate::groups::crew::make;
use crate::support::{Person, TestApp};
use client::Client;

const PEOPLE: usize = 8;
/// Of each of them.
const CLIENTS: usize = 3;
const SECONDS: u64 = 60;
/// Who is put out of groups and let in again.
const GUESTS: [&str; 2] = ["person6", "person7"];

#[expect(clippy::disallowed_methods, reason = "a knob for longer runs")]
fn seconds() -> u64 {
    let asked = std::env::var("TIDINGS_SOAK_SECONDS");
    asked.map_or(SECONDS, |asked| asked.parse().unwrap())
}

/// Everybody knows everybody; two groups and a few pairs.
async fn people(app: &TestApp) -> Vec<Person> {
    let mut people = Vec::new();
    for at in 0..PEOPLE {
        people.push(app.person(&format!("person{at}")).await);
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
        pair[0].talk_with(&pair[1]).await;
    }
    people
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_ends_with_what_is_on_disk() {
    let mut app = TestApp::builder()
        .settings(|settings| {
            // Small, so that some are let go for being slow.
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
    // What is still on its way is on disk once the server has stopped.
    app.restart().await;
    let mut counted = client::Deeds::default();
    for client in &mut done {
        counted.add(&client.deeds);
        client.settle().await;
    }
    for client in done {
        client.compare().await;
    }
    assert!(counted.has_everything(), "too short a life: {counted:?}");
    // Nor does what is on disk contradict itself.
    let store = app.store().await;
    assert_eq!(store.examine().await.unwrap(), []);
    store.close().await;
}
