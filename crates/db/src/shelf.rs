//! Rows that a batch has in memory, and how they fall back.
//!
//! A row is copied when an attempt first changes it. `keep` forgets the copies, `fall_back` restores them: several changes are
//! made whole or not at all, without a savepoint.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

#[derive(Debug, Clone, PartialEq)]
struct Slot<R> {
    row: R,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Rows<R> {
    rows: HashMap<Uuid, Slot<R>>,
    /// The rows as they were when this attempt began; `None`: there was none.
    before: Vec<(Uuid, Option<Slot<R>>)>,
    copied: HashSet<Uuid>,
}

impl<R> Default for Rows<R> {
    fn default() -> Self {
        Rows { rows: HashMap::new(), before: Vec::new(), copied: HashSet::new() }
    }
}

impl<R: Clone> Rows<R> {
    /// A row as the database has it.
    pub fn load(&mut self, id: Uuid, row: R) {
        self.rows.insert(id, Slot { row, changed: false });
    }

    pub fn get(&self, id: Uuid) -> Option<&R> {
        self.rows.get(&id).map(|slot| &slot.row)
    }

    /// The row, to be changed.
    pub fn change(&mut self, id: Uuid) -> Option<&mut R> {
        let slot = self.rows.get_mut(&id)?;
        if self.copied.insert(id) {
            self.before.push((id, Some(slot.clone())));
        }
        slot.changed = true;
        Some(&mut slot.row)
    }

    /// A row that the batch makes.
    pub fn insert(&mut self, id: Uuid, row: R) {
        let old = self.rows.insert(id, Slot { row, changed: true });
        if self.copied.insert(id) {
            self.before.push((id, old));
        }
    }

    /// The rows that were changed or made, in the order of their ids.
    pub fn changed(&self) -> Vec<(Uuid, &R)> {
        let mut changed: Vec<(Uuid, &R)> =
            self.rows.iter().filter(|(_, slot)| slot.changed).map(|(id, slot)| (*id, &slot.row)).collect();
        changed.sort_unstable_by_key(|(id, _)| *id);
        changed
    }

    /// All rows, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (Uuid, &R)> {
        self.rows.iter().map(|(id, slot)| (*id, &slot.row))
    }

    /// The attempt counts.
    pub fn keep(&mut self) {
        self.before.clear();
        self.copied.clear();
    }

    /// The attempt never was.
    pub fn fall_back(&mut self) {
        for (id, slot) in self.before.drain(..).rev() {
            match slot {
                Some(slot) => drop(self.rows.insert(id, slot)),
                None => drop(self.rows.remove(&id)),
            }
        }
        self.copied.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_back_never_was_and_what_is_kept_stays() {
        let [one, two, three] = [1, 2, 3].map(Uuid::from_u128);
        let mut rows = Rows::default();
        rows.load(one, 10);
        rows.load(two, 20);
        let before = rows.clone();
        *rows.change(one).unwrap() += 1;
        *rows.change(one).unwrap() += 1;
        rows.insert(three, 30);
        *rows.change(three).unwrap() += 1;
        assert_eq!(rows.changed(), [(one, &12), (three, &31)]);
        rows.fall_back();
        assert_eq!(rows, before);
        *rows.change(two).unwrap() += 5;
        rows.keep();
        *rows.change(two).unwrap() += 5;
        rows.fall_back();
        assert_eq!(rows.changed(), [(two, &25)]);
        assert_eq!(rows.change(three), None);
    }
}
