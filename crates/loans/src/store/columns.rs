//! What a batch writes of loans, column by column: a statement takes arrays.

use chrono::NaiveDate;
use db::fault::Fault;
use db::narrow::narrow;
use kernel::amount::Amount;
use uuid::Uuid;

use crate::event::EventKind;
use crate::loan::LoanInstalment;
use crate::record::{LoanRecord, RecordedEvent};
use crate::replay::Reallocated;

/// Rows of `loan_state`.
pub(crate) struct States {
    pub ids: Vec<Uuid>,
    pub statuses: Vec<&'static str>,
    pub committed: Vec<i64>,
    pub disbursed_on: Vec<Option<NaiveDate>>,
    pub deducted_fees: Vec<i64>,
    pub withheld: Vec<i64>,
    pub principal: Vec<i64>,
    pub principal_paid: Vec<i64>,
    pub interest: Vec<i64>,
    pub interest_paid: Vec<i64>,
    pub overpaid: Vec<i64>,
    pub matures_on: Vec<Option<NaiveDate>>,
    pub settled_on: Vec<Option<NaiveDate>>,
    pub renegotiated_since: Vec<Option<NaiveDate>>,
    pub oldest_unpaid_due_on: Vec<Option<NaiveDate>>,
    pub schedule_versions: Vec<i16>,
    pub last_value_on: Vec<Option<NaiveDate>>,
    pub last_ranks: Vec<Option<i16>>,
    pub last_events: Vec<Option<Uuid>>,
    pub versions: Vec<i32>,
}

impl States {
    pub fn of(records: &[&LoanRecord]) -> States {
        let minors = |pick: fn(&LoanRecord) -> Amount| -> Vec<i64> {
            records.iter().map(|record| pick(record).minor()).collect()
        };
        let dates = |pick: fn(&LoanRecord) -> Option<NaiveDate>| -> Vec<Option<NaiveDate>> {
            records.iter().map(|record| pick(record)).collect()
        };
        let last = || records.iter().map(|record| record.loan.last);
        States {
            ids: records.iter().map(|record| record.id).collect(),
            statuses: records.iter().map(|record| record.status.as_str()).collect(),
            committed: minors(|record| record.loan.committed),
            disbursed_on: dates(|record| record.loan.disbursed_on),
            deducted_fees: minors(|record| record.loan.deducted_fees),
            withheld: minors(|record| record.loan.withheld),
            principal: minors(|record| record.loan.principal),
            principal_paid: minors(|record| record.loan.principal_paid),
            interest: minors(|record| record.loan.interest),
            interest_paid: minors(|record| record.loan.interest_paid),
            overpaid: minors(|record| record.loan.overpaid),
            matures_on: dates(|record| record.loan.matures_on),
            settled_on: dates(|record| record.loan.settled.map(|settled| settled.on)),
            renegotiated_since: dates(|record| record.loan.renegotiated_since),
            oldest_unpaid_due_on: dates(|record| record.loan.oldest_unpaid_due_on()),
            schedule_versions: records.iter().map(|record| record.schedule_version).collect(),
            last_value_on: last().map(|last| last.map(|last| last.value_on)).collect(),
            last_ranks: last().map(|last| last.map(|last| i16::from(last.rank))).collect(),
            last_events: last().map(|last| last.map(|last| last.id)).collect(),
            versions: records.iter().map(|record| record.version).collect(),
        }
    }
}

/// Instalments with the loans that they belong to.
pub(crate) type Rows<'a> = [(&'a LoanRecord, &'a LoanInstalment)];

pub(crate) fn numbers(rows: &Rows<'_>) -> Result<Vec<i16>, Fault> {
    rows.iter().map(|(_, one)| number(one.promised.number)).collect()
}

pub(crate) fn minors(rows: &Rows<'_>, pick: fn(&LoanInstalment) -> Amount) -> Vec<i64> {
    rows.iter().map(|(_, one)| pick(one).minor()).collect()
}

fn number(number: u32) -> Result<i16, Fault> {
    narrow(number, "loan_instalment.number")
}

/// What is paid of instalments: rows of `loan_instalment`.
pub(crate) struct Paid {
    pub loans: Vec<Uuid>,
    pub schedule_versions: Vec<i16>,
    pub numbers: Vec<i16>,
    pub principal_paid: Vec<i64>,
    pub interest_paid: Vec<i64>,
    pub settled_on: Vec<Option<NaiveDate>>,
}

