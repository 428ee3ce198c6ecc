//! What a client does at random.

use serde_json::{Value, json};

use super::Client;
use crate::groups::crew::{invite, remove, rename};
use crate::support::Answer;

/// Something to do.
pub(super) enum Deed {
    Say(Value),
    /// The same over REST, as somebody without a socket: `delivered` or `read`.
    Mark(i64, &'static str, Value),
    Invite(i64, String),
    Remove(i64, String),
    Rename(i64),
}

impl Client {
    /// Something to do.
    pub(super) fn deed(&mut self) -> Option<Deed> {
        let ids = self.view.open();
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        let (choice, at) = (self.dice.roll(22), self.dice.roll(20));
        let mine = Some(self.person.username.as_str());
        let named = |message: &Value| message["id"].clone();
        Some(match choice {
            0..=6 => Deed::Say(self.post(id)),
            7..=12 => {
                let message = named(self.view.last(id)?);
                self.deeds.marks += 1;
                let kind = ["delivered", "read_receipt"][at as usize % 2];
                match choice {
                    12 => Deed::Mark(id, ["delivered", "read"][at as usize % 2], message),
                    _ => Deed::Say(json!({
                        "type": kind, "conversation_id": id, "message_id": message,
                    })),
                }
            }
            13 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                Deed::Say(json!({
                    "type": "edit", "conversation_id": id, "message_id": message,
                    "message": format!("edited by {} {}", self.name, self.sent),
                }))
            }
            14 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                Deed::Say(json!({
                    "type": "delete", "conversation_id": id, "message_id": message,
                }))
            }
            15 | 16 => {
                let message = named(self.view.pick(id, None, at)?);
                self.deeds.changes += 1;
                Deed::Say(json!({
                    "type": "reaction", "conversation_id": id, "message_id": message,
                    "emoji": "👍", "on": at % 3 > 0,
                }))
            }
            17 => Deed::Say(json!({
                "type": "typing", "conversation_id": id, "is_typing": at % 2 == 0,
            })),
            18..=20 if !self.guests.is_empty() => {
                let guest = self.guests[at as usize % self.guests.len()].clone();
                self.deeds.people += 1;
                match at {
                    0..3 => Deed::Rename(id),
                    3..10 => Deed::Remove(id, guest),
                    _ => Deed::Invite(id, guest),
                }
            }
            _ => return None,
        })
    }

    /// What is done over REST. One may be out by then, or what was chosen is no
    /// group, or somebody is in it or isn't, or the message is before one came.
    pub(super) async fn ask(&mut self, deed: Deed) {
        let person = &self.person;
        let answer: Answer = match deed {
            Deed::Say(_) => return,
            Deed::Mark(id, kind, message) => {
                let path = format!("/api/conversations/{id}/{kind}/");
                person.post(&path, json!({ "message_id": message })).await
            }
            Deed::Invite(id, guest) => invite(person, id, &guest).await,
            Deed::Remove(id, guest) => remove(person, id, &guest).await,
            Deed::Rename(id) => rename(person, id, &format!("Group of {}", self.sent)).await,
        };
        let is_known = [200, 201, 202, 204, 403, 404, 409].contains(&answer.status);
        assert!(is_known, "{}: {}", answer.status, answer.body);
    }

    fn post(&mut self, id: i64) -> Value {
        self.deeds.sends += 1;
        self.sent += 1;
        let name = format!("{}-{}", self.name, self.sent);
        let mut frame = json!({
            "type": "message", "conversation_id": id, "client_id": name,
            "message": format!("{name} {}", "words ".repeat(self.dice.roll(40) as usize)),
        });
        let at = self.dice.roll(20);
        if at < 4
            && let Some(quoted) = self.view.pick(id, None, at)
        {
            frame["reply_to"] = quoted["id"].clone();
        }
        self.outbox.insert(name, frame.clone());
        frame
    }
}
