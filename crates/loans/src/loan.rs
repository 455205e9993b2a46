//! What a loan is: its agreement and where it stands after its events, as plain data.
//!
//! How it came there is the business of `replay.rs`. **State in part.** A state may be held without the instalments that
//! what is asked of it cannot touch (`in_part.rs`). Time changes no state: what depends on the clock is asked for with a
//! clock.

use std::sync::Arc;

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::text_enum;
use uuid::Uuid;

use crate::schedule::Instalment;
use crate::terms::Terms;

/// What was agreed with the borrower beside the amount: the loan's own copy, which no later product version changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub terms: Arc<Terms>,
    pub instalments: u32,
    /// One period after the disbursement unless agreed otherwise.
    pub first_due_on: Option<NaiveDate>,
}

/// A loan after its events. All figures are sums over the whole loan, also where instalments are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    pub agreement: Arc<Agreement>,
    /// Approved and not yet paid out.
    pub committed: Amount,
    pub disbursed_on: Option<NaiveDate>,
    pub deducted_fees: Amount,
    pub withheld: Amount,
    pub principal: Amount,
    pub principal_paid: Amount,
    /// The contract's interest, first instalment to last.
    pub interest: Amount,
    pub interest_paid: Amount,
    /// Money of the client's that the loan has no place for.
    pub overpaid: Amount,
    /// The last due date.
    pub matures_on: Option<NaiveDate>,
    pub settled: Option<Settlement>,
    pub renegotiated_since: Option<NaiveDate>,
    /// In the order of their due dates.
    pub instalments: Vec<LoanInstalment>,
    pub last: Option<EventKey>,
}

/// A payment reached the payoff: nothing more is owed, and the interest is final, earned and paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    pub on: NaiveDate,
    pub interest: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanInstalment {
    pub promised: Instalment,
    /// Contract interest of all instalments before this one.
    pub interest_before: Amount,
    /// This instalment's share of the interest that counts when the loan is settled (`payoff.rs`), and that of all
    /// before.
    pub settlement_interest: Amount,
    pub settlement_interest_before: Amount,
    pub principal_paid: Amount,
    pub interest_paid: Amount,
    /// The value date from which nothing of it was owed.
    pub settled_on: Option<NaiveDate>,
}

/// Where an event stands in the order of replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    pub value_on: NaiveDate,
    pub rank: u8,
    pub id: Uuid,
}

text_enum! {
    /// What a part of a payment is for.
    pub enum Part {
        Principal = "principal",
        Interest = "interest",
        Fees = "fees",
        Penalties = "penalties",
        /// Money that the loan had no place for; it is owed to the client.
        Overpaid = "overpaid",
    }
}

text_enum! {
    /// How far a loan's life has come. Applied, rejected and withdrawn are known to the store alone.
    pub enum Status {
        Approved = "approved",
        Active = "active",
        Closed = "closed",
        /// Closed, and money is owed to the client.
        Overpaid = "overpaid",
    }
}

impl Loan {
    /// Nothing has happened yet.
    pub fn new(agreement: Arc<Agreement>) -> Loan {
        Loan {
            agreement,
            committed: Amount::ZERO,
            disbursed_on: None,
            deducted_fees: Amount::ZERO,
            withheld: Amount::ZERO,
            principal: Amount::ZERO,
            principal_paid: Amount::ZERO,
            interest: Amount::ZERO,
            interest_paid: Amount::ZERO,
            overpaid: Amount::ZERO,
            matures_on: None,
            settled: None,
            renegotiated_since: None,
            instalments: Vec::new(),
            last: None,
        }
    }

    /// `None` while nothing is approved or lent: applied for, rejected, withdrawn.
    pub fn status(&self) -> Option<Status> {
        match (self.disbursed_on, self.settled) {
            (Some(_), Some(_)) if self.overpaid.is_positive() => Some(Status::Overpaid),
            (Some(_), Some(_)) => Some(Status::Closed),
            (Some(_), None) => Some(Status::Active),
            (None, _) => self.committed.is_positive().then_some(Status::Approved),
        }
    }

    pub fn principal_outstanding(&self) -> Amount {
        self.principal - self.principal_paid
    }

    /// What ages the loan. It changes only by events, so it can be stored where "days overdue" cannot.
    pub fn oldest_unpaid_due_on(&self) -> Option<NaiveDate> {
        self.instalments.iter().find(|instalment| instalment.is_unpaid()).map(|instalment| instalment.promised.due_on)
    }
}

impl LoanInstalment {
    /// What is owed of a part; nothing once it is settled, though a settlement may leave promised interest unpaid.
    pub fn outstanding(&self, part: Part) -> Amount {
        match part {
            _ if self.settled_on.is_some() => Amount::ZERO,
            Part::Principal => self.promised.principal - self.principal_paid,
            Part::Interest => self.promised.interest - self.interest_paid,
            Part::Fees | Part::Penalties | Part::Overpaid => Amount::ZERO,
        }
    }

    pub fn outstanding_total(&self) -> Amount {
        self.outstanding(Part::Principal) + self.outstanding(Part::Interest)
    }

    pub fn is_unpaid(&self) -> bool {
        self.outstanding_total().is_positive()
    }

    pub(crate) fn pay(&mut self, part: Part, amount: Amount, on: NaiveDate) {
        match part {
            Part::Principal => self.principal_paid += amount,
            Part::Interest => self.interest_paid += amount,
            Part::Fees | Part::Penalties | Part::Overpaid => {}
        }
        if !self.is_unpaid() {
            self.settled_on.get_or_insert(on);
        }
    }
}
