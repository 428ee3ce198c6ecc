//! What is done to messages that are there.

mod edits;
mod quotes;
mod reactions;
mod removals;
mod windows;
mod withdrawals;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person};

/// The path of a message.
fn path(conversation: i64, message: &Value) -> String {
    format!(
        "/api/conversations/{conversation}/messages/{}/",
        message["id"]
    )
}

async fn edit(person: &Person, path: &str, text: &str) -> Answer {
    let request = person.site.request(Method::PATCH, path);
    let request = request
        .bearer_auth(&person.token)
        .json(&json!({ "text": text }));
    person.site.send(request).await
}

async fn react(person: &Person, path: &str, emoji: &str) -> Answer {
    let path = format!("{path}reactions/{emoji}/");
    let request = person.site.request(Method::PUT, &path);
    person.site.send(request.bearer_auth(&person.token)).await
}
