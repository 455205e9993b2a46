//! What is allowed, and should be seen before it is done: shown by a dry run.

use chrono::NaiveDate;
use flows::desk_command::DeskDone;
use kernel::amount::Amount;
use ledger::journal::Entry;
use loans::action::LoanDone;
use loans::event::EventKind;
use loans::record::{LoanStatus, Recorded};
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct WarningView {
    /// `back_dated`, `booked_earlier`, `settles`, `overpaid`.
    code: &'static str,
    detail: String,
}

impl WarningView {
    fn new(code: &'static str, detail: impl Into<String>) -> WarningView {
        WarningView { code, detail: detail.into() }
    }

    /// Of a value date before the day of booking.
    fn of_days(value_on: NaiveDate, booked_on: NaiveDate) -> Option<WarningView> {
        let detail = || format!("it counts from {value_on} and is booked on {booked_on}");
        (value_on < booked_on).then(|| WarningView::new("back_dated", detail()))
    }
}

pub fn warnings(done: &DeskDone, business_date: NaiveDate) -> Vec<WarningView> {
    match done {
        DeskDone::Loan(LoanDone::Recorded(recorded)) => of_loan(recorded),
        DeskDone::Entry(entry) => of_entry(entry, business_date),
        DeskDone::All(all) => all.iter().flat_map(|(_, done)| warnings(done, business_date)).collect(),
        DeskDone::Client(_) | DeskDone::Decided(..) | DeskDone::Loan(LoanDone::Applied(_) | LoanDone::Ended(_)) => {
            Vec::new()
        }
    }
}

fn of_loan(recorded: &Recorded) -> Vec<WarningView> {
    let Recorded { event, loan, .. } = recorded;
    let mut warnings = Vec::from_iter(WarningView::of_days(event.event.value_on, event.event.booked_on));
    let is_settled = matches!(loan.status, LoanStatus::Closed | LoanStatus::Overpaid);
    if matches!(event.event.kind, EventKind::Repaid { .. }) && is_settled {
        warnings.push(WarningView::new("settles", "nothing is owed after it: the loan is settled"));
    }
    // Of this payment, or of a later one that it pushes beyond what is owed.
    if loan.balances.overpaid > Amount::ZERO {
        let surplus = loan.balances.overpaid.format(loan.currency);
        let detail = format!("{surplus} {} is more than the loan owes: it is owed to the client", loan.currency);
        warnings.push(WarningView::new("overpaid", detail));
    }
    warnings
}

fn of_entry(entry: &Entry, business_date: NaiveDate) -> Vec<WarningView> {
    let mut warnings = Vec::from_iter(WarningView::of_days(entry.head.value_on, entry.head.booked_on));
    if entry.head.booked_on < business_date {
        let detail = format!("it changes what was reported of {} and the days since", entry.head.booked_on);
        warnings.push(WarningView::new("booked_earlier", detail));
    }
    warnings
}
