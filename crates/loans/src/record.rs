//! A loan as the tables keep it: who and where it belongs, and its state.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::text_enum;
use uuid::Uuid;

use crate::accrual::earned;
use crate::event::Event;
use crate::loan::{Loan, Part, Status};
use crate::position::{Arrears, arrears};
use crate::product::{Charge, Withhold};

text_enum! {
    pub enum LoanStatus {
        Applied = "applied",
        Approved = "approved",
        Active = "active",
        Closed = "closed",
        Overpaid = "overpaid",
        Rejected = "rejected",
        Withdrawn = "withdrawn",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanRecord {
    pub id: Uuid,
    pub number: String,
    pub client_id: Uuid,
    pub product_id: Uuid,
    pub branch_id: Uuid,
    pub officer_id: Option<Uuid>,
    pub terms_id: Uuid,
    pub currency: Currency,
    pub status: LoanStatus,
    pub schedule_version: i16,
    /// The business day since which this state is known.
    pub since_on: NaiveDate,
    pub created_at: DateTime<Utc>,
    pub version: i32,
    pub loan: Loan,
}

/// What a caller sees of a loan after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanSummary {
    pub id: Uuid,
    pub number: String,
    pub status: LoanStatus,
    pub currency: Currency,
    pub balances: Balances,
    pub arrears: Arrears,
    pub version: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balances {
    pub principal: Amount,
    /// Earned and not paid, whether it counts as income or stands in the memo.
    pub interest: Amount,
    /// Paid and not earned.
    pub unearned: Amount,
    pub overpaid: Amount,
}

impl LoanRecord {
    /// The status that the events give; what was never approved keeps the one that was decided.
    pub fn settle_status(&mut self) {
        self.status = match self.loan.status() {
            Some(Status::Approved) => LoanStatus::Approved,
            Some(Status::Active) => LoanStatus::Active,
            Some(Status::Closed) => LoanStatus::Closed,
            Some(Status::Overpaid) => LoanStatus::Overpaid,
            None => self.status,
        };
    }

    /// As of the open day: its nights before have accrued.
    pub fn summary(&self, business_date: NaiveDate) -> LoanSummary {
        LoanSummary {
            id: self.id,
            number: self.number.clone(),
            status: self.status,
            currency: self.currency,
            balances: balances(&self.loan, business_date),
            arrears: arrears(&self.loan, business_date),
            version: self.version,
        }
    }
}

/// On either basis: what the client owes does not depend on what the institution counts as income.
pub fn balances(loan: &Loan, clock: NaiveDate) -> Balances {
    let owed = earned(loan, clock) - loan.interest_paid;
    Balances {
        principal: loan.principal_outstanding(),
        interest: owed.or_zero(),
        unearned: (-owed).or_zero(),
        overpaid: loan.overpaid,
    }
}

/// A loan that was applied for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub record: LoanRecord,
    pub application: Application,
}

/// What was recorded, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub event: RecordedEvent,
    pub parts: Parts,
    /// The money that the event moved: positive in both directions.
    pub amount: Amount,
    /// Principal owed after it.
    pub balance: Amount,
    pub loan: LoanSummary,
}

/// How an event's money was split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    pub principal: Amount,
    pub interest: Amount,
    pub fees: Amount,
    pub penalties: Amount,
    pub overpaid: Amount,
}

impl Parts {
    pub fn of(lines: impl Iterator<Item = (Part, Amount)>) -> Parts {
        let mut parts = Parts::default();
        for (part, amount) in lines {
            match part {
                Part::Principal => parts.principal += amount,
                Part::Interest => parts.interest += amount,
                Part::Fees => parts.fees += amount,
                Part::Penalties => parts.penalties += amount,
                Part::Overpaid => parts.overpaid += amount,
            }
        }
        parts
    }
}

/// What was applied for and decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    pub loan_id: Uuid,
    pub principal: Amount,
    pub expected_disbursed_on: NaiveDate,
    pub charges: Vec<Charge>,
    pub withholds: Vec<Withhold>,
    pub applied_on: NaiveDate,
    pub applied_by: Uuid,
    pub approved_on: Option<NaiveDate>,
    pub approved_by: Option<Uuid>,
    pub approved: Option<Amount>,
    pub valid_until: Option<NaiveDate>,
    pub conditions: Option<String>,
    pub closed_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    /// The member of staff behind the user who applied.
    pub applied_by_staff: Option<Uuid>,
}

/// A recorded event with what only the tables know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    pub event: Event,
    pub loan_id: Uuid,
    pub number: i32,
    pub channel: Option<String>,
    pub receipt: Option<String>,
    pub reason: Option<String>,
    pub entry_id: Option<Uuid>,
    /// The command that recorded it.
    pub command_id: Option<Uuid>,
    pub user_id: Uuid,
    pub recorded_at: DateTime<Utc>,
}
