//! How many batches are on their way at once.
//!
//! While a batch waits for the disk, nobody works on it: the more of its time a batch spends so, the more of them fill the time.
//! One more than that keeps the database busy while this process decides. And a batch has a price whatever its size, so batches
//! should be alike: another starts only when as many commands wait as those on their way have on average. Where a whole batch
//! waits, the next is as big whenever it starts, and one more keeps the database busy through the round trips of the others.

use std::time::Duration;

use super::Limits;

/// A quick disk until the first batches say otherwise.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Of a batch's time, what the commit takes; a mean in which older batches count less, in thousandths.
    commit_share: u64,
    /// How long a batch takes, in microseconds; a mean of the same kind.
    batch_micros: u64,
}

/// What is on its way.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct OnTheirWay {
    pub batches: usize,
    pub commands: usize,
    /// Since when, at most, the newest of them.
    pub newest: Duration,
}

impl Pace {
    pub fn note(&mut self, batch: Duration, commit: Duration) {
        let batch = u64::try_from(batch.as_micros()).unwrap_or(u64::MAX).max(1);
        let commit = u64::try_from(commit.as_micros()).unwrap_or(u64::MAX).min(batch);
        let share = commit.saturating_mul(1000) / batch;
        self.commit_share = (self.commit_share * 7 + share) / 8;
        self.batch_micros = (self.batch_micros * 7 + batch) / 8;
    }

    /// Whether a batch may start beside those on their way. Where nothing is on its way nothing waits, and nobody waits long for a batch
    /// that has met trouble.
    pub fn has_room(&self, on_their_way: OnTheirWay, waiting: usize, limits: Limits) -> bool {
        let OnTheirWay { batches, commands, newest } = on_their_way;
        let is_worth_it = waiting * batches >= commands || newest >= self.patience();
        let more = usize::from(waiting >= limits.biggest);
        let in_flight = limits.in_flight.min(self.in_flight() + more);
        batches == 0 || (batches < in_flight && is_worth_it)
    }

    /// How long the next batch waits to grow: twice what a batch takes.
    pub fn patience(&self) -> Duration {
        Duration::from_micros(2 * self.batch_micros) + Duration::from_millis(1)
    }

    /// As many as fill the time of commits, and one.
    fn in_flight(&self) -> usize {
        let filling = 1000 / (1000 - self.commit_share.min(999));
        1 + usize::try_from(filling).unwrap_or(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_the_disk_the_more_are_on_their_way() {
        let millis = Duration::from_millis;
        for (batch, commit, expected) in
            [(10, 0, 2), (10, 1, 2), (10, 4, 2), (10, 6, 3), (10, 7, 4), (100, 99, 4), (0, 0, 2)]
        {
            let mut pace = Pace::default();
            assert_eq!(pace.in_flight(), 2);
            (0..100).for_each(|_| pace.note(millis(batch), millis(commit)));
            assert_eq!(pace.in_flight().min(4), expected, "{commit} of {batch} ms");
        }
    }

    #[test]
    fn batches_are_alike() {
        let (millis, limits) = (Duration::from_millis, Limits::default());
        let mut pace = Pace::default();
        (0..100).for_each(|_| pace.note(millis(5), millis(1)));
        // batches, their commands, milliseconds since the newest began, waiting
        for (batches, commands, newest, waiting, expected) in [
            (0, 0, 0, 1, true),
            (1, 32, 1, 31, false),
            (1, 32, 1, 32, true),
            (1, 1, 1, 1, true),
            (1, 32, 12, 1, true),
            (2, 2, 12, 100, false),
            (2, 256, 1, 255, false),
            (2, 256, 1, 256, true),
            (3, 384, 1, 1_000, false),
        ] {
            let on_their_way = OnTheirWay { batches, commands, newest: millis(newest) };
            assert_eq!(pace.has_room(on_their_way, waiting, limits), expected, "{waiting} beside {commands}");
        }
        // Even if the count were wrong, a lane that does nothing begins.
        assert!(pace.has_room(OnTheirWay { batches: 0, commands: 7, newest: millis(0) }, 1, limits));
        // Never more than the lane may have, however slow the disk.
        (0..100).for_each(|_| pace.note(millis(100), millis(99)));
        for (in_flight, expected) in [(3, true), (2, false), (1, false)] {
            let on_their_way = OnTheirWay { batches: 2, commands: 2, newest: millis(0) };
            assert_eq!(pace.has_room(on_their_way, 1_000, Limits { in_flight, ..limits }), expected, "{in_flight}");
        }
    }

    #[test]
    fn one_slow_commit_changes_little() {
        let mut pace = Pace::default();
        (0..10).for_each(|_| pace.note(Duration::from_millis(10), Duration::from_millis(1)));
        pace.note(Duration::from_millis(500), Duration::from_millis(490));
        assert_eq!(pace.in_flight(), 2);
    }
}
