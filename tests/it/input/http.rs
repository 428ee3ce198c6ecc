//! A raw HTTP client with keep-alive, for requests that no library would send.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::leaked_internal;
use crate::support::TestSite;
use tidings::protocol::ErrorCode;

/// Deadline for a response, long enough for a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// A connection, reopened when the server closes it.
pub(super) struct Wire {
    site: TestSite,
    stream: Option<TcpStream>,
    /// Bytes read beyond the last response.
    ahead: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    head: String,
    body: Vec<u8>,
}

impl Wire {
    pub(super) fn to(site: &TestSite) -> Self {
        Self {
            site: site.clone(),
            stream: None,
            ahead: Vec::new(),
        }
    }

    /// Sends a request and reads the response. A timeout becomes status 599.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Reply {
        let Ok(reply) = tokio::time::timeout(DEADLINE, self.ask_without_deadline(request)).await
        else {
            self.stream = None;
            return Reply {
                status: 599,
                head: String::from_utf8_lossy(&self.ahead).into_owned(),
                body: b"no answer in time".to_vec(),
            };
        };
        reply
    }

    async fn ask_without_deadline(&mut self, request: &[u8]) -> Reply {
        // The server may have closed a kept-alive connection.
        if self.stream.is_some()
            && let Some(reply) = self.try_ask(request).await
        {
            return reply;
        }
        self.stream = Some(TcpStream::connect(self.site.address()).await.unwrap());
        self.ahead.clear();
        let reply = self.try_ask(request).await;
        reply.unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(request)))
    }

    /// Returns `None` if the server closed the connection before it answered.
    async fn try_ask(&mut self, request: &[u8]) -> Option<Reply> {
        let stream = self.stream.as_mut()?;
        // A write may fail: the server can answer before it has read
        // everything.
        let _ = stream.write_all(request).await;
        let head = loop {
            if let Some(end) = self.ahead.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = self.ahead.split_off(end + 4);
                let head = std::mem::replace(&mut self.ahead, rest);
                break String::from_utf8_lossy(&head).into_owned();
            }
            if !self.more().await {
                self.stream = None;
                return None;
            }
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply {
            status,
            head,
            body: Vec::new(),
        };
        reply.body = self.body(&reply, request.starts_with(b"HEAD ")).await;
        if reply.header("connection") == Some("close") || reply.status == 101 {
            self.stream = None;
        }
        Some(reply)
    }

    async fn body(&mut self, reply: &Reply, is_head: bool) -> Vec<u8> {
        if is_head || [101, 204, 304].contains(&reply.status) {
            return Vec::new();
        }
        let Some(length) = reply.header("content-length") else {
            // Chunked: the last chunk is empty, and no response of ours has
            // these bytes elsewhere.
            while !self.ahead.ends_with(b"0\r\n\r\n") && self.more().await {}
            return std::mem::take(&mut self.ahead);
        };
        let length: usize = length.parse().unwrap();
        while self.ahead.len() < length && self.more().await {}
        let rest = self.ahead.split_off(length.min(self.ahead.len()));
        std::mem::replace(&mut self.ahead, rest)
    }

    /// Reads more bytes; returns false at the end.
    async fn more(&mut self) -> bool {
        let stream = self.stream.as_mut().unwrap();
        let mut bytes = [0; 16 * 1024];
        let read = stream.read(&mut bytes).await.unwrap_or(0);
        self.ahead.extend_from_slice(&bytes[..read]);
        read > 0
    }
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the fault in the response, if any.
    pub(super) fn fault(&self) -> Option<String> {
        let text = self.text();
        if self.status >= 500 {
            return Some("a server fault".to_owned());
        }
        if self.status == 101 {
            return None;
        }
        if let Some(name) = self.misses() {
            return Some(format!("no {name}"));
        }
        if self.status >= 400
            && let Some(word) = leaked_internal(&text)
        {
            return Some(format!("it leaks an internal: {word}"));
        }
        let kind = self.header("content-type").unwrap_or_default();
        match kind {
            _ if self.status < 400 => None,
            // A compressed problem has the same content.
            "application/problem+json" if self.header("content-encoding").is_some() => None,
            "text/html; charset=utf-8" => None,
            "application/problem+json" if self.body.is_empty() => None,
            "application/problem+json" => self.fault_of_problem(&text),
            kind => Some(format!("a refusal that is {kind:?}")),
        }
    }

    /// Returns the first required security header that is missing or wrong.
    fn misses(&self) -> Option<&'static str> {
        const ALWAYS: [(&str, &str); 7] = [
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "frame-ancestors 'none'"),
            ("content-security-policy", "default-src 'none'"),
            ("permissions-policy", "camera=()"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", ""),
        ];
        let is_there =
            |name: &str, part: &str| self.header(name).is_some_and(|it| it.contains(part));
        let mut missing = ALWAYS.iter().filter(|(name, part)| !is_there(name, part));
        let referrer = self.header("referrer-policy").unwrap_or_default();
        match missing.next() {
            Some((name, _)) => Some(*name),
            None if !["same-origin", "no-referrer"].contains(&referrer) => Some("referrer-policy"),
            None => None,
        }
    }

    fn fault_of_problem(&self, text: &str) -> Option<String> {
        let Ok(problem) = serde_json::from_str::<serde_json::Value>(text) else {
            return Some("a problem that isn't JSON".to_owned());
        };
        let code = ErrorCode::ALL
            .iter()
            .find(|code| problem["code"] == code.as_str());
        match code {
            None => Some("an unknown code".to_owned()),
            Some(code) if code.status() != self.status => Some("another status".to_owned()),
            Some(_) if problem["status"] != self.status => Some("another status".to_owned()),
            Some(_) => None,
        }
    }
}
