//! What waits in a lane, and who is next.
//!
//! Each caller has a line of its own, first come first served; the lines take turns, so that a thousand commands of one caller
//! cost another a place or two. A bulk call is a line of its own and takes at most half of a batch. A row's commands keep the order
//! in which they came, whoever gave them.
//!
//! Pure: no clock, no channel, no database.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Command, PASSED_OVER_BEFORE_WAITING, Pending};

/// How long the commands of a caller run alone after one of them could not be carried out.
pub(super) const QUARANTINE: Duration = Duration::from_secs(60);

pub(super) struct Waiting<C> {
    biggest: usize,
    lines: HashMap<Uuid, VecDeque<Numbered<C>>>,
    /// The lines with commands, the next one first.
    turns: VecDeque<Uuid>,
    /// Commands that run alone, and wait for their row in the database.
    alone: VecDeque<Numbered<C>>,
    /// The numbers of the commands that wait for a row, in order.
    of_row: HashMap<Uuid, VecDeque<u64>>,
    /// Rows of batches on their way.
    busy: HashSet<Uuid>,
    /// Users of which a command failed, and until when theirs run alone.
    quarantined: HashMap<Uuid, Instant>,
    next_number: u64,
    count: usize,
}

struct Numbered<C> {
    number: u64,
    rows: Vec<Uuid>,
    pending: Pending<C>,
}

/// What is to be done now.
pub(super) struct Composed<C> {
    pub batch: Vec<Pending<C>>,
    /// Too late: to be answered, and not to be carried out.
    pub expired: Vec<Pending<C>>,
}

