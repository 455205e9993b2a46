//! How interest grows from day to day, and when it stops being income.
//!
//! Everything here is integers, because the close of day computes the same figures in SQL and must get the same cents.
//! An instalment's interest grows from `from` to `due_on` in proportion to the elapsed weight: actual days where
//! interest is per period, the product's day count where it is daily. Rounding is of the running sum, so nothing
//! drifts, and at each due date exactly the promised interest has been earned. Contract interest stops at the last due
//! date.
//!
//! *Clock*: the nights before it have accrued. The night D → D+1 belongs to D, so during D the clock is D and after the
//! close of D it is D+1.

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;

use crate::loan::{Loan, LoanInstalment};
use crate::terms::{Calculation, Interest};

/// Interest earned before an instalment begins, and the interest that it brings.
struct Growth {
    before: Amount,
    amount: Amount,
}

/// The contract interest earned at the clock; once the loan is settled, the interest that it was settled at.
pub fn earned(loan: &Loan, clock: NaiveDate) -> Amount {
    if let Some(settlement) = loan.settled {
        return settlement.interest;
    }
    grown(loan, clock, |instalment| Growth { before: instalment.interest_before, amount: instalment.promised.interest })
}

/// The interest that the borrower owes in all when the loan is settled on a date: see `payoff.rs`.
pub(crate) fn earned_at_settlement(loan: &Loan, on: NaiveDate) -> Amount {
    grown(loan, on, |instalment| Growth {
        before: instalment.settlement_interest_before,
        amount: instalment.settlement_interest,
    })
}

/// Whether the loan's interest is income. It is not from the close of the day on which the days overdue reach the
/// product's threshold, until the oldest unpaid due date moves on.
pub fn is_accruing(loan: &Loan, clock: NaiveDate) -> bool {
    let days = Days::new(u64::from(loan.agreement.terms.non_accrual_days));
    loan.oldest_unpaid_due_on()
        .and_then(|due_on| due_on.checked_add_days(days))
        .is_none_or(|stops_on| clock <= stops_on)
}

/// A running instalment's share of its interest: `amount × elapsed ÷ length`, half-up, in integers.
pub fn share(amount: Amount, elapsed: i64, length: i64) -> Amount {
    if length <= 0 || elapsed >= length {
        return amount;
    }
    let (twice, elapsed, length) = (2 * i128::from(amount.minor()), i128::from(elapsed.max(0)), i128::from(length));
    // The share is less than the amount, so it fits where the amount did.
    i64::try_from((twice * elapsed + length).div_euclid(2 * length)).map_or(amount, Amount::of_minor)
}

fn grown(loan: &Loan, clock: NaiveDate, growth: fn(&LoanInstalment) -> Growth) -> Amount {
    if loan.matures_on.is_none_or(|matures_on| clock >= matures_on) {
        return loan.interest;
    }
    let begun = loan.instalments.partition_point(|instalment| instalment.promised.from <= clock);
    match begun.checked_sub(1).and_then(|running| loan.instalments.get(running)) {
        Some(running) => {
            let (from, due_on) = (running.promised.from, running.promised.due_on);
            let Growth { before, amount } = growth(running);
            if clock >= due_on {
                return before + amount;
            }
            let interest = &loan.agreement.terms.interest;
            before + share(amount, weight(interest, from, clock), weight(interest, from, due_on))
        }
        // Before the disbursement; a state that was loaded in part begins no later than its clock.
        None => loan.instalments.first().map_or(Amount::ZERO, |first| growth(first).before),
    }
}

/// The weight by which interest grows from one date to another.
pub fn weight(interest: &Interest, from: NaiveDate, to: NaiveDate) -> i64 {
    match interest.calculation {
        Calculation::PerPeriod => (to - from).num_days(),
        Calculation::Daily => interest.day_count.weight(from, to),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_minor_unit_is_rounded_up() {
        // amount, elapsed, length → share
        let cases = [
            (24_000, 0, 28, 0),
            (24_000, 14, 28, 12_000),
            (24_000, 28, 28, 24_000),
            (1, 1, 2, 1),
            (1, 1, 3, 0),
            (5, 1, 2, 3),
            (22_211, 1, 31, 716),
            (24_000, 1, 31, 774),
            (100, -3, 31, 0),
            (100, 40, 31, 100),
            (100, 0, 0, 100),
        ];
        for (amount, elapsed, length, expected) in cases {
            assert_eq!(share(Amount::of_minor(amount), elapsed, length), Amount::of_minor(expected), "{amount}");
        }
    }
}
