//! A group and its people, and what they do to it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Person, TestApp};

/// A group of the first of these new people, who is connected with the rest.
pub(crate) async fn group(app: &TestApp, names: &[&str]) -> (i64, Vec<Person>) {
    let people = friends(app, names).await;
    let others: Vec<&str> = names[1..].to_vec();
    let made = make(&people[0], "Crew", &others).await.expect(201);
    (made["id"].as_i64().unwrap(), people)
}

/// New people; the first is connected with the rest.
pub(crate) async fn friends(app: &TestApp, names: &[&str]) -> Vec<Person> {
    // One after the other, so that their ids are in this order.
    let mut people = Vec::new();
    for name in names {
        people.push(app.person(name).await);
    }
    for other in &people[1..] {
        people[0].connect_with(other).await;
    }
    people
}

/// Asks for a group.
pub(crate) async fn make(person: &Person, title: &str, usernames: &[&str]) -> Answer {
    let body = json!({ "title": title, "usernames": usernames });
    person.post("/api/conversations/create/", body).await
}

pub(crate) async fn patch(person: &Person, path: &str, body: Value) -> Answer {
    let request = person.site.request(Method::PATCH, path);
    let request = request.bearer_auth(&person.token).json(&body);
    person.site.send(request).await
}

pub(crate) async fn rename(person: &Person, id: i64, title: &str) -> Answer {
    let path = format!("/api/conversations/{id}/");
    patch(person, &path, json!({ "title": title })).await
}

pub(crate) async fn invite(person: &Person, id: i64, them: &str) -> Answer {
    let path = format!("/api/conversations/{id}/members/");
    person.post(&path, json!({ "username": them })).await
}

/// Invites somebody who left by themself, and has them accept.
pub(crate) async fn bring_back(inviter: &Person, id: i64, them: &Person) {
    invite(inviter, id, &them.username).await.expect(202);
    let list = them.get("/api/invitations/").await.expect(200);
    let mut list = list.as_array().unwrap().iter();
    let invitation = list
        .find(|one| one["conversation_id"] == json!(id))
        .unwrap();
    let accept = format!("/api/invitations/{}/accept/", invitation["id"]);
    them.post(&accept, json!({})).await.expect(200);
}

pub(crate) async fn remove(person: &Person, id: i64, them: &str) -> Answer {
    let path = format!("/api/conversations/{id}/members/{them}/");
    person.delete(&path).await
}

pub(crate) async fn leave(person: &Person, id: i64) -> Answer {
    let path = format!("/api/conversations/{id}/leave/");
    person.post(&path, json!({})).await
}

pub(crate) async fn set_role(person: &Person, id: i64, them: &str, role: &str) -> Answer {
    let path = format!("/api/conversations/{id}/members/{them}/");
    patch(person, &path, json!({ "role": role })).await
}

/// One's own settings.
pub(crate) async fn set_mine(person: &Person, id: i64, body: Value) -> Answer {
    patch(person, &format!("/api/conversations/{id}/me/"), body).await
}

/// Everybody with their roles, as the first page of members has them.
pub(crate) async fn roles(person: &Person, id: i64) -> Vec<(String, String)> {
    let path = format!("/api/conversations/{id}/members/");
    let members = person.get(&path).await.expect(200);
    let members = members.as_array().unwrap().iter().map(|member| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        (word(&member["user"]["username"]), word(&member["role"]))
    });
    members.collect()
}

/// The same, to be compared.
pub(crate) fn as_roles(roles: &[(&str, &str)]) -> Vec<(String, String)> {
    let roles = roles.iter();
    roles
        .map(|(name, role)| ((*name).to_owned(), (*role).to_owned()))
        .collect()
}

/// The `seq` of each message that somebody can see.
pub(crate) async fn seqs(person: &Person, id: i64) -> Vec<i64> {
    let history = person.history(id).await;
    let seqs = history
        .iter()
        .map(|message| message["seq"].as_i64().unwrap());
    seqs.collect()
}
