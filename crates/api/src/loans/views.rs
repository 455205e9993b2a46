//! Loans and their transactions as callers see them.

use chrono::NaiveDate;
use edge::wire::{CurrencyCode, Day};
use kernel::currency::Currency;
use loans::event::{EventKind, EventName};
use loans::position::Arrears;
use loans::record::{Balances, LoanStatus, LoanSummary, Parts, Recorded, RecordedEvent};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// What a command that moves money answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordedView {
    pub transaction: TransactionView,
    pub loan: LoanSummaryView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LoanSummaryView {
    id: Uuid,
    number: String,
    status: LoanStatus,
    currency: CurrencyCode,
    balances: BalancesView,
    arrears: ArrearsView,
    version: i32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BalancesView {
    principal: String,
    /// Earned and not paid.
    interest: String,
    /// Interest paid and not yet earned.
    unearned: String,
    /// Owed to the client.
    overpaid: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ArrearsView {
    days_overdue: i64,
    overdue_principal: String,
    overdue_interest: String,
}

/// An event that moves money.
#[derive(Debug, Serialize, ToSchema)]
pub struct TransactionView {
    pub id: Uuid,
    /// In the order in which the events of the loan became known.
    pub number: i32,
    pub kind: EventName,
    /// When it counts for the borrower.
    pub on: Day,
    /// The business day on which it was booked.
    pub booked_on: Day,
    pub amount: String,
    pub parts: PartsView,
    /// Principal owed after it.
    pub balance: String,
    pub channel: Option<String>,
    pub receipt: Option<String>,
    pub reverses: Option<Uuid>,
    pub reversed_by: Option<Uuid>,
    pub journal_entry_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PartsView {
    principal: String,
    interest: String,
    fees: String,
    penalties: String,
    taxes: String,
    overpaid: String,
}

impl RecordedView {
    pub fn of(recorded: &Recorded) -> RecordedView {
        let currency = recorded.loan.currency;
        let own = TransactionFigures {
            amount: recorded.amount,
            parts: parts_of(recorded.event.event.kind, recorded.parts),
            balance: recorded.balance,
            reversed_by: None,
        };
        RecordedView {
            transaction: TransactionView::of(&recorded.event, &own, currency),
            loan: LoanSummaryView::of(&recorded.loan),
        }
    }
}

/// What of a transaction is derived.
#[derive(Debug, Clone, Copy)]
pub struct TransactionFigures {
    pub amount: kernel::amount::Amount,
    pub parts: Parts,
    pub balance: kernel::amount::Amount,
    pub reversed_by: Option<Uuid>,
}

/// A disbursement's parts are its principal and the fees kept back; those of a payment are how it was split.
pub fn parts_of(kind: EventKind, split: Parts) -> Parts {
    match kind {
        EventKind::Disbursed { amount, deducted_fees, .. } => {
            Parts { principal: amount, fees: deducted_fees, ..Parts::default() }
        }
        _ => split,
    }
}

impl TransactionView {
    pub fn of(recorded: &RecordedEvent, figures: &TransactionFigures, currency: Currency) -> TransactionView {
        let event = recorded.event;
        TransactionView {
            id: event.id,
            number: recorded.number,
            kind: event.kind.name(),
            on: Day(event.value_on),
            booked_on: Day(event.booked_on),
            amount: figures.amount.format(currency),
            parts: PartsView::of(&figures.parts, currency),
            balance: figures.balance.format(currency),
            channel: recorded.channel.clone(),
            receipt: recorded.receipt.clone(),
            reverses: match event.kind {
                EventKind::Reversed { reverses } => Some(reverses),
                _ => None,
            },
            reversed_by: figures.reversed_by,
            journal_entry_id: recorded.entry_id,
        }
    }
}

impl PartsView {
    fn of(parts: &Parts, currency: Currency) -> PartsView {
        PartsView {
            principal: parts.principal.format(currency),
            interest: parts.interest.format(currency),
            fees: parts.fees.format(currency),
            penalties: parts.penalties.format(currency),
            taxes: kernel::amount::Amount::ZERO.format(currency),
            overpaid: parts.overpaid.format(currency),
        }
    }
}

impl LoanSummaryView {
    pub fn of(summary: &LoanSummary) -> LoanSummaryView {
        LoanSummaryView {
            id: summary.id,
            number: summary.number.clone(),
            status: summary.status,
            currency: CurrencyCode(summary.currency),
            balances: BalancesView::of(&summary.balances, summary.currency),
            arrears: ArrearsView::of(&summary.arrears, summary.currency),
            version: summary.version,
        }
    }
}

impl BalancesView {
    pub fn of(balances: &Balances, currency: Currency) -> BalancesView {
        BalancesView {
            principal: balances.principal.format(currency),
            interest: balances.interest.format(currency),
            unearned: balances.unearned.format(currency),
            overpaid: balances.overpaid.format(currency),
        }
    }
}

impl ArrearsView {
    pub fn of(arrears: &Arrears, currency: Currency) -> ArrearsView {
        ArrearsView {
            days_overdue: arrears.days_overdue,
            overdue_principal: arrears.principal.format(currency),
            overdue_interest: arrears.interest.format(currency),
        }
    }
}

/// A date that may be absent.
pub fn day(date: Option<NaiveDate>) -> Option<Day> {
    date.map(Day)
}
