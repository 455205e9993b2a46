//! What a loan truly costs: the rate that makes its payments worth the money that the borrower gets.
//!
//! The periodic rate i solves net advance = Σ payment_k / (1 + i)^k, periods taken as equal. An odd first period counts as
//! the whole periods that fit into it, counted backwards from the first due date, and a rest for which interest is simple:
//! (1 + e·i)(1 + i)^t, the actuarial method of 12 CFR 1026 Appendix J. From i come the nominal rate, i × periods a year
//! (what American law and most of microfinance call APR), and the effective rate, (1 + i)^m − 1 (what European law calls
//! so). Invariants: payments are not negative, so there is one rate at most, and it is not negative either; no binary
//! floats. Deliberately absent: the methods of particular laws, money that flows back to the borrower (returned savings,
//! where several rates may solve), and charges that fall due later than the disbursement.

use kernel::amount::Amount;
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};

use crate::schedule::Schedule;
use crate::terms::{Contract, Frequency, Terms, Unit};

/// The rates that a borrower is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    /// The true rate of one period as a fraction of one, to 20 places.
    pub periodic_rate: Decimal,
    /// Periodic rate × periods a year, in percent with two decimals, half up.
    pub apr_percent: Decimal,
    /// (1 + periodic rate)^(periods a year) − 1, in percent with two decimals, half up.
    pub eir_percent: Decimal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    #[error("the charges deducted at disbursement are not less than the principal, so nothing is paid out; lower them")]
    NothingAdvanced,
    #[error("the effective rate has more than 28 digits and cannot be told; lower the rate or the charges")]
    RateTooHigh,
}

impl DisclosureError {
    /// The stable public code.
    pub fn code(&self) -> &'static str {
        match self {
            DisclosureError::NothingAdvanced => "disclosure.nothing_advanced",
            DisclosureError::RateTooHigh => "disclosure.rate_too_high",
        }
    }
}

/// The rates of a schedule whose borrower gets the principal less the charges `deducted` from it.
pub fn disclosure(
    terms: &Terms,
    contract: &Contract,
    schedule: &Schedule,
    deducted: Amount,
) -> Result<Disclosure, DisclosureError> {
    let net_advance = contract.principal - deducted;
    if !net_advance.is_positive() {
        return Err(DisclosureError::NothingAdvanced);
    }
    let payments = schedule.instalment_totals();
    let first = FirstPeriodLength::of(contract, terms.frequency);
    let periodic_rate = solve(net_advance, &payments, first);
    let units = terms.frequency.units_in_year(terms.interest.day_count);
    let apr = periodic_rate.checked_mul(Decimal::from(units)).map(|rate| rate / Decimal::from(terms.frequency.every));
    let eir = compounded(periodic_rate, units, i64::from(terms.frequency.every));
    Ok(Disclosure { periodic_rate, apr_percent: percent(apr)?, eir_percent: percent(eir)? })
}

/// The periodic rate, as a fraction of one to 20 places, at which payments one period apart are worth the principal, which
/// is paid out one period before the first. `None` where no principal was paid out or the payments do not repay it.
pub fn true_periodic_rate(principal: Amount, instalments: &[Amount]) -> Option<Decimal> {
    let repaid = principal.is_positive() && instalments.iter().copied().sum::<Amount>() >= principal;
    repaid.then(|| solve(principal, instalments, FirstPeriodLength::REGULAR))
}

fn percent(rate: Option<Decimal>) -> Result<Decimal, DisclosureError> {
    let percent = rate.and_then(|rate| rate.checked_mul(Decimal::ONE_HUNDRED)).ok_or(DisclosureError::RateTooHigh)?;
    let mut rounded = percent.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    Ok(rounded)
}

/// (1 + i)^(units / every) − 1, through the root that is left when the quotient is reduced: 12 months by 3 is a 4th power,
/// 52 weeks by 5 the 52nd power of the 5th root.
fn compounded(rate: Decimal, units: i64, every: i64) -> Option<Decimal> {
    let common = (1..=every).rev().find(|divisor| every % divisor == 0 && units % divisor == 0)?;
    let root = root(Decimal::ONE + rate, u64::try_from(every / common).ok()?)?;
    root.checked_powu(u64::try_from(units / common).ok()?)?.checked_sub(Decimal::ONE)
}

/// The `degree`-th root of a value of at least 1, by Newton's method from above, where it falls monotonically.
fn root(value: Decimal, degree: u64) -> Option<Decimal> {
    let divisor = Decimal::from(degree);
    let mut root = Decimal::ONE + (value - Decimal::ONE) / divisor;
    for _ in 0..MOST_STEPS {
        let step = (root - value.checked_div(root.checked_powu(degree - 1)?)?) / divisor;
        if step < NEGLIGIBLE {
            break;
        }
        root -= step;
    }
    Some(root)
}

/// How long the first period is: whole periods, and a fraction of one for which interest is simple.
#[derive(Debug, Clone, Copy)]
struct FirstPeriodLength {
    whole: u64,
    fraction: Decimal,
}

