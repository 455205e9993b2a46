//! Manual entries: what an accountant writes into the journal.
//!
//! They alone choose the day of booking, in a month that is open, and they alone carry free text. They never touch an account that
//! a sub-ledger keeps. Above the institution's limit they wait for a second person.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use db::caller::Scope;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::{Locking, Today, Tx};
use kernel::amount::Amount;
use kernel::currency::Currency;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::approvals::{Decisions, NewApproval, Order, common_branch};
use crate::books::Books;
use crate::draft::{Draft, DraftLine, Drafting, Heading, MANUAL};
use crate::error::LedgerError;
use crate::journal::Entry;
use crate::periods::Month;
use crate::{store, store_journal};

/// Lines that one person can still check.
pub const MOST_LINES: usize = 200;

/// Posts a manual entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManualLine {
    /// The account's code.
    pub account: String,
    /// None: the entry's branch.
    pub branch_id: Option<Uuid>,
    pub debit: Option<Amount>,
    pub credit: Option<Amount>,
}

impl Command for PostManualEntry {
    type Done = Entry;
    type Refused = LedgerError;
    const OPERATION: &'static str = "journal.post";

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("id", &self.id.to_string())]
    }

    fn books_into(&self) -> Option<NaiveDate> {
        self.booked_on
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.id)
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        carry_out(tx, &Order::of_makers(asked)).await
    }

    /// The entry, also where it would wait for a second person: [`waits_for_approval`] says whether it would.
    async fn preview(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        Ok(decide_all(tx, &Order::as_if_approved(asked)).await?.outcomes)
    }
}

impl PostManualEntry {
    /// The sum of the debits.
    pub fn total(&self) -> Amount {
        self.lines.iter().filter_map(|line| line.debit).sum()
    }
}

