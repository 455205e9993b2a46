//! What was sent to an institution and what came back.

use std::sync::Mutex;

use super::http::{Answer, Session};

#[derive(Clone)]
pub struct Sent {
    pub session: Session,
    pub method: String,
    pub path: String,
    pub key: Option<String>,
    pub body: Option<String>,
    /// None: the answer was lost.
    pub answer: Option<Answer>,
}

impl Sent {
    pub fn is_command(&self) -> bool {
        self.method == "POST" && self.key.is_some() && !self.path.contains("dry_run=true")
    }

    pub fn was_acknowledged(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| (200..300).contains(&answer.status))
    }
}

#[derive(Default)]
pub struct Record {
    sent: Mutex<Vec<Sent>>,
    secrets: Mutex<Vec<String>>,
}

impl Record {
    pub fn add(&self, sent: Sent) {
        self.sent.lock().unwrap().push(sent);
    }

    pub fn all(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    /// A text that must not stand in any log: a name, a phone number, a password, a token.
    pub fn keep_secret(&self, text: &str) {
        if !text.is_empty() {
            self.secrets.lock().unwrap().push(text.to_owned());
        }
    }

    pub fn secrets(&self) -> Vec<String> {
        self.secrets.lock().unwrap().clone()
    }
}
