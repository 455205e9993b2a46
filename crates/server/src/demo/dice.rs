//! Chance that repeats itself: one seeded generator, whole numbers only.
//!
//! The same seed gives the same plan as long as `Cargo.lock` names the same version of `rand`, which may change what `StdRng`
//! is with a new one.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[derive(Debug)]
pub struct Dice(StdRng);

impl Dice {
    pub fn new(seed: u64) -> Dice {
        Dice(StdRng::seed_from_u64(seed))
    }

    /// Any of them, both ends included; the first where there is nothing between.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        if least >= most { least } else { self.0.random_range(least..=most) }
    }

    /// Whether something happens that happens so often in a hundred times.
    pub fn percent(&mut self, times: u32) -> bool {
        self.between(1, 100) <= i64::from(times)
    }

    /// One of a list that is not empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.0.random_range(0..list.len())]
    }

    /// One of a list by its weight.
    pub fn weighted<T: Copy>(&mut self, list: &[(T, u32)]) -> T {
        let total: u32 = list.iter().map(|(_, weight)| weight).sum();
        let mut left = self.0.random_range(0..total);
        for (item, weight) in list {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        list[0].0
    }

    /// Fisher and Yates.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            list.swap(last, self.0.random_range(0..=last));
        }
    }
}
