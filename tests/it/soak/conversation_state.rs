//! A client's state of a conversation besides its messages: members, their
//! markers, delivery status and unread count. Frames change it by the rules in
//! `docs/protocol.md`.

use serde_json::{Value, json};

use super::view::number;

/// The last received `conversation`, with the changes of later frames.
pub(super) struct Standing(Value);

/// Fields of a conversation that must equal the server's exactly.
const PLAIN: [&str; 5] = ["kind", "title", "participant_count", "left", "unread_count"];

impl Standing {
    /// Returns the standing in a `conversation`, a `resumed` or a REST
    /// response.
    pub(super) fn told(conversation: &Value) -> Self {
        Self(conversation.clone())
    }

    pub(super) fn has_left(&self) -> bool {
        self.0["left"] == true
    }

    /// Returns the unread count; 0 for a former member.
    pub(super) fn waiting(&self) -> i64 {
        if self.has_left() {
            0
        } else {
            number(&self.0, "unread_count")
        }
    }

    pub(super) fn removed(&mut self) {
        self.0["left"] = json!(true);
    }

    pub(super) fn unread(&mut self, count: &Value) {
        self.0["unread_count"] = count.clone();
    }

    /// Applies a new message. The user's own message marks everything read, and
    /// another user's text is unread. A system message is read if everything
    /// before it is read.
    pub(super) fn message(&mut self, message: &Value, me: &str) {
        let seq = number(message, "seq");
        if seq <= number(&self.0, "last_seq") {
            return;
        }
        self.0["last_seq"] = json!(seq);
        let (delivered, read) = self.marks_of(me);
        if message["kind"] == "system" {
            let along = |mark| if mark == seq - 1 { seq } else { mark };
            self.moved(me, along(delivered), along(read));
        } else if message["sender"]["username"] == me {
            self.0["unread_count"] = json!(0);
            self.moved(me, seq, seq);
        } else if seq > read {
            self.0["unread_count"] = json!(number(&self.0, "unread_count") + 1);
        }
    }

    /// Applies a `delivered` or `read_receipt` frame.
    pub(super) fn mark(&mut self, frame: &Value, me: &str) {
        let who = frame["username"].as_str().unwrap();
        let seq = number(frame, "seq");
        let read = if frame["type"] == "read_receipt" {
            seq
        } else {
            0
        };
        self.moved(who, seq, read);
        if self.0["kind"] == "direct" && who != me {
            self.raise("all_delivered_seq", seq);
            self.raise("all_read_seq", read);
        }
    }

    pub(super) fn status(&mut self, frame: &Value) {
        for name in ["all_delivered_seq", "all_read_seq"] {
            self.raise(name, number(frame, name));
        }
    }

    fn raise(&mut self, name: &str, seq: i64) {
        self.0[name] = json!(number(&self.0, name).max(seq));
    }

    fn moved(&mut self, who: &str, delivered: i64, read: i64) {
        let people = self.0["participants"].as_array_mut().unwrap();
        for person in people {
            if person["user"]["username"] == who {
                person["delivered_seq"] = json!(number(person, "delivered_seq").max(delivered));
                person["read_seq"] = json!(number(person, "read_seq").max(read));
            }
        }
    }

    fn marks_of(&self, who: &str) -> (i64, i64) {
        let marks = |it: &Value| (number(it, "delivered_seq"), number(it, "read_seq"));
        person(&self.0, who).map_or((0, 0), marks)
    }

    /// Returns the delivery status of the user's own message, as a client would
    /// show it: 0 to 2.
    fn ticks(&self, message: &Value) -> usize {
        let seq = number(message, "seq");
        let passed = |name, rank| {
            if number(&self.0, name) >= seq {
                rank
            } else {
                0
            }
        };
        rank(message)
            .max(passed("all_delivered_seq", 1))
            .max(passed("all_read_seq", 2))
    }

    /// Returns the first difference to `now`. Other members' markers are
    /// compared only by the own messages they cover, since only such moves are
    /// sent.
    pub(super) fn unlike(&self, now: &Value, me: &str, own: &[(&Value, &Value)]) -> Option<String> {
        for name in PLAIN {
            if self.0[name] != now[name] {
                return Some(format!("{name}: {} and not {}", self.0[name], now[name]));
            }
        }
        if self.has_left() {
            return None;
        }
        if roles(&self.0) != roles(now) {
            return Some(format!("{:?} and not {:?}", roles(&self.0), roles(now)));
        }
        for theirs in now["participants"].as_array().unwrap() {
            let who = theirs["user"]["username"].as_str().unwrap();
            let known = person(&self.0, who).unwrap();
            for name in ["delivered_seq", "read_seq"] {
                let (known, is) = (number(known, name), number(theirs, name));
                let passed = |mark| {
                    own.iter()
                        .filter(|(it, _)| number(it, "seq") <= mark)
                        .count()
                };
                if (who == me && known != is) || passed(known) != passed(is) {
                    return Some(format!("{name} of {who}: {known} and not {is}"));
                }
            }
        }
        let mut own = own.iter();
        let wrong = own.find(|(known, is)| self.ticks(known) != rank(is))?;
        Some(format!("ticks of {} with {}", wrong.1, self.0))
    }
}

fn person<'a>(conversation: &'a Value, who: &str) -> Option<&'a Value> {
    let mut people = conversation["participants"].as_array().unwrap().iter();
    people.find(|it| it["user"]["username"] == who)
}

fn roles(conversation: &Value) -> Vec<(String, String)> {
    let people = conversation["participants"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> = people
        .map(|it| (word(&it["user"]["username"]), word(&it["role"])))
        .collect();
    all.sort();
    all
}

fn rank(message: &Value) -> usize {
    let all = ["sent", "delivered", "read"];
    all.iter().position(|it| message["status"] == *it).unwrap()
}
