//! Reversal of manual entries: the mirror of all lines, with the value date of the original, booked today. Each entry at most once.
//!
//! What a product booked is reversed by reversing the transaction: only so do sub-ledger and books stay one.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, Facts, NotDone};
use db::fault::Fault;
use db::gates::Try;
use db::keys::Claim;
use db::lane::About;
use kernel::amount::Amount;
use uuid::Uuid;

use crate::action::{AtEntries, EntryAction};
use crate::books::Books;
use crate::draft::{Draft, DraftLine, Drafting, Heading, REVERSED, is_manual};
use crate::error::LedgerError;
use crate::journal::{Entry, EntryLine};
use crate::shelf::EntryTouch;

/// Reverses a manual entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReverseEntry {
    /// The entry that is reversed.
    pub entry_id: Uuid,
    /// The id of the new entry.
    pub id: Uuid,
    /// None: made from that of the entry.
    pub description: Option<String>,
}

impl EntryAction for ReverseEntry {
    // Rows of history cannot be locked for update; the claim keeps two servers from reversing one entry.
    fn about(&self) -> About {
        let reverses = Claim::of("journal_entry.reverse", &self.entry_id.to_string());
        About {
            rows: vec![self.entry_id, self.id],
            claims: vec![Claim::of("id", &self.id.to_string()), reverses],
            tries: vec![Try::ShareChart],
            subject: Some(self.entry_id),
            ..About::of("journal_entry.reverse")
        }
    }

    fn touch(&self) -> EntryTouch {
        EntryTouch { id: self.id, reverses: Some(self.entry_id), branches: Vec::new() }
    }

    fn decide(&self, at: &mut AtEntries<'_>, caller: &Caller) -> Result<Effect<Entry>, NotDone> {
        let entry = at.entries.entries.get(self.entry_id).filter(|entry| is_visible(entry, &caller.scope, at));
        let entry = entry.ok_or(NotDone::Absent)?.clone();
        decide(self, &entry, &caller.scope, at)?;
        let description = description(self, &entry);
        // What branches owe each other was never asked for, and so does not count.
        let (due_from, due_to) = at.sheet.books.between_branches()?;
        let is_own = |line: &&EntryLine| line.account_id != due_from && line.account_id != due_to;
        let total: Amount = entry.lines.iter().filter(is_own).map(|line| line.amount.or_zero()).sum();
        let facts = Facts {
            // A manual entry has one currency.
            amount: entry.lines.first().map(|line| (total, line.currency)),
            branches: entry.lines.iter().map(|line| line.branch_id).collect(),
            description: Some(description.clone()),
            resolved: Vec::new(),
        };
        let draft = mirror(self, &entry, description, caller.user_id, at)?;
        let done = Entry::of_draft(&draft, &at.sheet.books, at.sheet.today.now)?;
        at.sheet.book(draft);
        if let Some(reversed) = at.entries.entries.change(self.entry_id) {
            reversed.head.reversed_by = Some(self.id);
        }
        at.entries.insert(done.clone());
        Ok(Effect { done, facts })
    }
}

/// An entry is seen from every branch that it has a line in.
fn is_visible(entry: &Entry, scope: &Scope, at: &AtEntries<'_>) -> bool {
    entry.lines.iter().any(|line| at.covers(scope, line.branch_id))
}

fn decide(command: &ReverseEntry, entry: &Entry, scope: &Scope, at: &AtEntries<'_>) -> Result<(), LedgerError> {
    if !is_manual(&entry.head.event) {
        return Err(LedgerError::NotManual { event: entry.head.event.clone() });
    }
    if entry.head.reverses.is_some() {
        return Err(LedgerError::IsReversal);
    }
    if let Some(by) = entry.head.reversed_by {
        return Err(LedgerError::AlreadyReversed { by });
    }
    if at.entries.is_taken(command.id) {
        return Err(LedgerError::IdTaken(command.id));
    }
    if !entry.lines.iter().all(|line| at.covers(scope, line.branch_id)) {
        return Err(LedgerError::OutOfScope);
    }
    Ok(())
}

fn description(command: &ReverseEntry, entry: &Entry) -> String {
    let original = entry.head.description.as_deref().unwrap_or_default();
    command.description.clone().unwrap_or_else(|| format!("Reversal: {original}"))
}

/// All lines with the other sign, those between branches too: each branch stays balanced, so none is added.
fn mirror(
    command: &ReverseEntry,
    entry: &Entry,
    description: String,
    user_id: Uuid,
    at: &AtEntries<'_>,
) -> Result<Draft, Fault> {
    let heading = Heading {
        id: command.id,
        booked_on: at.sheet.today.business_date,
        value_on: entry.head.value_on,
        branch_id: entry.head.branch_id,
        event: REVERSED,
        subject_id: entry.head.subject_id,
        description: Some(description),
        user_id,
        reverses: Some(entry.head.id),
    };
    mirror_of(heading, entry, &at.sheet.books)
}

fn mirror_of(heading: Heading, entry: &Entry, books: &Books) -> Result<Draft, Fault> {
    let mut drafting = Drafting::new(heading);
    for line in &entry.lines {
        drafting.keep(DraftLine {
            account_id: line.account_id,
            branch_id: line.branch_id,
            product_id: line.product_id,
            currency: line.currency,
            amount: -line.amount,
            subject_id: line.subject_id,
        });
    }
    let draft = drafting.finish(books)?;
    draft.ok_or_else(|| Fault::Invariant(format!("the entry {} has no lines", entry.head.id)))
}

#[cfg(test)]
#[path = "reversal_tests.rs"]
mod tests;
