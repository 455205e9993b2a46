//! What settles a loan on a date.
//!
//! The borrower pays the principal that is left and interest for the time that the money was used, less the interest
//! that is already paid; so interest paid ahead comes back. Interest *for the time used*:
//! - declining: the contract interest earned on the date;
//! - flat: the interest at the true periodic rate (actuarial method, the default rebate). At a due
//!   date the debt is then the present value of the instalments still ahead; inside a period it grows in a straight
//!   line.
//!
//! The actuarial interest is laid down per instalment when the loan is disbursed, in whole minor units that add up to
//! the contract's interest. So a payoff is integers, and grows by the very formula by which interest accrues
//! (`accrual.rs`).

use chrono::NaiveDate;
use kernel::amount::Amount;
use rust_decimal::Decimal;

use crate::accrual::earned_at_settlement;
use crate::allocation::Allocated;
use crate::disclosure::disclosure;
use crate::loan::{Loan, LoanInstalment, Part};
use crate::schedule::Schedule;
use crate::terms::{Contract, InterestMethod, Terms};

/// What settles a loan on a date, were nothing else to happen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Payoff {
    pub principal: Amount,
    /// Negative where interest has been paid ahead of the time used.
    pub interest: Amount,
    /// Contract interest that falls away by settling now.
    pub falls_away: Amount,
}

impl Payoff {
    pub fn total(&self) -> Amount {
        (self.principal + self.interest).or_zero()
    }
}

/// The payoff on a date: the nights before it have accrued. Nothing, for a loan that is settled or was never paid out.
pub fn payoff(loan: &Loan, on: NaiveDate) -> Payoff {
    if loan.settled.is_some() {
        return Payoff { principal: Amount::ZERO, interest: Amount::ZERO, falls_away: Amount::ZERO };
    }
    let interest = earned_at_settlement(loan, on);
    Payoff {
        principal: loan.principal_outstanding(),
        interest: interest - loan.interest_paid,
        falls_away: loan.interest - interest,
    }
}

/// Settles every instalment at `interest` for the whole loan, and says what that took: all principal; interest oldest
/// instalment first, so that an instalment ahead gives back what had been paid for it.
pub(crate) fn settle(instalments: &mut [LoanInstalment], interest: Amount, on: NaiveDate) -> Vec<Allocated> {
    let mut lines = Vec::new();
    for instalment in instalments {
        let number = Some(instalment.promised.number);
        let interest_owed = (interest - instalment.interest_before).or_zero().min(instalment.promised.interest);
        let takes = [
            (Part::Interest, interest_owed - instalment.interest_paid),
            (Part::Principal, instalment.outstanding(Part::Principal)),
        ];
        for (part, amount) in takes {
            if !amount.is_zero() {
                instalment.pay(part, amount, on);
                lines.push(Allocated { instalment: number, part, amount });
            }
        }
        instalment.settled_on.get_or_insert(on);
    }
    lines
}

/// The interest that settling at each instalment's due date would leave the borrower with, in all, instalment by
/// instalment.
///
/// At most the contract's whole interest, as a present value is at most the payments; so a payoff is at most what is
/// still owed by the schedule. Never less than the contract interest then earned, which the rate alone does not give
/// where a few cents of interest were spread over many instalments; so interest of an elapsed instalment never falls
/// away.
pub(crate) fn settlement_interest(terms: &Terms, contract: &Contract, schedule: &Schedule) -> Vec<Amount> {
    let mut earned = Amount::ZERO;
    let by_contract = schedule.instalments.iter().map(|instalment| {
        earned += instalment.interest;
        earned
    });
    let actuarial = match terms.interest.method {
        InterestMethod::Declining => None,
        InterestMethod::Flat => actuarial_interest(terms, contract, schedule),
    };
    match actuarial {
        None => by_contract.collect(),
        Some(actuarial) => by_contract.zip(actuarial).map(|(earned, actuarial)| actuarial.max(earned)).collect(),
    }
}

/// The same at the true periodic rate. Backwards from the last instalment, after which nothing is owed: the balance
/// after an instalment is (balance after the next + the next) ÷ (1 + rate); the interest so far is that balance, and
/// all that was paid until then, less the principal. `None` where a rate is too high to be told.
fn actuarial_interest(terms: &Terms, contract: &Contract, schedule: &Schedule) -> Option<Vec<Amount>> {
    let rate = disclosure(terms, contract, schedule, Amount::ZERO).ok()?.periodic_rate;
    let growth = Decimal::ONE.checked_add(rate)?;
    let mut balance = Decimal::ZERO;
    let mut paid = schedule.total();
    let mut interest = Vec::with_capacity(schedule.instalments.len());
    for instalment in schedule.instalments.iter().rev() {
        interest.push(Amount::round_half_up(balance)? + paid - contract.principal);
        balance = balance.checked_add(instalment.total().to_decimal())?.checked_div(growth)?;
        paid -= instalment.total();
    }
    interest.reverse();
    Some(interest)
}
