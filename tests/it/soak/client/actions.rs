//! A client's random actions.

use serde_json::{Value, json};

use super::Client;
use crate::groups::crew::{invite, remove, rename};
use crate::support::ApiResponse;

/// An action.
pub(super) enum RandomAction {
    Say(Value),
    /// A marker sent over REST: `delivered` or `read`.
    Mark(i64, &'static str, Value),
    Invite(i64, String),
    Remove(i64, String),
    Rename(i64),
}

impl Client {
    /// Returns a random action.
    pub(super) fn deed(&mut self) -> Option<RandomAction> {
        let ids = self.view.open();
        let id = ids[self.dice.roll(ids.len() as u64) as usize];
        let (choice, at) = (self.dice.roll(22), self.dice.roll(20));
        let mine = Some(self.person.username.as_str());
        let named = |message: &Value| message["id"].clone();
        Some(match choice {
            0..=6 => RandomAction::Say(self.post(id)),
            7..=12 => {
                let message = named(self.view.last(id)?);
                self.deeds.marks += 1;
                let kind = ["delivered", "read_receipt"][at as usize % 2];
                match choice {
                    12 => RandomAction::Mark(id, ["delivered", "read"][at as usize % 2], message),
                    _ => RandomAction::Say(json!({
                        "type": kind, "conversation_id": id, "message_id": message,
                    })),
                }
            }
            13 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                RandomAction::Say(json!({
                    "type": "edit", "conversation_id": id, "message_id": message,
                    "message": format!("edited by {} {}", self.name, self.sent),
                }))
            }
            14 => {
                let message = named(self.view.pick(id, mine, at)?);
                self.deeds.changes += 1;
                RandomAction::Say(json!({
                    "type": "delete", "conversation_id": id, "message_id": message,
                }))
            }
            15 | 16 => {
                let message = named(self.view.pick(id, None, at)?);
                self.deeds.changes += 1;
                RandomAction::Say(json!({
                    "type": "reaction", "conversation_id": id, "message_id": message,
                    "emoji": "👍", "on": at % 3 > 0,
                }))
            }
            17 => RandomAction::Say(json!({
                "type": "typing", "conversation_id": id, "is_typing": at % 2 == 0,
            })),
            18..=20 if !self.guests.is_empty() => {
                let guest = self.guests[at as usize % self.guests.len()].clone();
                self.deeds.people += 1;
                match at {
                    0..3 => RandomAction::Rename(id),
                    3..10 => RandomAction::Remove(id, guest),
                    _ => RandomAction::Invite(id, guest),
                }
            }
            _ => return None,
        })
    }

    /// Performs an action over REST, which may be refused. The user may be
    /// removed, the conversation may be no group, or the guest already invited
    /// or removed. The message may be from before a rejoin.
    pub(super) async fn ask(&mut self, deed: RandomAction) {
        let person = &self.person;
        let answer: ApiResponse = match deed {
            RandomAction::Say(_) => return,
            RandomAction::Mark(id, kind, message) => {
                let path = format!("/api/conversations/{id}/{kind}/");
                person.post(&path, json!({ "message_id": message })).await
            }
            RandomAction::Invite(id, guest) => invite(person, id, &guest).await,
            RandomAction::Remove(id, guest) => remove(person, id, &guest).await,
            RandomAction::Rename(id) => {
                rename(person, id, &format!("Group of {}", self.sent)).await
            }
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
