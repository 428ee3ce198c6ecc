//! Traffic: every user sends to all their conversations until the server is
//! killed.

use std::cell::Cell;
use std::collections::HashMap;

use serde_json::Value;
use tokio::sync::Notify;

use super::client::{Client, Socket};
use super::server::Server;

/// A sent message, and its echo, if the server sent one.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) sender: String,
    pub(super) conversation: i64,
    pub(super) name: String,
    pub(super) echo: Option<Value>,
}

impl Sent {
    pub(super) fn text(&self) -> String {
        format!("This is {}.", self.name)
    }
}

/// All messages sent and received.
pub(super) struct Traffic {
    /// Sent messages; those of each sender are in the order of sending.
    pub(super) sent: Vec<Sent>,
    /// The `seq` of each received message, by `client_id`.
    pub(super) seen: HashMap<String, Value>,
}

/// Counts down echoes, and notifies once `left` is zero.
struct Fuse {
    left: Cell<u64>,
    blown: Notify,
}

impl Fuse {
    fn echo(&self) {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            self.blown.notify_one();
        }
    }
}

impl Traffic {
    /// Kills the server once `acknowledged` messages were echoed, with `window`
    /// messages of each user in flight.
    pub(super) async fn until_killed(
        people: &[Client],
        window: u64,
        acknowledged: u64,
        server: &mut Server,
    ) -> Self {
        let fuse = Fuse {
            left: Cell::new(acknowledged),
            blown: Notify::new(),
        };
        let talking = people.iter().map(|person| {
            let talk = Talk {
                person,
                window,
                sent: Vec::new(),
                open: 0,
                seen: HashMap::new(),
                last: HashMap::new(),
            };
            talk.until_the_end(person.take_socket(), &fuse)
        });
        let kill = async {
            fuse.blown.notified().await;
            server.kill().await;
        };
        let (talks, ()) = tokio::join!(futures_util::future::join_all(talking), kill);
        let mut all = Self {
            sent: Vec::new(),
            seen: HashMap::new(),
        };
        for talk in talks {
            all.sent.extend(talk.sent);
            for (name, seq) in talk.seen {
                let other = all.seen.insert(name, seq.clone());
                assert!(other.is_none_or(|other| other == seq), "all see the same");
            }
        }
        all
    }
}

/// One user's part of the traffic.
struct Talk<'a> {
    person: &'a Client,
    window: u64,
    sent: Vec<Sent>,
    /// Number of sent messages without an echo.
    open: u64,
    seen: HashMap<String, Value>,
    /// The last received `seq` of each conversation.
    last: HashMap<i64, i64>,
}

impl Talk<'_> {
    async fn until_the_end(mut self, mut socket: Socket, fuse: &Fuse) -> Self {
        loop {
            while self.open < self.window {
                let next = self.next();
                socket.send(&next).await;
                self.sent.push(next);
                self.open += 1;
            }
            let Some(mut frame) = socket.next().await else {
                return self;
            };
            match frame["type"].as_str() {
                Some("message") => self.message(frame["message"].take(), fuse),
                Some("conversation" | "unread" | "read_receipt" | "user_status") => {}
                _ => panic!("{frame}"),
            }
        }
    }

    fn next(&self) -> Sent {
        let number = self.sent.len();
        let conversations = &self.person.conversations;
        Sent {
            sender: self.person.name.clone(),
            conversation: conversations[number % conversations.len()],
            name: format!("{}-{number}", self.person.name),
            echo: None,
        }
    }

    fn message(&mut self, message: Value, fuse: &Fuse) {
        let last = self
            .last
            .entry(message["conversation_id"].as_i64().unwrap());
        let last = last.or_insert(0);
        *last += 1;
        assert_eq!(message["seq"], *last, "each once and in order");
        let name = message["client_id"].as_str().unwrap().to_owned();
        self.seen.insert(name.clone(), message["seq"].clone());
        if message["sender"]["username"] == self.person.name.as_str() {
            let sent = self.sent.iter_mut().find(|sent| sent.name == name);
            let before = sent.unwrap().echo.replace(message);
            assert!(before.is_none(), "one echo each");
            self.open -= 1;
            fuse.echo();
        }
    }
}
