//! The task of a lane: takes commands in, composes batches, brings back what was passed over.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use super::batch::{Batch, Finished};
use super::{Command, Limits, PASSED_OVER_BEFORE_WAITING, Pending, Render, Reply};
use crate::pool::Pool;

/// How long a command that was passed over waits for its row, unless a batch ends sooner.
const PASSED_OVER_PAUSE: Duration = Duration::from_millis(5);

pub(super) struct Queue<C: Command> {
    pool: Pool,
    limits: Limits,
    render: Render<C>,
    receiver: mpsc::Receiver<Pending<C>>,
    waiting: VecDeque<Pending<C>>,
    busy_rows: HashSet<Uuid>,
    batches: JoinSet<Finished<C>>,
    pause_until: Option<Instant>,
}

impl<C: Command> Queue<C> {
    pub fn new(pool: Pool, limits: Limits, render: Render<C>, receiver: mpsc::Receiver<Pending<C>>) -> Self {
        Queue {
            pool,
            limits,
            render,
            receiver,
            waiting: VecDeque::new(),
            busy_rows: HashSet::new(),
            batches: JoinSet::new(),
            pause_until: None,
        }
    }

    pub async fn run(mut self) {
        let mut open = true;
        while open || !self.waiting.is_empty() || !self.batches.is_empty() {
            let pause = self.pause_until.unwrap_or_else(Instant::now);
            tokio::select! {
                arrived = self.receiver.recv(), if open && self.waiting.len() < self.limits.queue => match arrived {
                    Some(pending) => self.waiting.push_back(pending),
                    None => open = false,
                },
                Some(finished) = self.batches.join_next() => self.take_back(finished.ok()),
                () = tokio::time::sleep_until(pause), if self.pause_until.is_some() => self.pause_until = None,
            }
            while self.waiting.len() < self.limits.queue
                && let Ok(pending) = self.receiver.try_recv()
            {
                self.waiting.push_back(pending);
            }
            while self.batches.len() < self.limits.in_flight && self.start_batch() {}
        }
    }

    /// Starts a batch of what may run now; false where there is none.
    fn start_batch(&mut self) -> bool {
        let commands = self.compose();
        if commands.is_empty() {
            return false;
        }
        metrics::histogram!("ayni_lane_batch_size", "operation" => C::OPERATION).record(commands.len() as f64);
        let batch = Batch { pool: self.pool.clone(), render: self.render, commands };
        self.batches.spawn(batch.settle());
        true
    }

    /// The oldest commands whose rows are free. One whose row is taken stays, and so do later ones for the same row.
    fn compose(&mut self) -> Vec<Pending<C>> {
        let now = Instant::now();
        let mut chosen: Vec<Pending<C>> = Vec::new();
        let mut kept = VecDeque::new();
        let mut blocked = self.busy_rows.clone();
        let mut alone = false;
        while let Some(mut pending) = self.waiting.pop_front() {
            if pending.deadline <= now {
                pending.answer(Reply::Unavailable);
                continue;
            }
            let rows = pending.command.rows();
            let waits_alone = pending.passed_over >= PASSED_OVER_BEFORE_WAITING;
            let full = chosen.len() >= self.limits.biggest || alone || (waits_alone && !chosen.is_empty());
            let pausing = pending.not_before.is_some_and(|until| until > now);
            if full || pausing || rows.iter().any(|row| blocked.contains(row)) {
                blocked.extend(rows);
                kept.push_back(pending);
                if full {
                    break;
                }
            } else {
                alone = waits_alone;
                chosen.push(pending);
            }
        }
        kept.append(&mut self.waiting);
        self.waiting = kept;
        self.busy_rows.extend(chosen.iter().flat_map(|pending| pending.command.rows()));
        chosen
    }

    /// A batch has ended: its rows are free, and what it passed over goes back to the head of the queue.
    fn take_back(&mut self, finished: Option<Finished<C>>) {
        let Some(finished) = finished else { return };
        for row in &finished.rows {
            self.busy_rows.remove(row);
        }
        // A batch of our own that ended may have held the row: wake what waits for one.
        for pending in &mut self.waiting {
            pending.not_before = None;
        }
        let until = Instant::now() + PASSED_OVER_PAUSE;
        for mut pending in finished.passed_over.into_iter().rev() {
            pending.not_before = Some(until);
            self.pause_until = Some(until);
            // It has waited alone under the lock timeout and still not got its row.
            if pending.passed_over > PASSED_OVER_BEFORE_WAITING {
                pending.answer(Reply::Unavailable);
            } else {
                self.waiting.push_front(pending);
            }
        }
    }
}