impl FirstPeriodLength {
    const REGULAR: FirstPeriodLength = FirstPeriodLength { whole: 1, fraction: Decimal::ZERO };

    fn of(contract: &Contract, frequency: Frequency) -> FirstPeriodLength {
        let Some(first_due_on) = contract.first_due_on.filter(|_| !contract.first_period_is_regular(frequency)) else {
            return FirstPeriodLength::REGULAR;
        };
        let begins = |whole: u32| frequency.before(first_due_on, whole).filter(|on| *on >= contract.disbursed_on);
        // A period is at least `days_least` long, which bounds the search.
        let (days, days_least) = match frequency.unit {
            Unit::Day => (1, 1),
            Unit::Week => (7, 7),
            Unit::Month => (30, 28),
        };
        let all_days = (first_due_on - contract.disbursed_on).num_days();
        let most = u32::try_from(all_days / (days_least * i64::from(frequency.every))).unwrap_or(u32::MAX);
        let (mut whole, mut rest) = (0, all_days);
        if let Some((count, begin)) = (0..=most).rev().find_map(|count| begins(count).map(|begin| (count, begin))) {
            whole = u64::from(count);
            rest = (begin - contract.disbursed_on).num_days();
        }
        let fraction = Decimal::from(rest) / Decimal::from(days * i64::from(frequency.every));
        FirstPeriodLength { whole, fraction }
    }
}

/// A step of Newton's method below this leaves an error far below 10^-20, as the error squares with each step.
const NEGLIGIBLE: Decimal = Decimal::from_parts(1, 0, 0, false, 14);

/// More steps than any solution takes: from zero, the rate about doubles with each until it is near.
const MOST_STEPS: u32 = 200;

/// The rate i with net advance = Σ payment_k × discount_k(i), by Newton's method from zero.
///
/// Each discount falls with i and is convex, so the iteration climbs to the root and never passes it. It starts where the
/// payments are worth more than the advance, or there is no positive root.
fn solve(net_advance: Amount, payments: &[Amount], first: FirstPeriodLength) -> Decimal {
    let total: Amount = payments.iter().copied().sum();
    if !net_advance.is_positive() || total <= net_advance {
        return Decimal::ZERO;
    }
    let runs = runs(payments);
    let mut rate = Decimal::ZERO;
    for _ in 0..MOST_STEPS {
        match newton_step(net_advance.to_decimal(), &runs, first, rate) {
            Some(step) if step > Decimal::ZERO => {
                rate += step;
                if step < NEGLIGIBLE {
                    break;
                }
            }
            _ => break,
        }
    }
    rate.round_dp(20)
}

/// How much the rate must grow: (value − advance) / −(d value / d i). `None` where a number leaves 28 digits.
fn newton_step(net_advance: Decimal, runs: &[Run], first: FirstPeriodLength, rate: Decimal) -> Option<Decimal> {
    let discount = Decimal::ONE.checked_div(Decimal::ONE + rate)?;
    let (value, slope) = worth_when_first_due(runs, discount)?;
    // Over the first period: × discount^whole / (1 + fraction × rate).
    let simple = Decimal::ONE + first.fraction * rate;
    let first_discount = discount.checked_powu(first.whole)?.checked_div(simple)?;
    let fall_of_first = Decimal::from(first.whole) * discount + first.fraction / simple;
    let fall = first_discount.checked_mul(slope * discount * discount + value * fall_of_first)?;
    (value.checked_mul(first_discount)? - net_advance).checked_div(fall)
}

/// What the payments are worth on the first due date, and how fast that grows with the discount factor.
fn worth_when_first_due(runs: &[Run], discount: Decimal) -> Option<(Decimal, Decimal)> {
    let shortfall = Decimal::ONE - discount;
    let (mut value, mut slope) = (Decimal::ZERO, Decimal::ZERO);
    for Run { payment, count } in runs.iter().rev() {
        if *count < SHORT_RUN || shortfall.is_zero() {
            for _ in 0..*count {
                slope = slope * discount + value;
                value = value * discount + payment;
            }
            continue;
        }
        // Σ_{j<m} v^j = (1 − v^m) / (1 − v), whose derivative is (that − m·v^(m−1)) / (1 − v).
        let times = Decimal::from(*count);
        let power_before = discount.checked_powu(count - 1)?;
        let power = power_before * discount;
        let sum = (Decimal::ONE - power) / shortfall;
        let slope_of_sum = (sum - times * power_before) / shortfall;
        slope = payment * slope_of_sum + times * power_before * value + power * slope;
        value = payment * sum + power * value;
    }
    Some((value, slope))
}

/// Equal payments one after the other. Most loans are one such run and a last payment.
struct Run {
    payment: Decimal,
    count: u64,
}

/// Runs shorter than this are added up one by one, which is cheaper than a power and more exact.
const SHORT_RUN: u64 = 8;

fn runs(payments: &[Amount]) -> Vec<Run> {
    let equal = payments.chunk_by(|one, next| one == next);
    equal
        .filter_map(|run| Some(Run { payment: run.first()?.to_decimal(), count: u64::try_from(run.len()).ok()? }))
        .collect()
}
