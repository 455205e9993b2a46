//! What a loan means for the books: its balance in every slot, given its events and a clock.
//!
//! Everything that is ever booked for a loan is a difference of two positions:
//! - an action on business date X books `position(after, X) − position(before, X)` and its own [`cash_leg`];
//! - the close of D books, summed over the loans, `position(known at D, D + 1) − position(known at D, D)`.
//!
//! With E = interest earned, P = interest paid: receivable max(E − P, 0), unearned max(P − E, 0), income E. While
//! interest is not income, what is collected is: income P − unearned, and the rest of E stands in the memo. On the cash basis income is P and the
//! other three are nothing. So **the
//! slots of a position and the cash that has moved add up to zero**, at every clock, whatever happened.
//!
//! A slot is not an account: the product's mapping says which account it is. The codes are those of the standard chart.

use std::fmt;
use std::ops::AddAssign;

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::text_enum;

use crate::accrual::{earned, is_accruing};
use crate::event::{Event, EventKind};
use crate::loan::{Loan, Part};
use crate::terms::Basis;

text_enum! {
    /// A place in the books that loans use.
    pub enum Slot {
        /// 1210: principal that is owed.
        LoanPortfolio = "loan_portfolio",
        /// 1310: interest earned and not yet paid.
        InterestReceivable = "interest_receivable",
        /// 2395: interest paid and not yet earned.
        Unearned = "unearned",
        /// 4010
        InterestIncome = "interest_income",
        /// 4020
        FeeIncome = "fee_income",
        /// 2340: owed to the client.
        Overpayment = "overpayment",
        /// 2020: withheld at disbursement.
        CompulsorySavings = "compulsory_savings",
        /// 9020: approved and not yet paid out.
        Commitment = "commitment",
        /// 9021
        CommitmentContra = "commitment_contra",
        /// 9050: contract interest that is not income.
        NonAccrualMemo = "non_accrual_memo",
        /// 9051
        NonAccrualContra = "non_accrual_contra",
    }
}

/// A signed balance per slot, debit positive.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Position([Amount; Slot::ALL.len()]);

/// What is past due as of the close of a day: what falls due on the day itself is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrears {
    pub days_overdue: i64,
    pub principal: Amount,
    pub interest: Amount,
}

/// The loan's balances at the clock: the nights before it have accrued.
pub fn position(loan: &Loan, clock: NaiveDate) -> Position {
    let (earned, paid) = (earned(loan, clock), loan.interest_paid);
    let unearned = (paid - earned).or_zero();
    let unpaid = (earned - paid).or_zero();
    let zero = Amount::ZERO;
    let (receivable, unearned, memo) = match loan.agreement.terms.basis {
        Basis::Cash => (zero, zero, zero),
        Basis::Accrual if is_accruing(loan, clock) => (unpaid, unearned, zero),
        Basis::Accrual => (zero, unearned, unpaid),
    };
    let mut position = Position::default();
    for (slot, balance) in [
        (Slot::LoanPortfolio, loan.principal_outstanding()),
        (Slot::InterestReceivable, receivable),
        (Slot::Unearned, -unearned),
        (Slot::InterestIncome, -(paid + receivable - unearned)),
        (Slot::FeeIncome, -loan.deducted_fees),
        (Slot::Overpayment, -loan.overpaid),
        (Slot::CompulsorySavings, -loan.withheld),
        (Slot::Commitment, loan.committed),
        (Slot::CommitmentContra, -loan.committed),
        (Slot::NonAccrualMemo, memo),
        (Slot::NonAccrualContra, -memo),
    ] {
        position.0[slot as usize] = balance;
    }
    position
}

/// What is booked to get from one position to the other.
pub fn difference(after: &Position, before: &Position) -> Position {
    Position(std::array::from_fn(|slot| after.0[slot] - before.0[slot]))
}

/// The money that an event moves, a debit of the channel positive. A reversal moves back what its original moved.
pub fn cash_leg(event: &Event, history: &[Event]) -> Amount {
    match event.kind {
        EventKind::Reversed { reverses } => history
            .iter()
            .find(|original| original.id == reverses)
            .map_or(Amount::ZERO, |original| -original.kind.cash()),
        _ => event.kind.cash(),
    }
}

/// Days overdue as of the close of a day: the day less the oldest unpaid due date.
pub fn days_overdue(loan: &Loan, as_of: NaiveDate) -> i64 {
    loan.oldest_unpaid_due_on().map_or(0, |due_on| (as_of - due_on).num_days().max(0))
}

pub fn arrears(loan: &Loan, as_of: NaiveDate) -> Arrears {
    let overdue = |part: Part| {
        let past_due = loan.instalments.iter().take_while(|instalment| instalment.promised.due_on < as_of);
        past_due.map(|instalment| instalment.outstanding(part)).sum()
    };
    Arrears {
        days_overdue: days_overdue(loan, as_of),
        principal: overdue(Part::Principal),
        interest: overdue(Part::Interest),
    }
}

impl Position {
    pub fn of(&self, slot: Slot) -> Amount {
        self.0[slot as usize]
    }

    /// The slots that hold something: as a difference, the lines to book.
    pub fn lines(&self) -> impl Iterator<Item = (Slot, Amount)> {
        Slot::ALL.iter().copied().zip(self.0).filter(|(_, balance)| !balance.is_zero())
    }

    /// The opposite of the cash that has moved.
    pub fn total(&self) -> Amount {
        self.0.into_iter().sum()
    }
}

impl AddAssign for Position {
    fn add_assign(&mut self, other: Position) {
        for (balance, more) in self.0.iter_mut().zip(other.0) {
            *balance += more;
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lines().map(|(slot, balance)| (slot.as_str(), balance))).finish()
    }
}
