//! `/v1/journal-entries/{id}/breakdown`: the loans behind an entry of the close of day. Nothing of it is stored: it is computed
//! again from the states that were known that day, and must add up to what was booked.

use edge::answer::{Json, StatusCode};
use edge::problem::Problem;
use edge::request::Id;
use edge::route::get;
use edge::wire::{CurrencyCode, Day};
use std::collections::HashSet;

use db::fault::Fault;
use flows::close_of_day::entry_id;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::permission::Permission;
use ledger::books::Books;
use ledger::journal::Entry;
use ledger::store_journal::find_entry;
use loans::position::Slot;
use loans::postings::CLOSE_OF_DAY;
use loans::store::close::{Night, night_by_loan};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::Reading;
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[Operation::get(
    "/v1/journal-entries/{id}/breakdown",
    "journal_entry_breakdown.get",
    Access::Needs(Permission::JournalRead),
    || get(show),
)
.about("Ledger", "The loans behind an entry of the close of day")
.answers(200, schema::<BreakdownView>)];

#[derive(Debug, Serialize, ToSchema)]
pub struct BreakdownView {
    entry_id: Uuid,
    booked_on: Day,
    currency: CurrencyCode,
    loans: Vec<LoanNightView>,
    total: NightView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LoanNightView {
    loan_id: Uuid,
    #[serde(flatten)]
    night: NightView,
}

/// What the night changed; negative where it made an amount smaller.
#[derive(Debug, Serialize, ToSchema)]
pub struct NightView {
    interest_income: String,
    interest_receivable: String,
    /// Interest that had been paid ahead and is earned now makes this negative.
    unearned: String,
    non_accrual_memo: String,
}

async fn show(reading: Reading, id: Id) -> Result<Json<BreakdownView>, Problem> {
    let entry = find_entry(&reading.tx, id.0, &reading.caller.scope).await?.ok_or_else(Problem::not_found)?;
    let product_id = entry.lines.iter().find_map(|line| line.product_id);
    let (CLOSE_OF_DAY, Some(product_id)) = (entry.head.event.as_str(), product_id) else {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "journal.no_breakdown",
            "only an entry of the close of day sums up many loans: this one is whole as it stands",
        ));
    };
    let mut nights = night_by_loan(&reading.tx, entry.head.booked_on, entry.head.branch_id, product_id).await?;
    nights.retain(|night| [night.receivable, night.unearned, night.memo].iter().any(|amount| !amount.is_zero()));
    if let Some(first) = nights.first().cloned() {
        let behind = loans_behind(&reading, &entry, &first).await?;
        nights.retain(|night| night.loan_id.is_some_and(|loan_id| behind.is_here(loan_id)));
    }
    let total =
        total(&nights).ok_or_else(|| Fault::Invariant(format!("no loan is behind the entry {}", entry.head.id)))?;
    adds_up(&reading, &entry, product_id, &total).await?;
    let currency = total.currency;
    Ok(Json(BreakdownView {
        entry_id: entry.head.id,
        booked_on: Day(entry.head.booked_on),
        currency: CurrencyCode(currency),
        loans: nights
            .iter()
            .filter_map(|night| Some(LoanNightView { loan_id: night.loan_id?, night: NightView::of(night, currency) }))
            .collect(),
        total: NightView::of(&total, currency),
    }))
}

/// Which loans of a night are behind one entry of several.
enum Behind {
    /// All but those with lines of their own in the entries that follow.
    First(HashSet<Uuid>),
    /// Those with lines of their own in it.
    Following(HashSet<Uuid>),
}

impl Behind {
    fn is_here(&self, loan_id: Uuid) -> bool {
        match self {
            Behind::First(elsewhere) => !elsewhere.contains(&loan_id),
            Behind::Following(own) => own.contains(&loan_id),
        }
    }
}

async fn loans_behind(reading: &Reading, entry: &Entry, night: &Night) -> Result<Behind, Problem> {
    let subjects = |entry: &Entry| entry.lines.iter().filter_map(|line| line.subject_id).collect::<Vec<Uuid>>();
    let id_of = |part| entry_id(entry.head.booked_on, night, part);
    if entry.head.id != id_of(0) {
        return Ok(Behind::Following(subjects(entry).into_iter().collect()));
    }
    let mut elsewhere = HashSet::new();
    for part in 1.. {
        let Some(following) = find_entry(&reading.tx, id_of(part), &reading.caller.scope).await? else { break };
        elsewhere.extend(subjects(&following));
    }
    Ok(Behind::First(elsewhere))
}

/// The sum; the currency is that of the product, whose entry has at least one loan.
fn total(nights: &[Night]) -> Option<Night> {
    let sum = |pick: fn(&Night) -> Amount| nights.iter().map(pick).sum::<Amount>();
    let (receivable, unearned) = (sum(|night| night.receivable), sum(|night| night.unearned));
    let first = nights.first()?.clone();
    Some(Night { loan_id: None, receivable, unearned, memo: sum(|night| night.memo), ..first })
}

/// A breakdown that does not add up to its entry is no answer but a fault of ours.
async fn adds_up(reading: &Reading, entry: &Entry, product_id: Uuid, total: &Night) -> Result<(), Problem> {
    let books = Books::read(&reading.tx).await?;
    for (slot, amount) in [
        (Slot::InterestReceivable, total.receivable),
        (Slot::Unearned, -total.unearned),
        (Slot::InterestIncome, -total.income()),
        (Slot::NonAccrualMemo, total.memo),
    ] {
        let account_id = books.slot(product_id, slot.as_str())?;
        let booked: Amount =
            entry.lines.iter().filter(|line| line.account_id == account_id).map(|line| line.amount).sum();
        if booked != amount {
            let what = format!("entry {}: {slot} adds up to {amount:?}, {booked:?} is booked", entry.head.id);
            return Err(Fault::Invariant(what).into());
        }
    }
    Ok(())
}

impl NightView {
    fn of(night: &Night, currency: Currency) -> NightView {
        NightView {
            interest_income: night.income().format(currency),
            interest_receivable: night.receivable.format(currency),
            unearned: night.unearned.format(currency),
            non_accrual_memo: night.memo.format(currency),
        }
    }
}
