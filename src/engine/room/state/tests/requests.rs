//! What was asked of a Room, and how that was answered.

use std::collections::HashMap;

use super::disk::Disk;
use crate::engine::reply::{Done, Sent};
use crate::engine::room::state::*;
use crate::protocol::ClientId;

struct Request {
    actor: UserId,
    ask: Ask,
    answer: Option<Result<Done, Problem>>,
}

/// All of it, each known by its number.
#[derive(Default)]
pub(super) struct Requests {
    all: Vec<Request>,
    /// The last one of each person that was done.
    done: HashMap<UserId, usize>,
}

impl Requests {
    pub(super) fn add(&mut self, actor: UserId, ask: Ask) -> usize {
        let answer = None;
        self.all.push(Request { actor, ask, answer });
        self.all.len() - 1
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn asked(&self, number: usize) -> (UserId, Ask) {
        let request = &self.all[number];
        (request.actor, request.ask.clone())
    }

    /// What is done is done in the order in which each asked.
    pub(super) fn answer(&mut self, number: usize, answer: Result<Done, Problem>) {
        let request = &mut self.all[number];
        // That somebody types is told at once.
        if answer.is_ok() && !matches!(request.ask, Ask::Type { .. }) {
            let before = self.done.insert(request.actor, number);
            assert!(before < Some(number), "an actor's order is kept");
        }
        let before = request.answer.replace(answer);
        assert!(before.is_none(), "{number} is answered twice");
    }

    /// The Room is dead.
    pub(super) fn give_up(&mut self) {
        for request in &mut self.all {
            request.answer.get_or_insert_with(|| Err(Problem::busy()));
        }
    }

    pub(super) fn check(&self, disk: &Disk) {
        let mut last = HashMap::new();
        for message in &disk.messages {
            let Some(&writer) = disk.writers.get(&message.seq) else {
                continue;
            };
            let before = last.insert(message.sender.id, writer);
            assert!(before < Some(writer), "a sender's order is kept");
        }
        for (number, request) in self.all.iter().enumerate() {
            let answer = request.answer.as_ref().expect("every request is answered");
            match (&request.ask, answer) {
                (_, Err(_)) => {}
                (Ask::Post(post), Ok(Done::Sent(sent))) => {
                    let name = post.client_id.as_ref();
                    check_sent(disk, (number, request.actor, name), sent);
                }
                (ask, Ok(Done::Changed)) => assert!(!matches!(ask, Ask::Post(_))),
                (ask, Ok(done)) => panic!("{ask:?} can't come to {done:?}"),
            }
        }
    }
}

fn check_sent(
    disk: &Disk,
    (number, sender, name): (usize, UserId, Option<&ClientId>),
    sent: &Sent,
) {
    let message = &sent.message;
    let is_writer = disk.writers.get(&message.seq) == Some(&number);
    assert_eq!(sent.is_new, is_writer);
    assert_eq!(message.sender.id, sender);
    let name = name.map(ClientId::as_str);
    assert_eq!(message.client_id.as_deref(), name);
    if let Some(name) = name {
        let first = disk.known(sender, name);
        assert_eq!(first.map(|first| first.id), Some(message.id));
    } else {
        assert!(is_writer, "without a client_id nothing is a retry");
    }
}
