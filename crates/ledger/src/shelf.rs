//! The entries that a batch has in memory: those that it reverses, and the ids that it would make.
//!
//! Rows of the journal cannot be locked for update. The claim of a command keeps two servers from reversing one entry.

use std::collections::HashSet;

use db::fault::Fault;
use db::shelf::Rows;
use db::tx::Tx;
use uuid::Uuid;

use crate::journal::Entry;
use crate::store_journal;

/// What a command needs of the shelf before it is decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryTouch {
    /// The id that it makes.
    pub id: Uuid,
    /// The entry that it reverses.
    pub reverses: Option<Uuid>,
    /// The branches that it names.
    pub branches: Vec<Uuid>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct EntryShelf {
    pub entries: Rows<Entry>,
    /// Ids that entries have already.
    taken: HashSet<Uuid>,
    /// Ids that this batch makes, in order.
    made: Vec<Uuid>,
}

impl EntryShelf {
    pub async fn take(tx: &Tx, touches: &[EntryTouch]) -> Result<EntryShelf, Fault> {
        let mut shelf = EntryShelf::default();
        if touches.is_empty() {
            return Ok(shelf);
        }
        let ids: Vec<Uuid> = touches.iter().map(|touch| touch.id).collect();
        let reversed: Vec<Uuid> = touches.iter().filter_map(|touch| touch.reverses).collect();
        let (taken, entries) = futures::try_join!(store_journal::entry_ids_taken(tx, &ids), async {
            if reversed.is_empty() {
                return Ok(Vec::new());
            }
            store_journal::entries_by_ids(tx, &reversed).await
        })?;
        shelf.taken = taken;
        entries.into_iter().for_each(|entry| shelf.entries.load(entry.head.id, entry));
        Ok(shelf)
    }

    /// For decisions that are tried without a database.
    pub fn of(entries: Vec<Entry>, taken: HashSet<Uuid>) -> EntryShelf {
        let mut shelf = EntryShelf { taken, ..EntryShelf::default() };
        entries.into_iter().for_each(|entry| shelf.entries.load(entry.head.id, entry));
        shelf
    }

    /// The branches of the entries here.
    pub fn branches(&self) -> impl Iterator<Item = Uuid> {
        self.entries.iter().flat_map(|(_, entry)| entry.lines.iter().map(|line| line.branch_id))
    }

    pub fn is_taken(&self, id: Uuid) -> bool {
        self.taken.contains(&id) || self.made.contains(&id)
    }

    /// An entry that this batch makes: a later command finds it.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.made.push(entry.head.id);
        self.entries.insert(entry.head.id, entry);
    }

    pub fn mark(&self) -> usize {
        self.made.len()
    }

    pub fn keep(&mut self) {
        self.entries.keep();
    }

    pub fn fall_back(&mut self, mark: usize) {
        self.entries.fall_back();
        self.made.truncate(mark);
    }
}
