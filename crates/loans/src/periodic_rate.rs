//! What a quoted rate is for each period of a loan, exactly.
//!
//! A rate of 24 % a year is 24/100 × 4/52 for four weeks and has no end as a decimal, and an amount that it makes may lie
//! on a half minor unit: 3.25 at 24 % a year is 1.5 minor units a week. So a periodic rate is a fraction of integers, and
//! interest is rounded once, from the exact value. Invariants: rates are never negative; the rates of a loan whose rate is
//! for the term add up to that rate. Deliberately absent: effective rates (`disclosure` solves for those) and rates that
//! change during the loan.

use chrono::NaiveDate;
use kernel::amount::Amount;
use rust_decimal::Decimal;

use crate::terms::{Calculation, Contract, FirstPeriod, Interest, Rate, RatePer, Terms};

/// Interest for one unit of balance over one period: an exact fraction, not reduced.
///
/// Its terms fit 96 bits for any valid terms, so that both convert to a `Decimal` without loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeriodicRate {
    numerator: i128,
    denominator: i128,
}

impl PeriodicRate {
    /// `percent` / 100 × `times`.
    fn quoted(rate: Rate, times: i64) -> PeriodicRate {
        let percent = rate.percent.normalize();
        PeriodicRate {
            numerator: percent.mantissa() * i128::from(times),
            denominator: 10_i128.pow(percent.scale().min(Rate::DECIMALS) + 2),
        }
    }

    fn share(self, part: i64, whole: i64) -> PeriodicRate {
        PeriodicRate { numerator: self.numerator * i128::from(part), denominator: self.denominator * i128::from(whole) }
    }

    /// Balance × rate in whole minor units, half up, from the exact product. `None` where it is more than can be booked:
    /// a product that leaves 128 bits always is (2 × denominator < 10^22).
    pub fn interest_on(self, balance: Amount) -> Option<Amount> {
        let product = i128::from(balance.minor()).checked_mul(2)?.checked_mul(self.numerator)?;
        let rounded = product.checked_add(self.denominator)? / (2 * self.denominator);
        i64::try_from(rounded).ok().map(Amount::of_minor).filter(|interest| *interest <= Amount::LIMIT)
    }

    /// 1 / (1 + i), to 28 places.
    pub fn discount_factor(self) -> Option<Decimal> {
        let denominator = Decimal::try_from_i128_with_scale(self.denominator, 0).ok()?;
        let sum = Decimal::try_from_i128_with_scale(self.denominator + self.numerator, 0).ok()?;
        denominator.checked_div(sum)
    }

    /// The rate as a fraction of one (0.02 for 2 %), to 28 digits.
    pub fn to_decimal(self) -> Option<Decimal> {
        let numerator = Decimal::try_from_i128_with_scale(self.numerator, 0).ok()?;
        numerator.checked_div(Decimal::try_from_i128_with_scale(self.denominator, 0).ok()?)
    }
}

/// The rates of all periods of one loan: a base rate, and which share of it each period bears.
///
/// The base is the rate of a year and the shares are parts of a year; where the rate is quoted for the term, it is the
/// rate of the term, and the shares are parts of the term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoanRates {
    base: PeriodicRate,
    shares: Vec<i64>,
    whole: i64,
}

impl LoanRates {
    /// The rates of the periods that end on `due_dates`, the first of which begins with the disbursement. The terms must
    /// be valid.
    pub fn new(terms: &Terms, contract: &Contract, due_dates: &[NaiveDate]) -> LoanRates {
        let (shares, year) = match terms.interest.calculation {
            Calculation::Daily => shares_by_days(&terms.interest, contract.disbursed_on, due_dates),
            Calculation::PerPeriod => shares_by_period(terms, contract, due_dates),
        };
        let rate = terms.interest.rate;
        let per_year = match rate.per {
            RatePer::Year => 1,
            RatePer::Month => 12,
            RatePer::FourWeeks => 13,
            RatePer::Week => 52,
            RatePer::Day => terms.interest.day_count.days_in_year(),
            // No day may pass by 30/360, from a 30th to a 31st: then no interest grows either.
            RatePer::Term => {
                let term = shares.iter().sum::<i64>().max(1);
                return LoanRates { base: PeriodicRate::quoted(rate, 1), shares, whole: term };
            }
        };
        LoanRates { base: PeriodicRate::quoted(rate, per_year), shares, whole: year }
    }

    /// The rate of each period in turn.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = PeriodicRate> + '_ {
        self.shares.iter().map(|share| self.base.share(*share, self.whole))
    }

    /// The sum of the rates of all periods: what flat interest is charged by.
    pub fn of_the_term(&self) -> PeriodicRate {
        self.base.share(self.shares.iter().sum(), self.whole)
    }
}

/// Each period by its days under the day count, as parts of a year.
fn shares_by_days(interest: &Interest, disbursed_on: NaiveDate, due_dates: &[NaiveDate]) -> (Vec<i64>, i64) {
    let begins = std::iter::once(&disbursed_on).chain(due_dates);
    let shares = begins.zip(due_dates).map(|(from, due_on)| interest.day_count.weight(*from, *due_on)).collect();
    (shares, interest.day_count.weight_per_year())
}

/// Each period alike, whatever its days, but for an odd first one that is charged by days: that one grows interest as a
/// period of a daily loan does, rate × days by the day count.
fn shares_by_period(terms: &Terms, contract: &Contract, due_dates: &[NaiveDate]) -> (Vec<i64>, i64) {
    let interest = &terms.interest;
    let units = terms.frequency.units_in_year(interest.day_count);
    let every = i64::from(terms.frequency.every);
    let odd = interest.first_period == FirstPeriod::ByDays && !contract.first_period_is_regular(terms.frequency);
    match due_dates.first() {
        Some(first_due_on) if odd => {
            // Months and days are brought to a common unit, the smallest in which both are whole.
            let per_year = interest.day_count.weight_per_year();
            let common = greatest_common_divisor(units, per_year);
            let mut shares = vec![every * (per_year / common); due_dates.len()];
            if let Some(first) = shares.first_mut() {
                *first = interest.day_count.weight(contract.disbursed_on, *first_due_on) * (units / common);
            }
            (shares, units / common * per_year)
        }
        _ => (vec![every; due_dates.len()], units),
    }
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
