//! People in pairs, each connected and past their first message.

use std::net::SocketAddr;

use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) conversation: i64,
    pub(crate) tokens: [String; 2],
}

pub(crate) async fn pairs(address: SocketAddr, count: usize) -> Vec<Pair> {
    let site = Site {
        url: format!("http://{address}"),
        http: reqwest::Client::new(),
    };
    let mut pairs = Vec::new();
    for number in 0..count {
        pairs.push(site.pair(number).await);
    }
    pairs
}

struct Site {
    url: String,
    http: reqwest::Client,
}

impl Site {
    async fn pair(&self, number: usize) -> Pair {
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
        self.post(&path, &tokens[0], json!({ "text": "The first." }))
            .await;
        Pair {
            conversation,
            tokens,
        }
    }

    async fn register(&self, name: &str) -> String {
        let body = json!({ "username": name, "password": "correct horse battery" });
        let answer = self.post("auth/register/", "", body).await;
        answer["token"].as_str().unwrap().to_owned()
    }

    async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("{}/api/{path}", self.url);
        let request = self.http.post(url).bearer_auth(token).json(&body);
        let answer = request.send().await.unwrap();
        answer.error_for_status().unwrap().json().await.unwrap()
    }
}
