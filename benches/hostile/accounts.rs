//! Pairs of users, each connected and with a first message.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

/// The password of all accounts in this benchmark.
pub(crate) const PASSWORD: &str = "correct horse battery";

#[derive(Clone)]
pub(crate) struct UserPair {
    pub(crate) names: [String; 2],
    pub(crate) conversation: i64,
    pub(crate) first_message: i64,
    pub(crate) tokens: [String; 2],
}

pub(crate) async fn register_pairs(address: SocketAddr, count: usize) -> Vec<UserPair> {
    let site = HostileSite::at(address);
    let mut pairs = Vec::new();
    for number in 0..count {
        pairs.push(site.register_pair(number).await);
    }
    pairs
}

#[derive(Clone)]
pub(crate) struct HostileSite {
    url: String,
    http: reqwest::Client,
}

impl HostileSite {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            url: format!("http://{address}"),
            http: reqwest::Client::new(),
        }
    }

    /// Logs in with this client address. Returns the status, or 0 without an
    /// answer.
    pub(crate) async fn log_in(&self, name: &str, password: &str, from: &str) -> u16 {
        let request = self.http.post(format!("{}/api/auth/login/", self.url));
        let body = json!({ "username": name, "password": password });
        let request = request.header("x-forwarded-for", from).json(&body);
        request
            .send()
            .await
            .map_or(0, |answer| answer.status().as_u16())
    }

    /// Reads a whole response.
    pub(crate) async fn get(&self, path: &str, token: &str) {
        let request = self.http.get(format!("{}/api/{path}", self.url));
        let answer = request.bearer_auth(token).send().await.unwrap();
        drop(answer.error_for_status().unwrap().bytes().await.unwrap());
    }

    /// Deletes a resource and ignores the answer.
    pub(crate) async fn delete(&self, path: &str, token: &str) {
        let request = self.http.delete(format!("{}/api/{path}", self.url));
        drop(request.bearer_auth(token).send().await);
    }

    async fn register_pair(&self, number: usize) -> UserPair {
        let names = ["left", "right"].map(|side| format!("{side}{number}"));
        let [left, right] = &names;
        let tokens = [self.register(left).await, self.register(right).await];
        self.post("connections/", &tokens[0], json!({ "username": right }))
            .await;
        self.post("connections/", &tokens[1], json!({ "username": left }))
            .await;
        let made = self
            .post(
                "conversations/create/",
                &tokens[0],
                json!({ "username": right }),
            )
            .await;
        let conversation = made["id"].as_i64().unwrap();
        let path = format!("conversations/{conversation}/messages/");
        let first = json!({ "text": "The first." });
        let first = self.post(&path, &tokens[0], first).await;
        UserPair {
            names,
            conversation,
            first_message: first["id"].as_i64().unwrap(),
            tokens,
        }
    }

    async fn register(&self, name: &str) -> String {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = self.post("auth/register/", "", body).await;
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("{}/api/{path}", self.url);
        loop {
            let request = self.http.post(&url).bearer_auth(token).json(&body);
            let answer = request.send().await.unwrap();
            if answer.status() != 429 {
                return answer.error_for_status().unwrap().json().await.unwrap();
            }
            // All users share one address, and so its rate limit.
            sleep(Duration::from_secs(1)).await;
        }
    }
}
