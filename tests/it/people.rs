//! People: finding each other, blocks, logins, invitations, and conversations
//! by the other's name.

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

use crate::support::{Answer, Person};

pub(crate) use logins::settings;

/// A request of theirs with any method.
pub(crate) async fn ask(person: &Person, method: Method, path: &str, body: Value) -> Answer {
    let request = person.site.request(method, path);
    let request = request.bearer_auth(&person.token).json(&body);
    person.site.send(request).await
}

async fn patch(person: &Person, path: &str, body: Value) -> Answer {
    ask(person, Method::PATCH, path, body).await
}

async fn put(person: &Person, path: &str) -> Answer {
    ask(person, Method::PUT, path, Value::Null).await
}

/// Somebody, as `person` sees them.
async fn profile(person: &Person, other: &Person) -> Value {
    let path = format!("/api/users/{}/", other.username);
    person.get(&path).await.expect(200)
}

pub(crate) async fn block(person: &Person, other: &Person) -> Value {
    let path = format!("/api/blocks/{}/", other.username);
    put(person, &path).await.expect(200)
}

async fn unblock(person: &Person, other: &Person) {
    let path = format!("/api/blocks/{}/", other.username);
    person.delete(&path).await.expect(204);
}

/// The usernames in a list of people.
fn names(list: &Value) -> Vec<&str> {
    let list = list.as_array().unwrap().iter();
    list.map(|user| user["username"].as_str().unwrap())
        .collect()
}
