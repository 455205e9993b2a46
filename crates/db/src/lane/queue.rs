//! The task of a lane: takes commands in, starts batches, brings back what was passed over.

use std::time::Duration;

use rand::RngExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::batch::{Batch, Finished};
use super::pace::{OnTheirWay, Pace};
use super::waiting::Waiting;
use super::{Command, Limits, PASSED_OVER_BEFORE_WAITING, Pending, Render, Reply};
use crate::lane::waiting::Composed;
use crate::pool::Pool;

/// How long a command that was passed over waits for its row, unless a batch ends sooner: in milliseconds, by chance, so that two
/// servers do not meet again and again.
const PASSED_OVER_PAUSE: std::ops::Range<u64> = 5..15;

pub(super) struct Queue<C: Command> {
    pool: Pool,
    limits: Limits,
    render: Render<C>,
    receiver: mpsc::Receiver<Pending<C>>,
    waiting: Waiting<C>,
    pace: Pace,
    batches: JoinSet<Finished<C>>,
    /// A batch of a quarantined command is on its way, beside the others.
    quarantine: JoinSet<Finished<C>>,
    /// Commands of the batches on their way.
    commands: usize,
    /// When the newest of them began.
    began: Instant,
    pause_until: Option<Instant>,
}

impl<C: Command> Queue<C> {
    pub fn new(pool: Pool, limits: Limits, render: Render<C>, receiver: mpsc::Receiver<Pending<C>>) -> Self {
        Queue {
            pool,
            limits,
            render,
            receiver,
            waiting: Waiting::new(limits),
            pace: Pace::default(),
            batches: JoinSet::new(),
            quarantine: JoinSet::new(),
            commands: 0,
            began: Instant::now(),
            pause_until: None,
        }
    }

    pub async fn run(mut self) {
        let mut open = true;
        while open || self.waiting.len() > 0 || !self.batches.is_empty() || !self.quarantine.is_empty() {
            let pause = self.pause_until.unwrap_or_else(Instant::now);
            let (patience, is_growing) = (self.began + self.pace.patience(), self.is_growing());
            tokio::select! {
                arrived = self.receiver.recv(), if open && self.waiting.len() < self.limits.queue => match arrived {
                    Some(pending) => self.take_in(pending),
                    None => open = false,
                },
                Some(finished) = self.batches.join_next() => {
                    self.commands = self.commands.saturating_sub(finished.as_ref().map_or(0, |finished| finished.commands));
                    self.take_back(finished.ok());
                }
                Some(finished) = self.quarantine.join_next() => self.take_back(finished.ok()),
                () = tokio::time::sleep_until(pause), if self.pause_until.is_some() => self.pause_until = None,
                () = tokio::time::sleep_until(patience), if is_growing => {}
            }
            while self.waiting.len() < self.limits.queue
                && let Ok(pending) = self.receiver.try_recv()
            {
                self.take_in(pending);
            }
            while self.has_room() && self.start_batch() {}
            if self.quarantine.is_empty() {
                self.start_quarantined();
            }
        }
    }

    fn take_in(&mut self, pending: Pending<C>) {
        if let Err(mut refused) = self.waiting.push(pending) {
            refused.answer(Reply::TooMany);
        }
    }

    fn has_room(&self) -> bool {
        let (batches, newest) = (self.batches.len(), self.began.elapsed());
        let on_their_way = OnTheirWay { batches, commands: self.commands, newest };
        self.pace.has_room(on_their_way, self.waiting.len(), self.limits)
    }

    /// Whether commands wait only for company.
    fn is_growing(&self) -> bool {
        self.waiting.len() > 0 && !self.batches.is_empty() && self.began.elapsed() < self.pace.patience()
    }

    /// Starts a batch of what may run now; false where there is none.
    fn start_batch(&mut self) -> bool {
        let composed = self.waiting.compose(Instant::now());
        let Some(batch) = self.batch_of(composed) else { return false };
        self.commands += batch.commands.len();
        self.began = Instant::now();
        self.batches.spawn(batch.settle());
        true
    }

    /// A quarantined command takes nobody's place: it runs alone, in one slot beside the others.
    fn start_quarantined(&mut self) {
        let composed = self.waiting.compose_quarantined(Instant::now());
        if let Some(batch) = self.batch_of(composed) {
            self.quarantine.spawn(batch.settle());
        }
    }

    fn batch_of(&mut self, composed: Composed<C>) -> Option<Batch<C>> {
        for mut late in composed.expired {
            self.waiting.ended(&[(late.actor.user_id, late.about.weight())]);
            late.answer(Reply::Unavailable);
        }
        let commands = composed.batch;
        if commands.is_empty() {
            return None;
        }
        metrics::histogram!("ayni_lane_batch_size", "lane" => C::LANE).record(commands.len() as f64);
        Some(Batch { pool: self.pool.clone(), render: self.render, commands })
    }

    /// A batch has ended: its rows are free, and what it passed over goes back to the head of its line.
    fn take_back(&mut self, finished: Option<Finished<C>>) {
        let Some(finished) = finished else { return };
        let now = Instant::now();
        self.waiting.free(&finished.rows);
        self.waiting.ended(&finished.users);
        self.pace.note(finished.took, finished.committing);
        for (user_id, operation) in finished.failed {
            self.waiting.quarantine(user_id, operation, now);
        }
        let until = now + Duration::from_millis(rand::rng().random_range(PASSED_OVER_PAUSE));
        for mut pending in finished.passed_over.into_iter().rev() {
            pending.not_before = Some(until);
            self.pause_until = Some(until);
            // It has waited alone under the lock timeout and still not got its row.
            if pending.passed_over > PASSED_OVER_BEFORE_WAITING {
                pending.answer(Reply::Unavailable);
            } else {
                self.waiting.push_back(pending);
            }
        }
    }
}