impl<C: Command> Waiting<C> {
    pub fn new(biggest: usize) -> Self {
        Waiting {
            biggest,
            lines: HashMap::new(),
            turns: VecDeque::new(),
            alone: VecDeque::new(),
            of_row: HashMap::new(),
            busy: HashSet::new(),
            quarantined: HashMap::new(),
            next_number: 0,
            count: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn push(&mut self, pending: Pending<C>) {
        let numbered = self.number(pending);
        let line = numbered.pending.line;
        for row in &numbered.rows {
            self.of_row.entry(*row).or_default().push_back(numbered.number);
        }
        let waiting = self.lines.entry(line).or_default();
        if waiting.is_empty() {
            self.turns.push_back(line);
        }
        waiting.push_back(numbered);
    }

    /// A command whose row was in another transaction's hands: to the head of its line, or among those that run alone.
    pub fn push_back(&mut self, pending: Pending<C>) {
        let numbered = self.number(pending);
        for row in &numbered.rows {
            self.of_row.entry(*row).or_default().push_front(numbered.number);
        }
        if numbered.pending.passed_over >= PASSED_OVER_BEFORE_WAITING {
            self.alone.push_back(numbered);
            return;
        }
        let line = numbered.pending.line;
        let waiting = self.lines.entry(line).or_default();
        if waiting.is_empty() {
            self.turns.push_front(line);
        }
        waiting.push_front(numbered);
    }

    fn number(&mut self, pending: Pending<C>) -> Numbered<C> {
        self.next_number += 1;
        self.count += 1;
        Numbered { number: self.next_number, rows: pending.command.rows(), pending }
    }

    /// The rows of a batch that has ended.
    pub fn free(&mut self, rows: &[Uuid]) {
        for row in rows {
            self.busy.remove(row);
        }
        // A batch of our own that ended may have held the row: wake what waits for one.
        let waiting = self.lines.values_mut().flatten().chain(&mut self.alone);
        waiting.for_each(|numbered| numbered.pending.not_before = None);
    }

    /// From now on a user's commands run alone for a while: one of them broke a batch.
    pub fn quarantine(&mut self, user_id: Uuid, now: Instant) {
        self.quarantined.insert(user_id, now + QUARANTINE);
    }

    /// The next batch; its rows are busy until they are freed. Empty where nothing may run now.
    pub fn compose(&mut self, now: Instant) -> Composed<C> {
        self.quarantined.retain(|_, until| *until > now);
        let mut composed = Composed { batch: Vec::new(), expired: Vec::new() };
        self.take_alone(now, &mut composed);
        if composed.batch.is_empty() {
            self.take_turns(now, &mut composed);
        }
        // Only now, so that several commands on a row can be in one batch.
        self.busy.extend(composed.batch.iter().flat_map(|pending| pending.command.rows()));
        composed
    }

    fn take_alone(&mut self, now: Instant, composed: &mut Composed<C>) {
        let mut later = VecDeque::new();
        while let Some(numbered) = self.alone.pop_front() {
            if numbered.pending.deadline <= now {
                composed.expired.push(self.leave(numbered));
            } else if composed.batch.is_empty() && self.may_run(&numbered, now) {
                composed.batch.push(self.leave(numbered));
            } else {
                later.push_back(numbered);
            }
        }
        self.alone = later;
    }

    fn take_turns(&mut self, now: Instant, composed: &mut Composed<C>) {
        let mut line_ups: HashMap<Uuid, LineUp<C>> = HashMap::new();
        // Those that found nothing more to run, and those that must run alone and had to let others first.
        let (mut done, mut first_next) = (Vec::new(), Vec::new());
        while composed.batch.len() < self.biggest
            && let Some(line) = self.turns.pop_front()
        {
            let line_up = line_ups.entry(line).or_default();
            let Some(numbered) = self.next_of(line, now, line_up, composed) else {
                done.push(line);
                continue;
            };
            if self.quarantined.contains_key(&numbered.pending.actor.user_id) {
                if !composed.batch.is_empty() {
                    line_up.passed.push(numbered);
                    first_next.push(line);
                    continue;
                }
                composed.batch.push(self.leave(numbered));
                self.turns.push_back(line);
                break;
            }
            line_up.taken += 1;
            let is_bulk = numbered.pending.is_bulk;
            composed.batch.push(self.leave(numbered));
            if is_bulk && line_up.taken >= self.biggest.div_ceil(2) {
                done.push(line);
            } else {
                self.turns.push_back(line);
            }
        }
        for (line, line_up) in line_ups {
            let waiting = self.lines.entry(line).or_default();
            line_up.passed.into_iter().rev().for_each(|numbered| waiting.push_front(numbered));
        }
        self.turns.extend(done);
        first_next.into_iter().rev().for_each(|line| self.turns.push_front(line));
        self.turns.retain(|line| self.lines.get(line).is_some_and(|waiting| !waiting.is_empty()));
        self.lines.retain(|_, waiting| !waiting.is_empty());
    }

    /// The first command of a line that may run now; those before it keep their places.
    fn next_of(
        &mut self,
        line: Uuid,
        now: Instant,
        line_up: &mut LineUp<C>,
        composed: &mut Composed<C>,
    ) -> Option<Numbered<C>> {
        while let Some(numbered) = self.lines.get_mut(&line).and_then(VecDeque::pop_front) {
            if numbered.pending.deadline <= now {
                composed.expired.push(self.leave(numbered));
            } else if self.may_run(&numbered, now) {
                return Some(numbered);
            } else {
                line_up.passed.push(numbered);
            }
        }
        None
    }

    /// Its pause is over, its rows are free, and nothing that came before it waits for one of them.
    fn may_run(&self, numbered: &Numbered<C>, now: Instant) -> bool {
        let is_first = |row: &Uuid| self.of_row.get(row).and_then(VecDeque::front) == Some(&numbered.number);
        numbered.pending.not_before.is_none_or(|until| until <= now)
            && numbered.rows.iter().all(|row| !self.busy.contains(row) && is_first(row))
    }

    /// Takes a command out.
    fn leave(&mut self, numbered: Numbered<C>) -> Pending<C> {
        self.count -= 1;
        for row in &numbered.rows {
            if let Some(waiting) = self.of_row.get_mut(row) {
                waiting.retain(|number| *number != numbered.number);
                if waiting.is_empty() {
                    self.of_row.remove(row);
                }
            }
        }
        numbered.pending
    }
}

/// What composing has seen of a line.
struct LineUp<C> {
    taken: usize,
    /// Not to be run now, in order.
    passed: Vec<Numbered<C>>,
}

impl<C> Default for LineUp<C> {
    fn default() -> Self {
        LineUp { taken: 0, passed: Vec::new() }
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
