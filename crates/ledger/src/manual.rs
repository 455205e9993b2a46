//! Manual entries: what an accountant writes into the journal.
//!
//! They alone choose the day of booking, in a month that is open, and they alone carry free text. They never touch an account that
//! a sub-ledger keeps. Above the institution's limit they wait for a second person.

use chrono::NaiveDate;
use db::caller::{Caller, Scope};
use db::deciding::{Effect, Facts, NotDone};
use db::fault::Fault;
use db::gates::Try;
use db::keys::Claim;
use db::lane::About;
use kernel::amount::Amount;
use kernel::currency::Currency;
use serde_json::json;
use uuid::Uuid;

use crate::action::{AtEntries, EntryAction};
use crate::books::Books;
use crate::draft::{Draft, DraftLine, Drafting, Heading, POSTED};
use crate::error::LedgerError;
use crate::journal::Entry;
use crate::shelf::EntryTouch;

/// Lines that one person can still check.
pub const MOST_LINES: usize = 200;

/// Posts a manual entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostManualEntry {
    pub id: Uuid,
    /// None: the open business day.
    pub booked_on: Option<NaiveDate>,
    /// None: the day of booking.
    pub value_on: Option<NaiveDate>,
    pub branch_id: Uuid,
    pub description: String,
    pub currency: Currency,
    pub lines: Vec<ManualLine>,
}

/// One of debit and credit, above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManualLine {
    /// The account's code.
    pub account: String,
    /// None: the entry's branch.
    pub branch_id: Option<Uuid>,
    pub debit: Option<Amount>,
    pub credit: Option<Amount>,
}

impl EntryAction for PostManualEntry {
    fn about(&self) -> About {
        About {
            rows: vec![self.id],
            claims: vec![Claim::of("id", &self.id.to_string())],
            tries: vec![Try::ShareChart],
            subject: Some(self.id),
            ..About::of("journal_entry.post")
        }
    }

    fn touch(&self) -> EntryTouch {
        let branches = std::iter::once(self.branch_id).chain(self.lines.iter().filter_map(|line| line.branch_id));
        EntryTouch { id: self.id, reverses: None, branches: branches.collect() }
    }

    fn decide(&self, at: &mut AtEntries<'_>, caller: &Caller) -> Result<Effect<Entry>, NotDone> {
        let decided = decide(self, &caller.scope, at)?;
        let facts = Facts {
            amount: Some((decided.total, self.currency)),
            branches: self.touch().branches,
            description: Some(self.description.clone()),
            // The value date of today stays, whenever it is approved.
            resolved: vec![("/value_on".to_owned(), json!(decided.value_on))],
        };
        let draft = decided.draft(self, caller.user_id, &at.sheet.books)?;
        let done = Entry::of_draft(&draft, &at.sheet.books, at.sheet.today.now)?;
        at.sheet.book(draft);
        at.entries.insert(done.clone());
        Ok(Effect { done, facts })
    }
}

/// An entry that may be posted.
#[derive(Debug, PartialEq, Eq)]
struct Decided {
    booked_on: NaiveDate,
    value_on: NaiveDate,
    lines: Vec<DraftLine>,
    /// The sum of the debits.
    total: Amount,
}

impl Decided {
    fn draft(self, command: &PostManualEntry, user_id: Uuid, books: &Books) -> Result<Draft, Fault> {
        let mut drafting = Drafting::new(Heading {
            id: command.id,
            booked_on: self.booked_on,
            value_on: self.value_on,
            branch_id: command.branch_id,
            event: POSTED,
            subject_id: None,
            description: Some(command.description.clone()),
            user_id,
            reverses: None,
        });
        self.lines.into_iter().for_each(|line| drafting.keep(line));
        let draft = drafting.finish(books)?;
        draft.ok_or_else(|| Fault::Invariant("a manual entry has no lines".into()))
    }
}

fn decide(command: &PostManualEntry, scope: &Scope, at: &AtEntries<'_>) -> Result<Decided, LedgerError> {
    if at.entries.is_taken(command.id) {
        return Err(LedgerError::IdTaken(command.id));
    }
    if !at.covers(scope, command.branch_id) {
        return Err(LedgerError::BranchNotFound { pointer: "/branch_id".into() });
    }
    if !(2..=MOST_LINES).contains(&command.lines.len()) {
        return Err(LedgerError::LineCount { lines: command.lines.len(), most: MOST_LINES });
    }
    let mut lines = Vec::with_capacity(command.lines.len());
    for (index, line) in command.lines.iter().enumerate() {
        lines.push(decide_line(command, line, &format!("/lines/{index}"), scope, at)?);
    }
    let total = decide_balance(&lines, command.currency)?;
    let (booked_on, value_on) = decide_days(command, at)?;
    Ok(Decided { booked_on, value_on, lines, total })
}

fn decide_line(
    command: &PostManualEntry,
    line: &ManualLine,
    pointer: &str,
    scope: &Scope,
    at: &AtEntries<'_>,
) -> Result<DraftLine, LedgerError> {
    let (side, given) = match (line.debit, line.credit) {
        (Some(debit), None) => ("debit", debit),
        (None, Some(credit)) => ("credit", credit),
        _ => return Err(LedgerError::LineSide { pointer: pointer.to_owned() }),
    };
    if !given.is_positive() {
        return Err(LedgerError::LineAmount { pointer: format!("{pointer}/{side}") });
    }
    let branch_id = line.branch_id.unwrap_or(command.branch_id);
    if !at.covers(scope, branch_id) {
        return Err(LedgerError::BranchNotFound { pointer: format!("{pointer}/branch_id") });
    }
    let (place, code) = (format!("{pointer}/account"), line.account.clone());
    match at.sheet.books.account_by_code(&line.account) {
        None => Err(LedgerError::AccountNotFound { pointer: place, code }),
        Some(account) if account.header => Err(LedgerError::HeaderAccount { pointer: place, code }),
        Some(account) if account.control => Err(LedgerError::ControlAccount { pointer: place, code }),
        Some(account) => Ok(DraftLine {
            account_id: account.id,
            branch_id,
            product_id: None,
            currency: command.currency,
            amount: if side == "debit" { given } else { -given },
            subject_id: None,
        }),
    }
}

/// The sum of the debits, where the credits are the same. Two hundred amounts of a request stay far within 64 bits.
fn decide_balance(lines: &[DraftLine], currency: Currency) -> Result<Amount, LedgerError> {
    let sum = |wanted: fn(&Amount) -> bool| -> Amount { lines.iter().map(|line| line.amount).filter(wanted).sum() };
    let (debits, credits) = (sum(|amount| amount.is_positive()), -sum(|amount| amount.is_negative()));
    if debits != credits {
        return Err(LedgerError::Unbalanced {
            debits: debits.format(currency),
            credits: credits.format(currency),
            difference: (debits - credits).format(currency),
        });
    }
    Ok(debits)
}

/// The days of booking and of value.
fn decide_days(command: &PostManualEntry, at: &AtEntries<'_>) -> Result<(NaiveDate, NaiveDate), LedgerError> {
    let business_date = at.sheet.today.business_date;
    let booked_on = command.booked_on.unwrap_or(business_date);
    let value_on = command.value_on.unwrap_or(booked_on);
    if booked_on > business_date {
        return Err(LedgerError::BookedInFuture { booked_on, business_date });
    }
    if value_on > booked_on {
        return Err(LedgerError::ValueAfterBooking { value_on, booked_on });
    }
    at.sheet.books.takes(booked_on)?;
    Ok((booked_on, value_on))
}

#[cfg(test)]
#[path = "manual_tests.rs"]
mod tests;
