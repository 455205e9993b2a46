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
mod shares;
mod waiting;
mod written;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use kernel::permission::Permission;
use kernel::refusal::Refusal;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

pub use batch::{Stored, is_claimed, stored_answer};
use in_flight::Entered;
pub use in_flight::InFlight;
use promise::Promise;
pub use shares::Share;
use shares::Shares;

use crate::caller::{Actor, Caller, Denied};
use crate::deciding::{NotDone, Refused};
use crate::fault::Fault;
use crate::gates::Try;
use crate::keys::{Claim, Key};
use crate::pool::Pool;
use crate::tx::{Locking, Tx};

/// What a lane needs to know of a command before it runs; made once, when it is queued.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The operation's stable name, in fingerprints, audit rows and metrics: `loan.repay`.
    pub operation: &'static str,
    /// The rows that it locks, and the ids that it makes: a row is in flight in one batch at a time, commands for it keep their
    /// order.
    pub rows: Vec<Uuid>,
    /// Values that the caller chose and that must be unique, beside the key.
    pub claims: Vec<Claim>,
    /// Gates that it only tries: where one is taken, the command comes again.
    pub tries: Vec<Try>,
    /// The record that it is about, for the audit row.
    pub subject: Option<Uuid>,
    /// The commands that it counts for, beside itself: those of an atomic call.
    pub more: usize,
}

impl About {
    /// A command that locks nothing.
    pub fn of(operation: &'static str) -> About {
        About { operation, ..About::default() }
    }

    /// How many commands it counts for.
    pub fn weight(&self) -> usize {
        1 + self.more
    }
}

/// A command of one lane.
pub trait Command: fmt::Debug + Send + Sync + Sized + 'static {
    type Done: Send + Sync + 'static;

    /// The lane's name in metrics.
    const LANE: &'static str;

    fn about(&self) -> About;

    /// Whether each caller may see the records that a stored answer tells of: asked before it is shown again.
    fn visible(tx: &Tx, stored: &[(Asked<'_, Self>, &Answer)])
    -> impl Future<Output = Result<Vec<bool>, Fault>> + Send;

    /// The commands in it that were carried out as its parts, each with an audit row of its own.
    fn parts(&self, _done: &Self::Done) -> Vec<Part> {
        Vec::new()
    }

    /// Carries out a slice, one outcome each, in order. A statement that fails fails the slice.
    fn run(
        tx: &mut Tx,
        asked: &[Asked<'_, Self>],
    ) -> impl Future<Output = Result<Vec<Outcome<Self::Done>>, Fault>> + Send;
}

/// One kind of the commands of a lane that has several: those that come one after the other are carried out together.
pub trait SlicedCommand: fmt::Debug + Send + Sync + Sized + 'static {
    type Done: Send + Sync + 'static;

    fn about(&self) -> About;

    /// As [`Command::run`].
    fn run(
        tx: &mut Tx,
        asked: &[Asked<'_, Self>],
    ) -> impl Future<Output = Result<Vec<Outcome<Self::Done>>, Fault>> + Send;
}

/// A command that was carried out as a part of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub command_id: Uuid,
    pub operation: &'static str,
    pub subject: Option<Uuid>,
}

/// A command as it was sent, for the approval that it may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The path's parameters, in the order of the template, with `/` between them.
    pub path: String,
    /// The parsed body as sent, written back as JSON with sorted names.
    pub body: String,
}

/// A command with who asks, as the database grants it now.
#[derive(Debug)]
pub struct Asked<'a, C> {
    pub caller: &'a Caller,
    pub command: &'a C,
    pub about: &'a About,
    pub sent: Option<&'a Sent>,
    /// Names the command in the audit, and on every event and entry that it makes.
    pub command_id: Uuid,
}

// Not derived: a command need not be `Copy` to be asked for twice.
impl<C> Clone for Asked<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Asked<'_, C> {}

#[derive(Debug)]
pub enum Outcome<Done> {
    Done(Done),
    Refused(Refused),
    /// Waits for a second person.
    Held(Held),
    /// A row was locked by another transaction: again, later. `dragged`: only because an earlier command of the batch waits for
    /// the row, which counts for nothing.
    Busy {
        dragged: bool,
    },
    /// The record in the path is absent or out of the caller's scope.
    Absent,
    /// The caller may not do this to this record.
    Denied(Denied),
    /// This command alone could not be carried out, although nothing refused it.
    Failed(Fault),
}

impl<Done> Outcome<Done> {
    /// The same outcome in the words of a family of commands.
    pub fn map<Other>(self, done: impl FnOnce(Done) -> Other) -> Outcome<Other> {
        match self {
            Outcome::Done(it) => Outcome::Done(done(it)),
            Outcome::Refused(refused) => Outcome::Refused(refused),
            Outcome::Held(held) => Outcome::Held(held),
            Outcome::Busy { dragged } => Outcome::Busy { dragged },
            Outcome::Absent => Outcome::Absent,
            Outcome::Denied(denied) => Outcome::Denied(denied),
            Outcome::Failed(fault) => Outcome::Failed(fault),
        }
    }

    pub fn refused(refusal: impl Refusal + Send + Sync + 'static) -> Outcome<Done> {
        Outcome::Refused(Box::new(refusal))
    }
}

