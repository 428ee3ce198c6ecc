//! Changes to existing messages: edits, deletions, reactions and quotes.

mod deletions;
mod edits;
mod membership;
mod quotes;
mod reactions;
mod removals;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestUser};

/// Returns the path of a message.
fn path(conversation: i64, message: &Value) -> String {
    format!(
        "/api/conversations/{conversation}/messages/{}/",
        message["id"]
    )
}

async fn edit(person: &TestUser, path: &str, text: &str) -> ApiResponse {
    let request = person.site.request(Method::PATCH, path);
    let request = request
        .bearer_auth(&person.token)
        .json(&json!({ "text": text }));
    person.site.send(request).await
}

async fn react(person: &TestUser, path: &str, emoji: &str) -> ApiResponse {
    let path = format!("{path}reactions/{emoji}/");
    let request = person.site.request(Method::PUT, &path);
    person.site.send(request.bearer_auth(&person.token)).await
}
