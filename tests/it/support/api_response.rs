//! Responses of the server, checked for what every response must have.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Headers that every response must have.
const COMMON_HEADERS: [(&str, &str); 6] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// `Null` if the body is empty.
    pub(crate) body: Value,
}

impl ApiResponse {
    pub(super) async fn read(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap();
        let answer = Self {
            status,
            headers,
            body: if bytes.is_empty() {
                Value::Null
            } else {
                serde_json::from_slice(&bytes).unwrap()
            },
        };
        for (name, value) in COMMON_HEADERS {
            assert_eq!(answer.header(name), Some(value), "{name} of {answer:?}");
        }
        if status >= 400 {
            answer.check_problem();
        }
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Returns the body if the status is `status`, else fails.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Returns the problem if it has this status and code, else fails.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Value {
        let found = (self.status, self.body["code"].as_str());
        assert_eq!(found, (status, Some(code)), "{}", self.body);
        self.body
    }

    /// Returns the path of a page that the `Link` header names.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        let relation = format!("rel=\"{relation}\"");
        self.header("link")?.split(", ").find_map(|link| {
            let (path, rest) = link.strip_prefix('<')?.split_once(">; ")?;
            (rest == relation).then(|| path.to_owned())
        })
    }

    /// Checks that the error is a problem document (RFC 9457).
    fn check_problem(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], self.status, "{self:?}");
        for member in ["type", "title", "detail", "code"] {
            let text = self.body[member].as_str().unwrap_or_default();
            assert!(!text.is_empty(), "{member} of {self:?}");
        }
        assert_eq!(
            self.body["errors"].is_array(),
            self.status == 422,
            "{self:?}"
        );
    }
}