impl<Done> From<NotDone> for Outcome<Done> {
    /// A command that is held has been filed before.
    fn from(why: NotDone) -> Self {
        match why {
            NotDone::Refused(refused) => Outcome::Refused(refused),
            NotDone::Denied(denied) => Outcome::Denied(denied),
            NotDone::Absent => Outcome::Absent,
            NotDone::Fault(fault) => Outcome::Failed(fault),
            NotDone::Held(_) => Outcome::Failed(Fault::Invariant("a command was held and not filed".into())),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub approval_id: Uuid,
    pub expires_at: chrono::DateTime<chrono::Utc>,
    /// Who could decide now.
    pub deciders: i64,
}

/// An answer as it is stored and sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// Whether the answer is kept under the key: 2xx, and the 422 of a decision. After a 409 the same key decides again.
    pub stored: bool,
    /// The record that it made or changed.
    pub subject_id: Option<Uuid>,
    pub replayed: bool,
    /// After how many seconds the same request may succeed by itself.
    pub retry_after: Option<u32>,
}

/// What a caller of a lane gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Answer(Answer),
    Denied(Denied),
    /// The record in the path is absent or out of the caller's scope.
    Absent,
    /// Another server carries the key out now.
    InProgress,
    /// The key was used for another request.
    KeyReused,
    /// Full, too late, or no database: nothing was done; come again.
    Unavailable,
    /// The user has as many commands on their way as one may have.
    TooMany,
    /// A command that could not be carried out although nothing refused it.
    Failed,
}

/// Turns an outcome into its answer, before the commit.
pub type Render<C> = fn(&Asked<'_, C>, &Outcome<<C as Command>::Done>) -> Answer;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Batches that may be on their way at once; how many are depends on the disk, see `pace.rs`.
    pub in_flight: usize,
    /// Commands in one batch.
    pub biggest: usize,
    /// Commands that may wait.
    pub queue: usize,
    /// Commands that one user may have on their way.
    pub of_user: usize,
    /// Items of bulk calls among them, so that single commands find room; more of them wait in their calls.
    pub bulk_of_user: usize,
    /// How long a command may wait before it is answered 503 and not carried out.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let deadline = Duration::from_secs(15);
        Limits { in_flight: 4, biggest: 256, queue: 20_000, of_user: 2_000, bulk_of_user: 1_024, deadline }
    }
}

/// Whose turn a command takes: all bulk calls of a user are one line beside the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub user_id: Uuid,
    pub is_bulk: bool,
}

/// One command on its way through a lane.
pub(crate) struct Pending<C> {
    pub actor: Actor,
    pub line: Line,
    pub permissions: Vec<Permission>,
    pub key: Option<Key>,
    pub sent: Option<Sent>,
    pub about: About,
    pub command: C,
    pub deadline: Instant,
    /// How often its row was locked by another transaction.
    pub passed_over: u8,
    pub not_before: Option<Instant>,
    pub promise: Promise,
}

/// The handle of a lane; cheap to clone.
pub struct Lane<C: Command> {
    sender: mpsc::Sender<Pending<C>>,
    in_flight: InFlight,
    shares: Shares,
    deadline: Duration,
}

impl<C: Command> Clone for Lane<C> {
    fn clone(&self) -> Self {
        let Lane { sender, in_flight, shares, deadline } = self;
        Lane { sender: sender.clone(), in_flight: in_flight.clone(), shares: shares.clone(), deadline: *deadline }
    }
}

impl<C: Command> fmt::Debug for Lane<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lane<{}>", C::LANE)
    }
}

/// A command as it is given to a lane.
#[derive(Debug)]
pub struct Order<C> {
    pub actor: Actor,
    /// One of the items of a bulk call has the share that [`Lane::share`] gave.
    pub share: Option<Share>,
    /// What the caller must be granted, all of them.
    pub permissions: Vec<Permission>,
    pub key: Option<Key>,
    pub sent: Option<Sent>,
    pub command: C,
}

impl<C: Command> Lane<C> {
    /// Starts the lane's task on the current runtime. It ends when the last handle is gone and the queue is empty.
    pub fn start(pool: Pool, in_flight: InFlight, limits: Limits, render: Render<C>) -> Lane<C> {
        let (sender, receiver) = mpsc::channel(limits.queue);
        tokio::spawn(queue::Queue::new(pool, limits, render, receiver).run());
        Lane { sender, in_flight, shares: Shares::new(limits.bulk_of_user), deadline: limits.deadline }
    }

    /// Waits until one more item of a user's bulk calls may come. A call takes shares in the order of its items.
    pub async fn share(&self, user_id: Uuid) -> Share {
        self.shares.take(user_id).await
    }

    /// Enqueues a command and waits for its answer. Dropping the future changes nothing: the command is carried out.
    pub async fn submit(&self, mut order: Order<C>) -> Reply {
        // It counts until the answer is there.
        let share = order.share.take();
        let is_bulk = share.is_some();
        let (reply, answer) = oneshot::channel();
        match order.key {
            None => self.enqueue(order, is_bulk, Promise::new(reply)),
            Some(key) => match self.in_flight.enter(key, order.actor.user_id, reply) {
                // Its reply goes to all that join it, also when this future is dropped.
                Entered::First(promise) => self.enqueue(order, is_bulk, promise),
                Entered::Joined => {}
                Entered::OtherRequest => return Reply::KeyReused,
                Entered::OtherUser => return Reply::InProgress,
            },
        }
        let reply = answer.await.unwrap_or(Reply::Unavailable);
        drop(share);
        reply
    }

    fn enqueue(&self, order: Order<C>, is_bulk: bool, promise: Promise) {
        let Order { actor, permissions, key, sent, command, .. } = order;
        let deadline = Instant::now() + self.deadline;
        let (passed_over, not_before) = (0, None);
        let line = Line { user_id: actor.user_id, is_bulk };
        let about = command.about();
        let pending =
            Pending { actor, line, permissions, key, sent, about, command, deadline, passed_over, not_before, promise };
        // Where there is no room it is dropped, and its promise says so.
        let _ = self.sender.try_send(pending);
    }
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
