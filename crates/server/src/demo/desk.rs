//! How the demo's people give commands: into the lanes of the API, each under a key that is derived from the plan.

use std::time::Duration;

use api::app::{AnyCommand, Lanes};
use db::caller::Actor;
use db::keys::Key;
use db::lane::{Answer, Order, Reply};
use kernel::permission::Permission;
use uuid::Uuid;

use crate::demo::institution::{HEAD_OFFICE, Who};
use crate::demo::{NAMESPACE, id};
use crate::failure::Failure;

#[derive(Debug)]
pub struct Desk<'a> {
    pub lanes: &'a Lanes,
    /// The plan's: a key that was used for another plan is refused.
    pub fingerprint: String,
    pub administrator: Uuid,
    pub head_office: Uuid,
}

impl Desk<'_> {
    pub fn branch(&self, index: usize) -> Uuid {
        if index == HEAD_OFFICE { self.head_office } else { id("branch", index) }
    }

    /// Gives a command and waits until it is done. Anything but success ends the load. Given again it does nothing, so it may
    /// be given again where nobody could tell what became of it.
    pub async fn give(
        &self,
        (who, permission): (Who, Permission),
        key: String,
        command: impl Into<AnyCommand>,
    ) -> Result<Answer, Failure> {
        let command: AnyCommand = command.into();
        let operation = command.operation();
        let user_id = match who {
            Who::Administrator => self.administrator,
            Who::Staff(index) => id("user", index),
        };
        let (signed_in_at, request_id) = (db::clock::now(), Uuid::now_v7());
        // The demo's own space of keys: none that a person chooses can be among them.
        let actor = Actor { user_id, namespace: NAMESPACE, signed_in_at, request_id };
        let given = Key::of(NAMESPACE, &key, operation, "", &self.fingerprint);
        let mut tries = 0;
        loop {
            tries += 1;
            let order = Order {
                actor: actor.clone(),
                share: None,
                permissions: vec![permission],
                key: Some(given),
                sent: None,
                command: command.clone(),
            };
            match self.lanes.submit(order).await {
                Reply::Answer(answer) if (200..203).contains(&answer.status) => return Ok(answer),
                Reply::Answer(answer) => {
                    return Err(refused(operation, &key, &format!("{} {}", answer.status, answer.body)));
                }
                Reply::KeyReused => return Err(Failure::Said(OTHER_PLAN.to_owned())),
                Reply::Unavailable | Reply::InProgress | Reply::TooMany if tries < TRIES => {
                    tokio::time::sleep(PAUSE).await
                }
                other => return Err(refused(operation, &key, &format!("{other:?}"))),
            }
        }
    }
}

/// How often a command is given to a machine that is too busy for it, and how long it is left alone before.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

const OTHER_PLAN: &str = "the demo data here were begun with another --clients or --seed, or by another version of Ayni, and are \
     not complete: start it as it was started before, or take an empty place with --data-dir or --database-url";

fn refused(operation: &str, key: &str, answer: &str) -> Failure {
    Failure::Said(format!("the demo data could not be loaded: {operation} for {key} was answered with {answer}"))
}
