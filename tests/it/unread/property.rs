//! Random histories: the last count on a socket, on a new socket, in the list
//! and in the total equals the model's. Each user has two devices, which
//! reconnect.
//!
//! `TIDINGS_UNREAD_CASES` sets the number of histories (default 16).

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::model::Model;
use crate::groups::crew::{bring_back, friends, invite, leave, make, remove, rename, set_mine};
use crate::receipts::mark;
use crate::support::{TestApp, TestSocket, TestUser};

const CASES: u32 = 16;
const DEVICES: usize = 2;
const STEPS: usize = 40;
const SOON: &str = "2099-01-01T00:00:00.000Z";

#[expect(
    clippy::disallowed_methods,
    reason = "the test's duration is not a server setting"
)]
fn cases() -> u32 {
    let asked = std::env::var("TIDINGS_UNREAD_CASES");
    asked.map_or(CASES, |asked| asked.parse().unwrap())
}

/// An action of one of three users in one of three conversations.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    Reply,
    Mark {
        kind: &'static str,
        back: usize,
    },
    Delete {
        back: usize,
    },
    Rename,
    /// The first user invites the acting user or, with `Remove`, removes them.
    Invite,
    Remove,
    Leave,
    Mute(bool),
    Archive(bool),
    /// A device closes its socket, or opens one again.
    Device(usize),
}

fn step() -> impl Strategy<Value = (usize, usize, Step)> {
    let kind = prop_oneof![Just("read"), Just("read"), Just("delivered")];
    let step = prop_oneof![
        10 => Just(Step::Send),
        2 => Just(Step::Reply),
        8 => (kind, 0usize..5).prop_map(|(kind, back)| Step::Mark { kind, back }),
        4 => (0usize..5).prop_map(|back| Step::Delete { back }),
        1 => Just(Step::Rename),
        3 => Just(Step::Invite),
        1 => Just(Step::Remove),
        1 => Just(Step::Leave),
        1 => any::<bool>().prop_map(Step::Mute),
        1 => any::<bool>().prop_map(Step::Archive),
        4 => (0..DEVICES).prop_map(Step::Device),
    ];
    (0usize..3, 0usize..3, step)
}

/// A socket with the last counts it received: total, and by conversation.
struct Device {
    socket: TestSocket,
    total: i64,
    counts: HashMap<i64, i64>,
}

impl Device {
    /// Opens a socket; takes the total from `hello` and the rest from the list.
    async fn open(person: &TestUser) -> Self {
        let socket = person.socket("/ws/").await;
        let list = person.get("/api/conversations/").await.expect(200);
        let number = |value: &Value| value.as_i64().unwrap();
        let list = list.as_array().unwrap().iter();
        Self {
            total: number(&socket.hello["total_unread"]),
            counts: list
                .map(|view| (number(&view["id"]), number(&view["unread_count"])))
                .collect(),
            socket,
        }
    }

    async fn listen(&mut self) {
        for frame in self.socket.frames_until_pong().await {
            if frame["type"] == "unread" {
                self.total = frame["total"].as_i64().unwrap();
                let id = frame["conversation_id"].as_i64().unwrap();
                self.counts
                    .insert(id, frame["unread_count"].as_i64().unwrap());
            }
        }
    }
}

struct Run {
    /// The users, logged in on their first devices.
    people: Vec<TestUser>,
    logins: Vec<[TestUser; DEVICES]>,
    devices: Vec<[Option<Device>; DEVICES]>,
    /// Two groups, and a direct conversation of the first two users.
    ids: [i64; 3],
    model: Model,
}

impl Run {
    async fn new(app: &TestApp, case: usize) -> Self {
        let names = ["ann", "ben", "cas"].map(|name| format!("{name}{case}"));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let people = friends(app, &names).await;
        let mut ids = [0; 3];
        for id in &mut ids[..2] {
            let made = make(&people[0], "Crew", &names[1..]).await.expect(201);
            *id = made["id"].as_i64().unwrap();
        }
        ids[2] = people[0].open_direct(&people[1]).await;
        let (mut logins, mut devices) = (Vec::new(), Vec::new());
        for person in &people {
            let mine = [person.clone(), person.log_in_again().await];
            devices.push([
                Some(Device::open(&mine[0]).await),
                Some(Device::open(&mine[1]).await),
            ]);
            logins.push(mine);
        }
        Self {
            model: Model::new(),
            people,
            logins,
            devices,
            ids,
        }
    }

