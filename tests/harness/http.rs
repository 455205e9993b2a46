//! Sessions: a user at a server, over HTTP. Every request and answer is recorded for the oracle.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};
use uuid::Uuid;

use super::record::{Record, Sent};

/// One for all: a session lives as long as the record, and must not keep a connection open for as long.
static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .max_redirects(0)
        // The server closes what is idle for 20 seconds, perhaps just when it is used again.
        .max_idle_age(Duration::from_secs(5))
        .max_idle_connections(32)
        .max_idle_connections_per_host(8)
        .build();
    config.into()
});

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// The answer, whose status must be this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The body of an answer with this status.
    #[track_caller]
    pub fn ok(self, status: u16) -> Value {
        self.expect(status).json()
    }

    /// A problem with this status and code, checked for what every problem must have. Gives its body.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}", self.text);
        let body = self.json();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status, "{body}");
        for member in ["type", "title", "detail", "instance", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {body}");
        }
        // A sentence: it says something in words, and no part of the machine shows through.
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.len() > 10 && detail.contains(' ') && !detail.contains("Error("), "{body}");
        body
    }

    /// No decision: the same command may be carried out later.
    pub fn is_passing(&self) -> bool {
        self.status == 503 || (self.status == 409 && self.text.contains("idempotency.in_progress"))
    }

    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// The ETag, for If-Match.
    pub fn etag(&self) -> String {
        self.header("etag").unwrap_or_else(|| panic!("no ETag: {:?}", self.headers)).to_owned()
    }
}

/// A new idempotency key.
pub fn key() -> String {
    Uuid::now_v7().to_string()
}

#[derive(Clone)]
pub struct Session {
    base: String,
    pub user_id: Uuid,
    pub token: String,
    record: Arc<Record>,
}

impl Session {
    pub fn new(base: &str, user_id: Uuid, token: String, record: Arc<Record>) -> Session {
        record.keep_secret(&token);
        Session { base: base.to_owned(), user_id, token, record }
    }

    /// The same user at another server.
    pub fn at(&self, server: &super::Server) -> Session {
        Session::new(&server.base, self.user_id, self.token.clone(), self.record.clone())
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, None, &[]).unwrap()
    }

    /// A command under a new key.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_as(&key(), path, body)
    }

    /// A command under this key.
    #[track_caller]
    pub fn post_as(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.try_post(key, path, body).unwrap()
    }

    /// A command whose answer may be lost.
    pub fn try_post(&self, key: &str, path: &str, body: &Value) -> Result<Answer, ureq::Error> {
        self.send("POST", path, Some(key), Some(&body.to_string()), &[])
    }

    /// As every caller should: the same command under the same key, until there is a decision.
    #[track_caller]
    pub fn insist(&self, key: &str, path: &str, body: &Value) -> Answer {
        super::eventually("a decision", || {
            let answer = self.try_post(key, path, body).ok().filter(|answer| !answer.is_passing());
            if answer.is_none() {
                std::thread::sleep(Duration::from_millis(20));
            }
            answer
        })
    }

    /// A POST without a key.
    #[track_caller]
    pub fn ask(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, None, Some(&body.to_string()), &[]).unwrap()
    }

    #[track_caller]
    pub fn patch(&self, path: &str, etag: &str, body: &Value) -> Answer {
        self.send("PATCH", path, None, Some(&body.to_string()), &[("if-match", etag)]).unwrap()
    }

    /// Any request. A body is sent as JSON unless a header says otherwise.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let result = match body {
            Some(body) => AGENT.run(request.body(body.to_owned()).unwrap()),
            None => AGENT.run(request.body(()).unwrap()),
        };
        let answer = result.and_then(|response| {
            let (parts, mut body) = response.into_parts();
            let bytes = body.read_to_vec()?;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, text })
        });
        self.record.add(Sent {
            session: self.clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            key: key.map(str::to_owned),
            body: body.map(str::to_owned),
            answer: answer.as_ref().ok().cloned(),
        });
        answer
    }
}
