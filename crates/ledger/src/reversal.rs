//! Reversal of manual entries: the mirror of all lines, with the value date of the original, booked today. Each entry at most once.
//!
//! What a product booked is taken back by reversing the transaction: only so do sub-ledger and books stay one.

use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::approvals::{Decisions, NewApproval, Order};
use crate::books::Books;
use crate::draft::{Draft, DraftLine, Drafting, Heading, MANUAL};
use crate::error::LedgerError;
use crate::journal::Entry;
use crate::manual::Desk;
use crate::store_journal;

/// Takes back a manual entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReverseEntry {
    /// The entry that is taken back.
    pub entry_id: Uuid,
    /// The id of the new entry.
    pub id: Uuid,
    /// None: made from that of the entry.
    pub description: Option<String>,
}

impl Command for ReverseEntry {
    type Done = Entry;
    type Refused = LedgerError;
    const OPERATION: &'static str = "journal.reverse";

    fn rows(&self) -> Vec<Uuid> {
        vec![self.entry_id]
    }

    // History rows cannot be locked for update; the claim is what keeps two servers from reversing one entry.
    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("id", &self.id.to_string()), Claim::of("journal.reverse", &self.entry_id.to_string())]
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.entry_id)
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        carry_out(tx, &Order::of_makers(asked)).await
    }

    /// The reversal, also where it would wait for a second person: [`waits_for_approval`](crate::manual::waits_for_approval) says
    /// whether it would.
    async fn preview(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        Ok(decide_all(tx, &Order::as_if_approved(asked)).await?.outcomes)
    }
}

/// Reverses entries, as their makers ask for it or as a second person has approved it. Two orders for one entry never come in one
/// batch: its row is in flight once.
pub async fn carry_out(tx: &Tx, orders: &[Order<'_, ReverseEntry>]) -> Result<Vec<OutcomeOf<ReverseEntry>>, Fault> {
    let decisions = decide_all(tx, orders).await?;
    decisions.write(tx).await
}

async fn decide_all(tx: &Tx, orders: &[Order<'_, ReverseEntry>]) -> Result<Decisions, Fault> {
    let reversed: Vec<Uuid> = orders.iter().map(|order| order.command.entry_id).collect();
    let entries = store_journal::entries_by_ids(tx, &reversed).await?;
    let ids: Vec<Uuid> = orders.iter().map(|order| order.command.id).collect();
    let branches: Vec<Uuid> = entries.iter().flat_map(|entry| entry.lines.iter().map(|line| line.branch_id)).collect();
    let mut desk = Desk::read(tx, &ids, &branches).await?;
    let mut decisions = Decisions::default();
    for order in orders {
        let entry = entries.iter().find(|entry| entry.head.id == order.command.entry_id);
        let Some(entry) = entry.filter(|entry| is_visible(entry, &order.scope, &desk)) else {
            decisions.outcomes.push(Outcome::Absent);
            continue;
        };
        match decide(order.command, entry, &order.scope, &desk) {
            Err(refused) => decisions.outcomes.push(Outcome::Refused(refused)),
            Ok(()) if !order.approved && waits(entry, &desk) => decisions.hold(hold(tx, order, entry, &desk)?),
            Ok(()) => {
                let draft = mirror(order, entry, &desk)?;
                desk.taken.insert(order.command.id);
                decisions.book(draft, &desk.books, tx)?;
            }
        }
    }
    Ok(decisions)
}

/// An entry is seen from every branch that it has a line in.
fn is_visible(entry: &Entry, scope: &Scope, desk: &Desk) -> bool {
    entry.lines.iter().any(|line| desk.covers(scope, line.branch_id))
}

fn decide(command: &ReverseEntry, entry: &Entry, scope: &Scope, desk: &Desk) -> Result<(), LedgerError> {
    if entry.head.event != MANUAL {
        return Err(LedgerError::NotManual { event: entry.head.event.clone() });
    }
    if entry.head.reverses.is_some() {
        return Err(LedgerError::IsReversal);
    }
    if let Some(by) = entry.head.reversed_by {
        return Err(LedgerError::AlreadyReversed { by });
    }
    if desk.taken.contains(&command.id) {
        return Err(LedgerError::IdTaken(command.id));
    }
    if !entry.lines.iter().all(|line| desk.covers(scope, line.branch_id)) {
        return Err(LedgerError::OutOfScope);
    }
    Ok(())
}

/// A manual entry has one currency.
fn waits(entry: &Entry, desk: &Desk) -> bool {
    entry.lines.first().is_some_and(|line| desk.waits(line.currency, entry.total()))
}

fn description(command: &ReverseEntry, entry: &Entry) -> String {
    let original = entry.head.description.as_deref().unwrap_or_default();
    command.description.clone().unwrap_or_else(|| format!("Reversal: {original}"))
}

fn hold(tx: &Tx, order: &Order<'_, ReverseEntry>, entry: &Entry, desk: &Desk) -> Result<NewApproval, Fault> {
    let summary = match entry.lines.first() {
        Some(line) => {
            let total = entry.total().format(line.currency);
            format!("Reversal of a manual entry of {total} {}: {}", line.currency, description(order.command, entry))
        }
        None => description(order.command, entry),
    };
    let branches = entry.lines.iter().map(|line| line.branch_id);
    let branch_id = desk.common_branch(branches).unwrap_or(entry.head.branch_id);
    NewApproval::of(tx, ReverseEntry::OPERATION, order.command, summary, branch_id, order.user_id)
}

/// All lines with the other sign, those between branches too: each branch stays balanced, so none is added.
fn mirror(order: &Order<'_, ReverseEntry>, entry: &Entry, desk: &Desk) -> Result<Draft, Fault> {
    let heading = Heading {
        id: order.command.id,
        booked_on: desk.today.business_date,
        value_on: entry.head.value_on,
        branch_id: entry.head.branch_id,
        event: MANUAL,
        subject_id: entry.head.subject_id,
        description: Some(description(order.command, entry)),
        user_id: order.user_id,
        reverses: Some(entry.head.id),
    };
    mirror_of(heading, entry, &desk.books)
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