impl Paid {
    pub fn of(rows: &Rows<'_>) -> Result<Paid, Fault> {
        Ok(Paid {
            loans: rows.iter().map(|(record, _)| record.id).collect(),
            schedule_versions: rows.iter().map(|(record, _)| record.schedule_version).collect(),
            numbers: numbers(rows)?,
            principal_paid: minors(rows, |one| one.principal_paid),
            interest_paid: minors(rows, |one| one.interest_paid),
            settled_on: rows.iter().map(|(_, one)| one.settled_on).collect(),
        })
    }
}

/// Rows of `loan_allocation`.
pub(crate) struct Lines {
    pub events: Vec<Uuid>,
    pub loans: Vec<Uuid>,
    pub instalments: Vec<Option<i16>>,
    pub parts: Vec<&'static str>,
    pub amounts: Vec<i64>,
}

impl Lines {
    pub fn of(lines: &[(Uuid, Reallocated)]) -> Result<Lines, Fault> {
        let instalment = |line: &Reallocated| line.line.instalment.map(number).transpose();
        Ok(Lines {
            events: lines.iter().map(|(_, line)| line.event).collect(),
            loans: lines.iter().map(|(loan, _)| *loan).collect(),
            instalments: lines.iter().map(|(_, line)| instalment(line)).collect::<Result<_, Fault>>()?,
            parts: lines.iter().map(|(_, line)| line.line.part.as_str()).collect(),
            amounts: lines.iter().map(|(_, line)| line.line.amount.minor()).collect(),
        })
    }
}

/// Rows of `loan_event`.
pub(crate) struct Events {
    pub ids: Vec<Uuid>,
    pub loans: Vec<Uuid>,
    pub numbers: Vec<i32>,
    pub kinds: Vec<&'static str>,
    pub value_on: Vec<NaiveDate>,
    pub booked_on: Vec<NaiveDate>,
    pub amounts: Vec<Option<i64>>,
    pub deducted_fees: Vec<Option<i64>>,
    pub withheld: Vec<Option<i64>>,
    pub flags: Vec<Option<bool>>,
    pub reverses: Vec<Option<Uuid>>,
    pub channels: Vec<Option<String>>,
    pub receipts: Vec<Option<String>>,
    pub reasons: Vec<Option<String>>,
    pub entries: Vec<Option<Uuid>>,
    pub users: Vec<Uuid>,
    pub commands: Vec<Option<Uuid>>,
}

impl Events {
    pub fn of(events: &[RecordedEvent]) -> Events {
        let kinds = || events.iter().map(|known| known.event.kind);
        Events {
            ids: events.iter().map(|known| known.event.id).collect(),
            loans: events.iter().map(|known| known.loan_id).collect(),
            numbers: events.iter().map(|known| known.number).collect(),
            kinds: kinds().map(|kind| kind.name().as_str()).collect(),
            value_on: events.iter().map(|known| known.event.value_on).collect(),
            booked_on: events.iter().map(|known| known.event.booked_on).collect(),
            amounts: kinds().map(amount).collect(),
            deducted_fees: kinds().map(|kind| kept(kind).map(|(fees, _)| fees.minor())).collect(),
            withheld: kinds().map(|kind| kept(kind).map(|(_, withheld)| withheld.minor())).collect(),
            flags: kinds().map(flag).collect(),
            reverses: kinds().map(reverses).collect(),
            channels: events.iter().map(|known| known.channel.clone()).collect(),
            receipts: events.iter().map(|known| known.receipt.clone()).collect(),
            reasons: events.iter().map(|known| known.reason.clone()).collect(),
            entries: events.iter().map(|known| known.entry_id).collect(),
            users: events.iter().map(|known| known.user_id).collect(),
            commands: events.iter().map(|known| known.command_id).collect(),
        }
    }
}

fn amount(kind: EventKind) -> Option<i64> {
    match kind {
        EventKind::Approved { amount } | EventKind::Disbursed { amount, .. } | EventKind::Repaid { amount } => {
            Some(amount.minor())
        }
        EventKind::ApprovalLapsed | EventKind::Renegotiated { .. } | EventKind::Reversed { .. } => None,
    }
}

/// Fees and compulsory savings that a disbursement kept back.
fn kept(kind: EventKind) -> Option<(Amount, Amount)> {
    match kind {
        EventKind::Disbursed { deducted_fees, withheld, .. } => Some((deducted_fees, withheld)),
        _ => None,
    }
}

fn flag(kind: EventKind) -> Option<bool> {
    match kind {
        EventKind::Renegotiated { flag } => Some(flag),
        _ => None,
    }
}

fn reverses(kind: EventKind) -> Option<Uuid> {
    match kind {
        EventKind::Reversed { reverses } => Some(reverses),
        _ => None,
    }
}
