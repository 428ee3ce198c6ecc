//! Users: search, blocks, logins, invitations, and conversations by username.

mod blocks;
mod by_name;
mod invites;
mod logins;
mod me;
mod names;
mod pauses;
mod profiles;
mod renames;
mod search;

use reqwest::Method;
use serde_json::Value;

use crate::support::{ApiResponse, TestUser};

pub(crate) use logins::settings;

/// Sends a request with any method as this user.
pub(crate) async fn ask(person: &TestUser, method: Method, path: &str, body: Value) -> ApiResponse {
    let request = person.site.request(method, path);
    let request = request.bearer_auth(&person.token).json(&body);
    person.site.send(request).await
}

async fn patch(person: &TestUser, path: &str, body: Value) -> ApiResponse {
    ask(person, Method::PATCH, path, body).await
}

async fn put(person: &TestUser, path: &str) -> ApiResponse {
    ask(person, Method::PUT, path, Value::Null).await
}

/// Returns the profile of `other` as `person` sees it.
async fn profile(person: &TestUser, other: &TestUser) -> Value {
    let path = format!("/api/users/{}/", other.username);
    person.get(&path).await.expect(200)
}

pub(crate) async fn block(person: &TestUser, other: &TestUser) -> Value {
    let path = format!("/api/blocks/{}/", other.username);
    put(person, &path).await.expect(200)
}

async fn unblock(person: &TestUser, other: &TestUser) {
    let path = format!("/api/blocks/{}/", other.username);
    person.delete(&path).await.expect(204);
}

/// Returns the usernames in a list of users.
fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|user| user["username"].as_str().unwrap())
        .collect()
}
