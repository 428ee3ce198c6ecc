//! Creates groups and changes them over REST.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{ApiResponse, TestApp, TestUser};

/// Creates a group owned by the first of these new users, who is connected with
/// all others.
pub(crate) async fn group(app: &TestApp, names: &[&str]) -> (i64, Vec<TestUser>) {
    let people = friends(app, names).await;
    let others: Vec<&str> = names[1..].to_vec();
    let made = make(&people[0], "Crew", &others).await.expect(201);
    (made["id"].as_i64().unwrap(), people)
}

/// Creates users; the first is connected with all others.
pub(crate) async fn friends(app: &TestApp, names: &[&str]) -> Vec<TestUser> {
    // Sequential, so that the ids are in this order.
    let mut people = Vec::new();
    for name in names {
        people.push(app.register_user(name).await);
    }
    for other in &people[1..] {
        people[0].connect_with(other).await;
    }
    people
}

/// Requests a new group.
pub(crate) async fn make(person: &TestUser, title: &str, usernames: &[&str]) -> ApiResponse {
    let body = json!({ "title": title, "usernames": usernames });
    person.post("/api/conversations/create/", body).await
}

pub(crate) async fn patch(person: &TestUser, path: &str, body: Value) -> ApiResponse {
    let request = person.site.request(Method::PATCH, path);
    let request = request.bearer_auth(&person.token).json(&body);
    person.site.send(request).await
}

pub(crate) async fn rename(person: &TestUser, id: i64, title: &str) -> ApiResponse {
    let path = format!("/api/conversations/{id}/");
    patch(person, &path, json!({ "title": title })).await
}

pub(crate) async fn invite(person: &TestUser, id: i64, them: &str) -> ApiResponse {
    let path = format!("/api/conversations/{id}/members/");
    person.post(&path, json!({ "username": them })).await
}

/// Invites a user who left, and accepts as that user.
pub(crate) async fn bring_back(inviter: &TestUser, id: i64, them: &TestUser) {
    invite(inviter, id, &them.username).await.expect(202);
    let list = them.get("/api/invitations/").await.expect(200);
    let mut list = list.as_array().unwrap().iter();
    let invitation = list
        .find(|one| one["conversation_id"] == json!(id))
        .unwrap();
    let accept = format!("/api/invitations/{}/accept/", invitation["id"]);
    them.post(&accept, json!({})).await.expect(200);
}

pub(crate) async fn remove(person: &TestUser, id: i64, them: &str) -> ApiResponse {
    let path = format!("/api/conversations/{id}/members/{them}/");
    person.delete(&path).await
}

pub(crate) async fn leave(person: &TestUser, id: i64) -> ApiResponse {
    let path = format!("/api/conversations/{id}/leave/");
    person.post(&path, json!({})).await
}

pub(crate) async fn set_role(person: &TestUser, id: i64, them: &str, role: &str) -> ApiResponse {
    let path = format!("/api/conversations/{id}/members/{them}/");
    patch(person, &path, json!({ "role": role })).await
}

/// Changes the user's own settings for the conversation.
pub(crate) async fn set_mine(person: &TestUser, id: i64, body: Value) -> ApiResponse {
    patch(person, &format!("/api/conversations/{id}/me/"), body).await
}

/// Returns usernames and roles from the first page of members.
pub(crate) async fn roles(person: &TestUser, id: i64) -> Vec<(String, String)> {
    let path = format!("/api/conversations/{id}/members/");
    let members = person.get(&path).await.expect(200);
    let members = members.as_array().unwrap().iter().map(|member| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        (word(&member["user"]["username"]), word(&member["role"]))
    });
    members.collect()
}

/// Converts expected roles to the type that `roles` returns.
pub(crate) fn as_roles(roles: &[(&str, &str)]) -> Vec<(String, String)> {
    let roles = roles.iter();
    roles
        .map(|(name, role)| ((*name).to_owned(), (*role).to_owned()))
        .collect()
}

/// Returns the `seq` of each message visible to the user.
pub(crate) async fn seqs(person: &TestUser, id: i64) -> Vec<i64> {
    let history = person.history(id).await;
    let seqs = history
        .iter()
        .map(|message| message["seq"].as_i64().unwrap());
    seqs.collect()
}
