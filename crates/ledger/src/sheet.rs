//! The day's sheet: what every product writes on while a batch is decided.
//!
//! It holds the open day, the settings and the books of one moment, makes the ids, and collects entries and what the outbox tells.
//! It knows no product. Everything on it falls back with the command that wrote it.

use std::sync::Arc;

use db::fault::Fault;
use db::ids::Ids;
use db::tx::{Today, Tx, Writing};
use org::places::Places;
use org::settings::Settings;
use serde_json::Value;
use uuid::Uuid;

use crate::books::Books;
use crate::draft::Draft;
use crate::post::posting;

#[derive(Debug, Clone)]
pub struct DaySheet {
    pub today: Today,
    pub settings: Arc<Settings>,
    pub books: Books,
    pub ids: Ids,
    /// The branches and officers that the batch names or found.
    pub places: Places,
    /// Names the command that is being decided, on its events and entries.
    command_id: Uuid,
    drafts: Vec<Draft>,
    told: Vec<Told>,
}

/// A line of the outbox.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    kind: &'static str,
    subject_id: Uuid,
    payload: Value,
}

/// Where a sheet falls back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SheetMark {
    ids: Ids,
    command_id: Uuid,
    drafts: usize,
    told: usize,
}

/// What a decision may change of it.
impl PartialEq for DaySheet {
    fn eq(&self, other: &Self) -> bool {
        (self.mark(), &self.drafts, &self.told) == (other.mark(), &other.drafts, &other.told)
    }
}

impl DaySheet {
    pub fn new(today: Today, settings: Arc<Settings>, books: Books, ids: Ids) -> DaySheet {
        let (places, command_id) = (Places::default(), Uuid::nil());
        DaySheet { today, settings, books, ids, places, command_id, drafts: Vec::new(), told: Vec::new() }
    }

    /// From here on events and entries are those of this command.
    pub fn begin(&mut self, command_id: Uuid) {
        self.command_id = command_id;
    }

    pub fn command_id(&self) -> Uuid {
        self.command_id
    }

    pub fn new_id(&mut self) -> Uuid {
        self.ids.next_id()
    }

    /// Books an entry; it is posted with all others of the batch.
    pub fn book(&mut self, draft: Draft) {
        self.drafts.push(draft.of_command(self.command_id));
    }

    /// Says in the outbox that something happened to a record.
    pub fn tell(&mut self, kind: &'static str, subject_id: Uuid, payload: Value) {
        self.told.push(Told { kind, subject_id, payload });
    }

    pub fn mark(&self) -> SheetMark {
        SheetMark { ids: self.ids, command_id: self.command_id, drafts: self.drafts.len(), told: self.told.len() }
    }

    pub fn fall_back(&mut self, mark: SheetMark) {
        self.ids = mark.ids;
        self.command_id = mark.command_id;
        self.drafts.truncate(mark.drafts);
        self.told.truncate(mark.told);
    }

    /// The entries that the batch has booked so far, or the dry run.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// The statement that posts the entries; the outbox goes with the commit.
    pub fn put_back(self, tx: &mut Tx) -> Result<Option<Writing>, Fault> {
        for told in self.told {
            tx.emit(told.kind, told.subject_id, told.payload);
        }
        posting(tx.now, &self.drafts)
    }
}
