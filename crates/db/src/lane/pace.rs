//! How many batches are on their way at once.
//!
//! While a batch waits for the disk, nobody works on it: the more of its time a batch spends so, the more of them fill the time.
//! One more than that keeps the database busy while this process decides. And a batch has a price whatever its size, so batches
//! should be alike: another starts only when as many commands wait as those on their way have on average.

use std::time::Duration;

/// A quick disk until the first batches say otherwise.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Of a batch's time, what the commit takes; a mean in which older batches count less, in thousandths.
    commit_share: u64,
}

impl Pace {
    pub fn note(&mut self, batch: Duration, commit: Duration) {
        let batch = u64::try_from(batch.as_micros()).unwrap_or(u64::MAX).max(1);
        let commit = u64::try_from(commit.as_micros()).unwrap_or(u64::MAX).min(batch);
        let share = commit.saturating_mul(1000) / batch;
        self.commit_share = (self.commit_share * 7 + share) / 8;
    }

    /// Whether a batch may start beside so many on their way, which have so many commands. Where nothing is on its way nothing waits.
    pub fn has_room(&self, batches: usize, commands: usize, waiting: usize, most: usize) -> bool {
        batches < self.in_flight(most) && waiting * batches >= commands
    }

    /// At least one and at most `most`.
    fn in_flight(&self, most: usize) -> usize {
        let filling = 1000 / (1000 - self.commit_share.min(999));
        most.min(1 + usize::try_from(filling).unwrap_or(usize::MAX))
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
            assert_eq!(pace.in_flight(4), 2);
            (0..100).for_each(|_| pace.note(millis(batch), millis(commit)));
            assert_eq!(pace.in_flight(4), expected, "{commit} of {batch} ms");
            assert_eq!(pace.in_flight(1), 1);
        }
    }

    #[test]
    fn batches_are_alike() {
        let pace = Pace::default();
        for (batches, commands, waiting, expected) in
            [(0, 0, 1, true), (1, 32, 31, false), (1, 32, 32, true), (1, 1, 1, true), (2, 2, 100, false)]
        {
            assert_eq!(pace.has_room(batches, commands, waiting, 4), expected, "{waiting} beside {commands}");
        }
    }

    #[test]
    fn one_slow_commit_changes_little() {
        let mut pace = Pace::default();
        (0..10).for_each(|_| pace.note(Duration::from_millis(10), Duration::from_millis(1)));
        pace.note(Duration::from_millis(500), Duration::from_millis(490));
        assert_eq!(pace.in_flight(4), 2);
    }
}
