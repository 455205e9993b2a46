//! What one does with entries by hand, as the desk takes it: what a command needs, and its decision.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use uuid::Uuid;

use crate::journal::Entry;
use crate::sheet::DaySheet;
use crate::shelf::{EntryShelf, EntryTouch};

/// What a decision about entries may hold.
#[derive(Debug)]
pub struct AtEntries<'a> {
    pub entries: &'a mut EntryShelf,
    pub sheet: &'a mut DaySheet,
}

pub trait EntryAction {
    fn about(&self) -> About;

    fn touch(&self) -> EntryTouch;

    fn decide(&self, at: &mut AtEntries<'_>, caller: &Caller) -> Result<Effect<Entry>, NotDone>;
}

impl AtEntries<'_> {
    pub(crate) fn covers(&self, scope: &Scope, branch_id: Uuid) -> bool {
        self.sheet.places.covers(scope, branch_id)
    }
}
