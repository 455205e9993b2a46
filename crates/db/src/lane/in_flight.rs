//! Inside a process a key is in flight once. All lanes share this, since a caller's keys are one space.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Promise, Reply};
use crate::keys::Key;

#[derive(Clone, Debug, Default)]
pub struct InFlight {
    keys: Arc<Mutex<HashMap<Uuid, Entry>>>,
}

#[derive(Debug)]
struct Entry {
    user_id: Uuid,
    fingerprint: [u8; 32],
    joined: Vec<oneshot::Sender<Reply>>,
}

pub(super) enum Entered {
    First(Promise),
    /// The same request is on its way: its reply comes to both.
    Joined,
    OtherRequest,
    /// The same request of another user who shares the space of keys: the reply is not for who asks now.
    OtherUser,
}

impl InFlight {
    pub(super) fn enter(&self, key: Key, user_id: Uuid, reply: oneshot::Sender<Reply>) -> Entered {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.get_mut(&key.id) {
            None => {
                keys.insert(key.id, Entry { user_id, fingerprint: key.fingerprint, joined: Vec::new() });
                Entered::First(Promise::of_key(reply, self.clone(), key.id))
            }
            Some(entry) if entry.fingerprint != key.fingerprint => Entered::OtherRequest,
            Some(entry) if entry.user_id != user_id => Entered::OtherUser,
            Some(entry) => {
                entry.joined.push(reply);
                Entered::Joined
            }
        }
    }

    /// Ends a key's flight and answers those that joined.
    pub(super) fn leave(&self, id: Uuid, reply: &Reply) {
        let entry = self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        for joined in entry.into_iter().flat_map(|entry| entry.joined) {
            let _ = joined.send(replayed(reply));
        }
    }

    /// Whether a key is on its way in this process.
    pub fn holds(&self, id: Uuid) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }
}

fn replayed(reply: &Reply) -> Reply {
    match reply {
        Reply::Answer(answer) if answer.stored => Reply::Answer(super::Answer { replayed: true, ..answer.clone() }),
        other => other.clone(),
    }
}
