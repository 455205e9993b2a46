//! Two commands at the same moment, on two servers.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use crate::harness::*;

/// A command: who gives it, where, and what.
#[derive(Clone)]
pub struct Move {
    pub name: &'static str,
    pub who: &'static str,
    pub path: String,
    pub body: Value,
    sent: Sent,
}

#[derive(Clone)]
enum Sent {
    /// A POST under a new key.
    WithKey,
    /// A POST whose items carry their keys.
    WithItemKeys,
    /// A PATCH of the version with this ETag.
    OfVersion(String),
}

impl Move {
    pub fn post(name: &'static str, who: &'static str, path: String, body: Value) -> Move {
        Move { name, who, path, body, sent: Sent::WithKey }
    }

    pub fn bulk(name: &'static str, who: &'static str, path: String, body: Value) -> Move {
        Move { name, who, path, body, sent: Sent::WithItemKeys }
    }

    pub fn patch(name: &'static str, who: &'static str, path: String, etag: String, body: Value) -> Move {
        Move { name, who, path, body, sent: Sent::OfVersion(etag) }
    }

    fn give(&self, session: &Session) -> Answer {
        eventually("a decision", || {
            let answer = match &self.sent {
                Sent::WithKey => return Some(session.insist(&key(), &self.path, &self.body)),
                Sent::WithItemKeys => session.ask(&self.path, &self.body),
                Sent::OfVersion(etag) => session.patch(&self.path, etag, &self.body),
            };
            if answer.is_passing() {
                thread::sleep(Duration::from_millis(20));
                return None;
            }
            Some(answer)
        })
    }
}

/// Gives one here and the other at the second server, as nearly at once as two threads can.
pub fn both(house: &Institution, second: &Server, one: &Move, other: &Move) -> [Answer; 2] {
    let barrier = Barrier::new(2);
    let (here, there) = (house.session(one.who), house.session(other.who).at(second));
    thread::scope(|scope| {
        let calls = [(here, one), (there, other)].map(|(session, what)| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                what.give(&session)
            })
        });
        calls.map(|call| call.join().unwrap())
    })
}
