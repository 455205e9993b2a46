//! What waits in a lane, and who is next.
//!
//! Each user has a line of its own, first come first served, and all bulk calls of a user have one more; the lines take turns, so
//! that a thousand commands of one user cost another a place or two. Bulk calls of one user take at most half of a batch. A
//! row's commands keep the order in which they came, also where different users sent them.
//!
//! An atomic call weighs as its items. One that weighs more than half a batch runs when it is the first of its line, in a batch
//! with nothing else of that user.
//!
//! Pure: no clock, no channel, no database.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::{Command, Limits, Line, PASSED_OVER_BEFORE_WAITING, Pending};

/// How long the commands of one user and operation run alone after one of them broke a batch.
pub(super) const QUARANTINE: Duration = Duration::from_secs(60);

pub(super) struct Waiting<C> {
    limits: Limits,
    lines: HashMap<Line, VecDeque<Numbered<C>>>,
    /// The lines with commands, the next one first.
    turns: VecDeque<Line>,
    /// Commands that wait for their row in the database, with all that wait for it after them.
    alone: VecDeque<Numbered<C>>,
    /// The numbers of the commands that wait for a row, in order.
    of_row: HashMap<Uuid, VecDeque<u64>>,
    /// Rows of batches on their way.
    busy: HashSet<Uuid>,
    /// How many commands a user has waiting or on their way.
    of_user: HashMap<Uuid, usize>,
    /// Users and operations of which a command broke a batch, and until when theirs run alone.
    quarantined: HashMap<(Uuid, &'static str), Instant>,
    next_number: u64,
    count: usize,
}

struct Numbered<C> {
    number: u64,
    pending: Pending<C>,
}

/// What is to be done now.
pub(super) struct Composed<C> {
    pub batch: Vec<Pending<C>>,
    /// Too late: to be answered, and not to be carried out.
    pub expired: Vec<Pending<C>>,
}

impl<C> Default for Composed<C> {
    fn default() -> Self {
        Composed { batch: Vec::new(), expired: Vec::new() }
    }
}

impl<C: Command> Waiting<C> {
    pub fn new(limits: Limits) -> Self {
        Waiting {
            limits,
            lines: HashMap::new(),
            turns: VecDeque::new(),
            alone: VecDeque::new(),
            of_row: HashMap::new(),
            busy: HashSet::new(),
            of_user: HashMap::new(),
            quarantined: HashMap::new(),
            next_number: 0,
            count: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// Takes a command in; gives it back where its user has as many on their way as one may have.
    pub fn push(&mut self, pending: Pending<C>) -> Result<(), Box<Pending<C>>> {
        let of_user = self.of_user.entry(pending.actor.user_id).or_default();
        if *of_user >= self.limits.of_user {
            return Err(Box::new(pending));
        }
        *of_user += pending.about.weight();
        let numbered = self.number(pending);
        let line = numbered.pending.line;
        for row in &numbered.pending.about.rows {
            self.of_row.entry(*row).or_default().push_back(numbered.number);
        }
        let waiting = self.lines.entry(line).or_default();
        if waiting.is_empty() {
            self.turns.push_back(line);
        }
        waiting.push_back(numbered);
        Ok(())
    }

    /// A command whose row was locked by another transaction: to the head of its line, or among those that wait for it in the
    /// database.
    pub fn push_back(&mut self, pending: Pending<C>) {
        *self.of_user.entry(pending.actor.user_id).or_default() += pending.about.weight();
        let numbered = self.number(pending);
        for row in &numbered.pending.about.rows {
            self.of_row.entry(*row).or_default().push_front(numbered.number);
        }
        if numbered.pending.passed_over >= PASSED_OVER_BEFORE_WAITING {
            self.alone.push_front(numbered);
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
        Numbered { number: self.next_number, pending }
    }

    /// Commands of these users have ended, with what they weighed.
    pub fn ended(&mut self, users: &[(Uuid, usize)]) {
        for (user, weight) in users {
            if let Some(count) = self.of_user.get_mut(user) {
                *count = count.saturating_sub(*weight);
                if *count == 0 {
                    self.of_user.remove(user);
                }
            }
        }
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

    /// From now on a user's commands of this operation run alone for a while: one of them broke a batch.
    pub fn quarantine(&mut self, user_id: Uuid, operation: &'static str, now: Instant) {
        self.quarantined.insert((user_id, operation), now + QUARANTINE);
    }

    fn is_quarantined(&self, pending: &Pending<C>) -> bool {
        self.quarantined.contains_key(&(pending.actor.user_id, pending.about.operation))
    }

    /// The next batch; its rows are busy until they are freed. Empty where nothing may run now.
    pub fn compose(&mut self, now: Instant) -> Composed<C> {
        self.quarantined.retain(|_, until| *until > now);
        let mut composed = Composed::default();
        self.take_alone(now, &mut composed);
        if composed.batch.is_empty() {
            self.take_turns(now, &mut composed);
        }
        self.take_rows(&composed);
        composed
    }

    /// The next quarantined command, to run alone.
    pub fn compose_quarantined(&mut self, now: Instant) -> Composed<C> {
        let mut composed = Composed::default();
        if self.quarantined.is_empty() {
            return composed;
        }
        let lines: Vec<Line> = self.turns.iter().copied().collect();
        for line in lines {
            let at = self.lines.get(&line).and_then(|waiting| {
                waiting.iter().position(|one| self.is_quarantined(&one.pending) && self.may_run(one, now))
            });
            let taken = at.and_then(|at| self.lines.get_mut(&line)?.remove(at));
            if let Some(numbered) = taken {
                composed.batch.push(self.leave(numbered));
                break;
            }
        }
        self.forget_empty_lines();
        self.take_rows(&composed);
        composed
    }

    /// Only now, so that several commands on a row can be in one batch.
    fn take_rows(&mut self, composed: &Composed<C>) {
        self.busy.extend(composed.batch.iter().flat_map(|pending| pending.about.rows.iter().copied()));
    }

    /// The first command that waits for its row in the database, and all that wait for its rows after it: no other is held up.
    fn take_alone(&mut self, now: Instant, composed: &mut Composed<C>) {
        let mut later = VecDeque::new();
        while let Some(numbered) = self.alone.pop_front() {
            if numbered.pending.deadline <= now {
                composed.expired.push(self.leave(numbered));
            } else if composed.batch.is_empty() && self.may_run(&numbered, now) {
                let rows: HashSet<Uuid> = numbered.pending.about.rows.iter().copied().collect();
                composed.batch.push(self.leave(numbered));
                later.append(&mut self.alone);
                self.alone = std::mem::take(&mut later);
                self.take_followers(&rows, now, composed);
                return;
            } else {
                later.push_back(numbered);
            }
        }
        self.alone = later;
    }

    fn take_followers(&mut self, rows: &HashSet<Uuid>, now: Instant, composed: &mut Composed<C>) {
        let mut weight: usize = composed.batch.iter().map(|pending| pending.about.weight()).sum();
        loop {
            let follows = |waiting: &Waiting<C>, one: &Numbered<C>| {
                !one.pending.about.rows.is_empty()
                    && one.pending.about.rows.iter().all(|row| rows.contains(row))
                    && !waiting.is_quarantined(&one.pending)
                    && one.pending.deadline > now
                    && waiting.may_run(one, now)
            };
            let in_alone = self.alone.iter().position(|one| follows(self, one));
            let taken = match in_alone {
                Some(at) => self.alone.remove(at),
                None => {
                    let found = self.lines.iter().find_map(|(line, waiting)| {
                        waiting.iter().position(|one| follows(self, one)).map(|at| (*line, at))
                    });
                    found.and_then(|(line, at)| self.lines.get_mut(&line)?.remove(at))
                }
            };
            let Some(numbered) = taken else { break };
            weight += numbered.pending.about.weight();
            composed.batch.push(self.leave(numbered));
            if weight >= self.limits.biggest {
                break;
            }
        }
        self.forget_empty_lines();
    }

    fn take_turns(&mut self, now: Instant, composed: &mut Composed<C>) {
        let half = self.limits.biggest.div_ceil(2);
        let mut line_ups: HashMap<Line, LineUp<C>> = HashMap::new();
        let mut weight_of_user: HashMap<Uuid, usize> = HashMap::new();
        let mut weight = 0;
        // Those that found nothing more to run, and those whose first command did not fit into this batch.
        let (mut done, mut first_next) = (Vec::new(), Vec::new());
        while weight < self.limits.biggest
            && let Some(line) = self.turns.pop_front()
        {
            let line_up = line_ups.entry(line).or_default();
            let Some(numbered) = self.next_of(line, now, line_up, composed) else {
                done.push(line);
                continue;
            };
            let one = numbered.pending.about.weight();
            let of_user = weight_of_user.entry(line.user_id).or_default();
            let is_heavy = one > half;
            let fits = weight == 0 || weight + one <= self.limits.biggest;
            if !fits || (is_heavy && *of_user > 0) {
                line_up.passed.push(numbered);
                first_next.push(line);
                continue;
            }
            weight += one;
            line_up.taken += one;
            // Nothing else of a user beside a heavy one.
            *of_user += if is_heavy { self.limits.biggest } else { one };
            composed.batch.push(self.leave(numbered));
            if is_heavy || (line.is_bulk && line_up.taken >= half) {
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
        self.forget_empty_lines();
    }

    fn forget_empty_lines(&mut self) {
        self.turns.retain(|line| self.lines.get(line).is_some_and(|waiting| !waiting.is_empty()));
        self.lines.retain(|_, waiting| !waiting.is_empty());
    }

    /// The first command of a line that may run now; those before it keep their places.
    fn next_of(
        &mut self,
        line: Line,
        now: Instant,
        line_up: &mut LineUp<C>,
        composed: &mut Composed<C>,
    ) -> Option<Numbered<C>> {
        while let Some(numbered) = self.lines.get_mut(&line).and_then(VecDeque::pop_front) {
            if numbered.pending.deadline <= now {
                composed.expired.push(self.leave(numbered));
            } else if self.may_run(&numbered, now) && !self.is_quarantined(&numbered.pending) {
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
            && numbered.pending.about.rows.iter().all(|row| !self.busy.contains(row) && is_first(row))
    }

    /// Takes a command out.
    fn leave(&mut self, numbered: Numbered<C>) -> Pending<C> {
        self.count -= 1;
        for row in &numbered.pending.about.rows {
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
