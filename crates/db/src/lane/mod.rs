//! A lane merges the commands that wait into one transaction.
//!
//! While a batch is committed the next one forms from whatever has arrived: no timer, so an idle server adds no latency and
//! a busy one forms bigger batches. Invariants: a command is answered once; what was answered with 2xx is committed with its
//! key; a refusal or a failure of one command never touches another. See `batch.rs` for the protocol, step by step.
//!
//! Deliberately absent: HTTP. `render`, given at the start, turns an outcome into the stored answer.

mod batch;
mod fate;
mod in_flight;
mod pace;
mod promise;
mod queue;
mod waiting;
mod written;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use chrono::NaiveDate;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

pub use batch::{Stored, is_claimed, stored_answer};
use in_flight::Entered;
pub use in_flight::InFlight;
use promise::Promise;

use crate::caller::{Actor, Caller, Denied};
use crate::fault::Fault;
use crate::keys::{Claim, Key};
use crate::pool::Pool;
use crate::tx::{Locking, Tx};

/// A command of one family. What it needs to know before it runs, and how a slice of them runs.
pub trait Command: fmt::Debug + Send + Sync + Sized + 'static {
    type Done: Send + Sync + 'static;
    type Refused: Send + Sync + 'static;

    /// The operation's stable name, in fingerprints, audit rows and metrics: `loan.repay`.
    const OPERATION: &'static str;

    /// The rows that it locks: a row is in flight in one batch at a time, commands for it keep their order.
    fn rows(&self) -> Vec<Uuid> {
        Vec::new()
    }

    /// Values that the caller chose and that must be unique, beside the key.
    fn claims(&self) -> Vec<Claim> {
        Vec::new()
    }

    /// Months that it books into by the caller's choice; what is booked on the open day needs no gate of its own.
    fn books_into(&self) -> Option<NaiveDate> {
        None
    }

    /// The record that it is about, for the audit row.
    fn subject(&self) -> Option<Uuid> {
        None
    }

    /// Whether each caller may see the record that its command names: asked before a stored answer is shown again.
    fn in_scope(_: &Tx, asked: &[Asked<'_, Self>]) -> impl Future<Output = Result<Vec<bool>, Fault>> + Send {
        let all = vec![true; asked.len()];
        async { Ok(all) }
    }

    /// Carries out a slice, one outcome each, in order. A statement that fails fails the slice.
    fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> impl Future<Output = Result<Vec<OutcomeOf<Self>>, Fault>> + Send;

    /// What `run` would answer, without a lock and without writing: the dry run of commands that move money.
    fn preview(_: &mut Tx, _: &[Asked<'_, Self>]) -> impl Future<Output = Result<Vec<OutcomeOf<Self>>, Fault>> + Send {
        async { Err(Fault::Invariant(format!("{} has no dry run", Self::OPERATION))) }
    }
}

/// A command with who asks, as the database grants it now.
#[derive(Debug)]
pub struct Asked<'a, C> {
    pub caller: &'a Caller,
    pub command: &'a C,
    /// The id of the command's idempotency key.
    pub key_id: Option<Uuid>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<Done, Refused> {
    Done(Done),
    Refused(Refused),
    /// Waits for a second person.
    Held(Held),
    /// A row was in another transaction's hands: again, later.
    Busy,
    /// The record in the path is absent or out of the caller's scope.
    Absent,
    /// The caller may not do this to this record.
    Denied(Denied),
}

pub type OutcomeOf<C> = Outcome<<C as Command>::Done, <C as Command>::Refused>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub approval_id: Uuid,
    pub expires_at: chrono::DateTime<chrono::Utc>,
}

/// An answer as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// Whether the answer is kept under the key: 2xx, and the 409 and 422 of a decision.
    pub stored: bool,
    /// The record that it made or changed.
    pub subject_id: Option<Uuid>,
    pub replayed: bool,
}

/// What a caller of a lane gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Answer(Answer),
    Denied(Denied),
    /// The record in the path is absent or out of the caller's scope.
    Absent,
    /// The key is in another server's hands now.
    InProgress,
    /// The key was used for another request.
    KeyReused,
    /// Full, too late, or no database: nothing was done; come again.
    Unavailable,
    /// A command that could not be carried out although nothing refused it.
    Failed,
}