    /// Applies a step to the server and to the model. Skips impossible steps.
    async fn apply(&mut self, (who, place, step): (usize, usize, Step)) {
        let (me, id) = (&self.people[who], self.ids[place]);
        let room = &mut self.model.rooms[place];
        match step {
            Step::Send if room.is_in(who) => {
                let sent = me.send(id, "Hello").await.expect(201);
                room.sent(who, &sent);
            }
            Step::Reply if room.is_in(who) && room.visible(who, 0).is_some() => {
                let to = room.visible(who, 0);
                let path = format!("/api/conversations/{id}/messages/");
                let body = json!({ "text": "Yes", "reply_to": to });
                let sent = me.post(&path, body).await.expect(201);
                room.sent(who, &sent);
            }
            Step::Mark { kind, back } if room.is_in(who) => {
                let Some(message) = room.visible(who, back) else {
                    return;
                };
                let at = json!({ "conversation_id": id, "id": message });
                assert_eq!(mark(me, kind, &at).await.status, 204);
                if kind == "read" {
                    room.read(who, message);
                }
            }
            Step::Delete { back } => {
                // The first user owns both groups.
                let moderates = who == 0 && place < 2;
                let found = if moderates {
                    room.not_deleted(who, back)
                } else {
                    room.own(who, back)
                };
                let Some(message) = found else {
                    return;
                };
                let path = format!("/api/conversations/{id}/messages/{message}/");
                assert_eq!(me.delete(&path).await.status, 204);
                room.deleted(message);
            }
            _ => self.arrange((who, place, step)).await,
        }
    }

    /// Applies the steps that change a history only by system messages.
    async fn arrange(&mut self, (who, place, step): (usize, usize, Step)) {
        let (me, id) = (&self.people[who], self.ids[place]);
        let room = &mut self.model.rooms[place];
        let is_group = place < 2;
        match step {
            Step::Rename if is_group => {
                // Only the first rename changes the title.
                rename(&self.people[0], id, "Other").await.expect(200);
                if !std::mem::replace(&mut room.is_renamed, true) {
                    room.system();
                }
            }
            Step::Invite if is_group && !room.is_in(who) => {
                let name = &me.username;
                let asked = invite(&self.people[0], id, name).await;
                match asked.status {
                    202 => bring_back(&self.people[0], id, me).await,
                    _ => drop(asked.expect(201)),
                }
                room.system();
                room.joined(who);
            }
            Step::Leave | Step::Remove if is_group && who > 0 && room.is_in(who) => {
                match step {
                    Step::Leave => leave(me, id).await.expect(200),
                    _ => remove(&self.people[0], id, &me.username).await.expect(204),
                };
                room.system();
                room.left(who);
            }
            Step::Mute(on) if is_group || who < 2 => {
                let until = if on { json!(SOON) } else { Value::Null };
                set_mine(me, id, json!({ "muted_until": until }))
                    .await
                    .expect(200);
                room.mine(who).muted = on;
            }
            Step::Archive(on) if is_group || who < 2 => {
                set_mine(me, id, json!({ "archived": on }))
                    .await
                    .expect(200);
                room.mine(who).archived = on;
            }
            Step::Device(which) => {
                let device = &mut self.devices[who][which];
                *device = match device.take() {
                    Some(_) => None,
                    None => Some(Device::open(&self.logins[who][which]).await),
                };
            }
            _ => {}
        }
    }

    /// Checks the counts that the devices have received.
    async fn check_told(&mut self) {
        for (who, devices) in self.devices.iter_mut().enumerate() {
            for device in devices.iter_mut().flatten() {
                device.listen().await;
                assert_eq!(device.total, self.model.total(who), "received by {who}");
                for (id, room) in self.ids.iter().zip(&self.model.rooms) {
                    if room.is_in(who) {
                        let told = device.counts.get(id).copied().unwrap_or_default();
                        assert_eq!(told, room.unread(who), "{id}, received by {who}");
                    } else {
                        device.counts.remove(id);
                    }
                }
            }
        }
    }

    /// Checks the counts that requests return.
    async fn check_asked(&self) {
        for (who, person) in self.people.iter().enumerate() {
            assert_eq!(super::total(person).await, self.model.total(who));
            let list = person.get("/api/conversations/").await.expect(200);
            for view in list.as_array().unwrap() {
                let place = self.ids.iter().position(|id| view["id"] == *id).unwrap();
                let room = &self.model.rooms[place];
                assert_eq!(view["unread_count"], room.unread(who), "{view} of {who}");
            }
        }
    }
}

#[test]
fn unread_counts_match_model() {
    let runtime = Runtime::new().unwrap();
    let app = runtime.block_on(
        TestApp::builder()
            .settings(|settings| {
                settings.timings.marker_batch_window = std::time::Duration::from_millis(2);
            })
            .spawn(),
    );
    // Cases that failed before are tried first.
    let kept = FileFailurePersistence::Direct("proptest-regressions/it/unread.txt");
    let config = Config {
        cases: cases(),
        max_shrink_iters: 40,
        failure_persistence: Some(Box::new(kept)),
        ..Config::default()
    };
    let steps = prop::collection::vec(step(), STEPS);
    let case = std::cell::Cell::new(0);
    let run = |steps: Vec<(usize, usize, Step)>| {
        case.set(case.get() + 1);
        runtime.block_on(async {
            let mut run = Run::new(&app, case.get()).await;
            for step in steps {
                run.apply(step).await;
                run.check_told().await;
            }
            run.check_asked().await;
        });
        Ok(())
    };
    TestRunner::new(config).run(&steps, run).unwrap();
    drop(app);
}