/// Posts entries, as their makers ask for them or as a second person has approved them. The gates of the months that they choose are
/// held.
pub async fn carry_out(
    tx: &Tx,
    orders: &[Order<'_, PostManualEntry>],
) -> Result<Vec<OutcomeOf<PostManualEntry>>, Fault> {
    let decisions = decide_all(tx, orders).await?;
    decisions.write(tx).await
}

async fn decide_all(tx: &Tx, orders: &[Order<'_, PostManualEntry>]) -> Result<Decisions, Fault> {
    let ids: Vec<Uuid> = orders.iter().map(|order| order.command.id).collect();
    let branches: Vec<Uuid> = orders.iter().flat_map(|order| branches_of(order.command)).collect();
    let mut desk = Desk::read(tx, &ids, &branches).await?;
    let mut decisions = Decisions::default();
    for order in orders {
        match decide(order.command, &order.scope, &desk) {
            Err(refused) => decisions.outcomes.push(Outcome::Refused(refused)),
            Ok(decided) if !order.approved && desk.waits(order.command.currency, decided.total) => {
                decisions.hold(hold(tx, order, &decided, &desk)?);
            }
            Ok(decided) => {
                let draft = decided.draft(order, &desk.books)?;
                desk.taken.insert(order.command.id);
                decisions.book(draft, &desk.books, tx)?;
            }
        }
    }
    Ok(decisions)
}

/// Whether an entry of this total waits for a second person, above the institution's limit.
pub async fn waits_for_approval(tx: &Tx, currency: Currency, total: Amount) -> Result<bool, Fault> {
    let limit = store::journal_approval_limit(tx).await?;
    Ok(waits(limit, Books::read(tx).await?.base_currency(), currency, total))
}

/// The limit is in the base currency, and nothing here knows rates: while one is set, every entry in another currency waits.
fn waits(limit: Option<Amount>, base_currency: Currency, currency: Currency, total: Amount) -> bool {
    limit.is_some_and(|limit| currency != base_currency || total > limit)
}

fn branches_of(command: &PostManualEntry) -> impl Iterator<Item = Uuid> {
    std::iter::once(command.branch_id).chain(command.lines.iter().filter_map(|line| line.branch_id))
}

fn hold(tx: &Tx, order: &Order<'_, PostManualEntry>, decided: &Decided, desk: &Desk) -> Result<NewApproval, Fault> {
    let command = order.command;
    // The value date of today stays, whenever it is approved.
    let kept = PostManualEntry { value_on: Some(decided.value_on), ..command.clone() };
    let total = decided.total.format(command.currency);
    let summary = format!("Manual entry of {total} {}: {}", command.currency, command.description);
    let branch_id = desk.common_branch(branches_of(command)).unwrap_or(command.branch_id);
    NewApproval::of(tx, PostManualEntry::OPERATION, &kept, summary, branch_id, order.user_id)
}

/// What is read before entries are decided.
#[derive(Debug)]
pub(crate) struct Desk {
    pub books: Books,
    /// From the head office down to each branch that is named.
    ways: HashMap<Uuid, Vec<Uuid>>,
    /// Ids that entries have already.
    pub taken: HashSet<Uuid>,
    limit: Option<Amount>,
    pub today: Today,
}

impl Desk {
    pub async fn read(tx: &Tx, ids: &[Uuid], branches: &[Uuid]) -> Result<Desk, Fault> {
        // A dry run locks nothing.
        if tx.locking != Locking::None {
            store::chart_share(tx).await?;
        }
        Ok(Desk {
            books: Books::read(tx).await?,
            ways: store::branch_ancestors(tx, branches).await?,
            taken: store_journal::entry_ids_taken(tx, ids).await?,
            limit: store::journal_approval_limit(tx).await?,
            today: tx.today(),
        })
    }

    #[cfg(test)]
    pub fn of(
        books: Books,
        ways: HashMap<Uuid, Vec<Uuid>>,
        taken: HashSet<Uuid>,
        limit: Option<Amount>,
        today: Today,
    ) -> Desk {
        Desk { books, ways, taken, limit, today }
    }

    pub fn covers(&self, scope: &Scope, branch_id: Uuid) -> bool {
        self.ways.get(&branch_id).is_some_and(|way| way.contains(&scope.branch_id))
    }

    pub fn common_branch(&self, branches: impl Iterator<Item = Uuid>) -> Option<Uuid> {
        common_branch(branches.filter_map(|branch| self.ways.get(&branch).map(Vec::as_slice)))
    }

    /// Whether an entry of this total waits for a second person.
    pub fn waits(&self, currency: Currency, total: Amount) -> bool {
        waits(self.limit, self.books.base_currency(), currency, total)
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
    fn draft(self, order: &Order<'_, PostManualEntry>, books: &Books) -> Result<Draft, Fault> {
        let mut drafting = Drafting::new(Heading {
            id: order.command.id,
            booked_on: self.booked_on,
            value_on: self.value_on,
            branch_id: order.command.branch_id,
            event: MANUAL,
            subject_id: None,
            description: Some(order.command.description.clone()),
            user_id: order.user_id,
            reverses: None,
        });
        self.lines.into_iter().for_each(|line| drafting.keep(line));
        let draft = drafting.finish(books)?;
        draft.ok_or_else(|| Fault::Invariant("a manual entry has no lines".into()))
    }
}

fn decide(command: &PostManualEntry, scope: &Scope, desk: &Desk) -> Result<Decided, LedgerError> {
    if desk.taken.contains(&command.id) {
        return Err(LedgerError::IdTaken(command.id));
    }
    if !desk.covers(scope, command.branch_id) {
        return Err(LedgerError::BranchNotFound { pointer: "/branch_id".into() });
    }
    if !(2..=MOST_LINES).contains(&command.lines.len()) {
        return Err(LedgerError::LineCount { lines: command.lines.len(), most: MOST_LINES });
    }
    let mut lines = Vec::with_capacity(command.lines.len());
    for (index, line) in command.lines.iter().enumerate() {
        lines.push(decide_line(command, line, &format!("/lines/{index}"), scope, desk)?);
    }
    let total = decide_balance(&lines, command.currency)?;
    let (booked_on, value_on) = decide_days(command, desk)?;
    Ok(Decided { booked_on, value_on, lines, total })
}

fn decide_line(
    command: &PostManualEntry,
    line: &ManualLine,
    pointer: &str,
    scope: &Scope,
    desk: &Desk,
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
    if !desk.covers(scope, branch_id) {
        return Err(LedgerError::BranchNotFound { pointer: format!("{pointer}/branch_id") });
    }
    let (at, code) = (format!("{pointer}/account"), line.account.clone());
    match desk.books.account_by_code(&line.account) {
        None => Err(LedgerError::AccountNotFound { pointer: at, code }),
        Some(account) if account.header => Err(LedgerError::HeaderAccount { pointer: at, code }),
        Some(account) if account.control => Err(LedgerError::ControlAccount { pointer: at, code }),
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
fn decide_days(command: &PostManualEntry, desk: &Desk) -> Result<(NaiveDate, NaiveDate), LedgerError> {
    let business_date = desk.today.business_date;
    let booked_on = command.booked_on.unwrap_or(business_date);
    let value_on = command.value_on.unwrap_or(booked_on);
    if booked_on > business_date {
        return Err(LedgerError::BookedInFuture { booked_on, business_date });
    }
    if value_on > booked_on {
        return Err(LedgerError::ValueAfterBooking { value_on, booked_on });
    }
    if desk.books.is_closed(booked_on) {
        return Err(LedgerError::PeriodClosed { month: Month::of(booked_on) });
    }
    Ok((booked_on, value_on))
}

#[cfg(test)]
#[path = "manual_tests.rs"]
mod tests;