/// Turns an outcome into its answer, before the commit.
pub type Render<C> = fn(&Asked<'_, C>, &OutcomeOf<C>) -> Answer;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Batches that may be on their way at once; how many are depends on the disk, see `pace.rs`.
    pub in_flight: usize,
    /// Commands in one batch.
    pub biggest: usize,
    /// Commands that may wait.
    pub queue: usize,
    /// How long a command may wait before it is answered 503 and not carried out.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { in_flight: 4, biggest: 256, queue: 20_000, deadline: Duration::from_secs(15) }
    }
}

/// One command on its way through a lane.
pub(crate) struct Pending<C> {
    pub actor: Actor,
    /// Whose turn it takes: the user's, or that of a bulk call.
    pub line: Uuid,
    pub is_bulk: bool,
    pub permission: &'static str,
    pub key: Option<Key>,
    pub command: C,
    pub deadline: Instant,
    /// How often its row was in another transaction's hands.
    pub passed_over: u8,
    pub not_before: Option<Instant>,
    pub promise: Promise,
}

/// The handle of a lane; cheap to clone.
pub struct Lane<C: Command> {
    sender: mpsc::Sender<Pending<C>>,
    in_flight: InFlight,
    deadline: Duration,
}

impl<C: Command> Clone for Lane<C> {
    fn clone(&self) -> Self {
        Lane { sender: self.sender.clone(), in_flight: self.in_flight.clone(), deadline: self.deadline }
    }
}

impl<C: Command> fmt::Debug for Lane<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane<{}>", C::OPERATION)
    }
}

impl<C: Command> Lane<C> {
    /// Starts the lane's task on the current runtime. It ends when the last handle is gone and the queue is empty.
    pub fn start(pool: Pool, in_flight: InFlight, limits: Limits, render: Render<C>) -> Lane<C> {
        let (sender, receiver) = mpsc::channel(limits.queue);
        tokio::spawn(queue::Queue::new(pool, limits, render, receiver).run());
        Lane { sender, in_flight, deadline: limits.deadline }
    }

    /// Enqueues a command and waits for its answer. Dropping the future changes nothing: the command is carried out.
    pub async fn submit(&self, actor: Actor, permission: &'static str, key: Option<Key>, command: C) -> Reply {
        let line = actor.user_id;
        self.enter(Order { actor, line, is_bulk: false, permission, key, command }).await
    }

    /// The same for an item of a bulk call, which is one caller: its items wait in a line of their own.
    pub async fn submit_item(&self, actor: Actor, permission: &'static str, key: Key, command: C) -> Reply {
        let line = actor.request_id;
        self.enter(Order { actor, line, is_bulk: true, permission, key: Some(key), command }).await
    }

    async fn enter(&self, order: Order<C>) -> Reply {
        let (reply, answer) = oneshot::channel();
        match order.key {
            None => self.enqueue(order, Promise::new(reply)),
            Some(key) => match self.in_flight.enter(key, reply) {
                // Its reply goes to all that join it, also when this future is dropped.
                Entered::First(promise) => self.enqueue(order, promise),
                Entered::Joined => {}
                Entered::OtherRequest => return Reply::KeyReused,
            },
        }
        answer.await.unwrap_or(Reply::Unavailable)
    }

    fn enqueue(&self, order: Order<C>, promise: Promise) {
        let Order { actor, line, is_bulk, permission, key, command } = order;
        let deadline = Instant::now() + self.deadline;
        let (passed_over, not_before) = (0, None);
        let pending =
            Pending { actor, line, is_bulk, permission, key, command, deadline, passed_over, not_before, promise };
        // Where there is no room it is dropped, and its promise says so.
        let _ = self.sender.try_send(pending);
    }
}

/// A command as it is given to a lane.
struct Order<C> {
    actor: Actor,
    line: Uuid,
    is_bulk: bool,
    permission: &'static str,
    key: Option<Key>,
    command: C,
}

impl<C> Pending<C> {
    fn answer(&mut self, reply: Reply) {
        self.promise.keep(reply);
    }
}

/// After this many passes a command runs alone and waits for its row.
pub(crate) const PASSED_OVER_BEFORE_WAITING: u8 = 3;

pub(crate) fn locking_for(passed_over: u8) -> Locking {
    if passed_over >= PASSED_OVER_BEFORE_WAITING { Locking::Wait } else { Locking::Skip }
}
