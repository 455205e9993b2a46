//! The calculator a second time, slow and straight from the textbook, to compare with.
//!
//! Nothing is shared with the real one but the types of its input: dates are counted by hand, rates are long decimals, the
//! level instalment is the one whose future value repays the loan, and a schedule is a list of payments first and parts
//! second. A long decimal stands a little beside an exact half, so each is read to eight places before it is rounded.

use chrono::{Datelike, NaiveDate};
use kernel::day_count::DayCount;
use loans::terms::{
    AmortizationMethod, Calculation, Contract, FirstPeriod, InterestMethod, RatePer, Rounding, RoundingMode, Terms,
    Unit,
};
use rust_decimal::{Decimal, RoundingStrategy};

/// Year, month, day.
type Day = (i64, i64, i64);

/// From, due on, principal, interest, balance; amounts in minor units.
pub type Row = (NaiveDate, NaiveDate, i64, i64, i64);

fn is_leap(year: i64) -> bool {
    year % 400 == 0 || year % 4 == 0 && year % 100 != 0
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn day_of(date: NaiveDate) -> Day {
    (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()))
}

fn date_of(day: Day) -> NaiveDate {
    format!("{:04}-{:02}-{:02}", day.0, day.1, day.2).parse().unwrap()
}

fn next_day((year, month, day): Day) -> Day {
    match (day < days_in_month(year, month), month < 12) {
        (true, _) => (year, month, day + 1),
        (false, true) => (year, month + 1, 1),
        (false, false) => (year + 1, 1, 1),
    }
}

/// One by one, as on a wall calendar.
fn days_between(from: Day, to: Day) -> Vec<Day> {
    std::iter::successors(Some(from), |day| Some(next_day(*day))).take_while(|day| *day < to).collect()
}

fn months_later((year, month, day): Day, months: i64) -> Day {
    let from_year_zero = year * 12 + month - 1 + months;
    let (year, month) = (from_year_zero.div_euclid(12), from_year_zero.rem_euclid(12) + 1);
    (year, month, day.min(days_in_month(year, month)))
}

fn periods_later(terms: &Terms, anchor: Day, periods: i64) -> Day {
    let count = i64::from(terms.frequency.every) * periods;
    let days = match terms.frequency.unit {
        Unit::Month => return months_later(anchor, count),
        Unit::Week => count * 7,
        Unit::Day => count,
    };
    if days >= 0 {
        return (0..days).fold(anchor, |day, _| next_day(day));
    }
    let long_before = (anchor.0 - 40, anchor.1, 1);
    let before = days_between(long_before, anchor);
    before[before.len() - usize::try_from(-days).unwrap()]
}

fn due_days(terms: &Terms, contract: &Contract) -> Vec<Day> {
    let count = i64::from(contract.instalments);
    match contract.first_due_on {
        None => (1..=count).map(|k| periods_later(terms, day_of(contract.disbursed_on), k)).collect(),
        Some(first) => (0..count).map(|k| periods_later(terms, day_of(first), k)).collect(),
    }
}

fn year_fraction(count: DayCount, from: Day, to: Day) -> Decimal {
    let days = days_between(from, to);
    let of = |days: usize, basis: i64| Decimal::from(days) / Decimal::from(basis);
    let thirty = |first: i64, second: i64| {
        Decimal::from(360 * (to.0 - from.0) + 30 * (to.1 - from.1) + second - first) / Decimal::from(360)
    };
    let ends_february = |day: Day| day.1 == 2 && day.2 == days_in_month(day.0, 2);
    match count {
        DayCount::Actual360 => of(days.len(), 360),
        DayCount::Actual364 => of(days.len(), 364),
        DayCount::Actual365 => of(days.len(), 365),
        DayCount::ActualActual => {
            let leap = days.iter().filter(|day| is_leap(day.0)).count();
            of(leap, 366) + of(days.len() - leap, 365)
        }
        DayCount::ThirtyE360 => thirty(from.2.min(30), to.2.min(30)),
        DayCount::Thirty360 => {
            let (mut first, mut second) = (from.2, to.2);
            if ends_february(from) && ends_february(to) {
                second = 30;
            }
            if ends_february(from) {
                first = 30;
            }
            if second == 31 && (first == 30 || first == 31) {
                second = 30;
            }
            if first == 31 {
                first = 30;
            }
            thirty(first, second)
        }
    }
}

/// The rate of each period as a fraction of one.
fn rates(terms: &Terms, contract: &Contract, due: &[Day]) -> Vec<Decimal> {
    let interest = &terms.interest;
    let disbursed = day_of(contract.disbursed_on);
    let days_in_year = match interest.day_count {
        DayCount::Thirty360 | DayCount::ThirtyE360 | DayCount::Actual360 => 360,
        DayCount::Actual364 => 364,
        DayCount::Actual365 | DayCount::ActualActual => 365,
    };
    let units = match terms.frequency.unit {
        Unit::Month => 12,
        Unit::Week => 52,
        Unit::Day => days_in_year,
    };
    let regular = periods_later(terms, disbursed, 1) == due[0] || periods_later(terms, due[0], -1) == disbursed;
    let odd = contract.first_due_on.is_some() && !regular && interest.first_period == FirstPeriod::ByDays;
    let years: Vec<Decimal> = (0..due.len())
        .map(|k| {
            let from = if k == 0 { disbursed } else { due[k - 1] };
            if interest.calculation == Calculation::Daily || (k == 0 && odd) {
                year_fraction(interest.day_count, from, due[k])
            } else {
                Decimal::from(terms.frequency.every) / Decimal::from(units)
            }
        })
        .collect();
    let whole: Decimal = years.iter().copied().sum();
    let fraction = interest.rate.percent / Decimal::ONE_HUNDRED;
    let annual = |times: i64| fraction * Decimal::from(times);
    let of_year = |share: &Decimal| match interest.rate.per {
        RatePer::Year => annual(1) * share,
        RatePer::Month => annual(12) * share,
        RatePer::FourWeeks => annual(13) * share,
        RatePer::Week => annual(52) * share,
        RatePer::Day => annual(days_in_year) * share,
        RatePer::Term if whole.is_zero() => Decimal::ZERO,
        RatePer::Term => fraction * share / whole,
    };
    years.iter().map(of_year).collect()
}

fn half_up(amount: Decimal) -> i64 {
    let rounded = amount.round_dp(8).round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    rounded.to_string().parse().unwrap()
}

fn to_multiple(amount: Decimal, rounding: Option<Rounding>) -> i64 {
    let Some(rounding) = rounding else { return half_up(amount) };
    let (amount, multiple) = (amount.round_dp(8), rounding.instalment_multiple.to_decimal());
    let below = amount - amount % multiple;
    let rest = amount - below;
    let up = match rounding.mode {
        RoundingMode::Nearest => rest * Decimal::TWO >= multiple,
        RoundingMode::Up => rest > Decimal::ZERO,
        RoundingMode::Down => false,
    };
    half_up(if up { below + multiple } else { below })
}

/// The level instalment: the payments, each grown to the end at the rates that follow it, are worth the principal so grown.
fn level(principal: i64, rates: &[Decimal]) -> Decimal {
    let growth_after = |k: usize| rates[k..].iter().fold(Decimal::ONE, |product, rate| product * (Decimal::ONE + rate));
    let payments: Decimal = (1..=rates.len()).map(growth_after).sum();
    Decimal::from(principal) * (growth_after(0) / payments)
}

/// What the real calculator must give: rows, or the code of the refusal.
pub fn schedule(terms: &Terms, contract: &Contract) -> Result<Vec<Row>, &'static str> {
    let due = due_days(terms, contract);
    let rates = rates(terms, contract, &due);
    let principal = contract.principal.minor();
    let parts = match (terms.interest.method, terms.amortization.method) {
        (InterestMethod::Flat, _) => flat(principal, &rates, terms.rounding),
        (_, AmortizationMethod::EqualInstalments) => equal_instalments(principal, &rates, terms.rounding),
        (_, AmortizationMethod::EqualPrincipal) => equal_principal(principal, &rates, terms.rounding),
    }?;
    let mut balance = principal;
    let mut from = contract.disbursed_on;
    Ok(parts
        .into_iter()
        .zip(due)
        .map(|((principal, interest), due)| {
            balance -= principal;
            let row = (from, date_of(due), principal, interest, balance);
            from = date_of(due);
            row
        })
        .collect())
}

fn too_small(rounding: Option<Rounding>) -> &'static str {
    if rounding.is_some() { "product.rounding_too_coarse" } else { "loan.principal_too_small" }
}

/// The last is at most one and a half of the level, where that was rounded to a multiple.
fn checked(
    parts: Vec<(i64, i64)>,
    rounding: Option<Rounding>,
    last: i64,
    level: i64,
) -> Result<Vec<(i64, i64)>, &'static str> {
    let too_coarse = rounding.is_some() && Decimal::from(last) > Decimal::from(level) * Decimal::new(15, 1);
    if too_coarse { Err("product.rounding_too_coarse") } else { Ok(parts) }
}

fn equal_instalments(
    principal: i64,
    rates: &[Decimal],
    rounding: Option<Rounding>,
) -> Result<Vec<(i64, i64)>, &'static str> {
    let exact = level(principal, rates);
    let payment = to_multiple(exact, rounding);
    if payment == 0 {
        return Err(too_small(rounding));
    }
    let mut balance = principal;
    let mut parts = Vec::new();
    for (k, rate) in rates.iter().enumerate() {
        if balance == 0 {
            break;
        }
        let interest = half_up(Decimal::from(balance) * rate);
        let owed = balance + interest;
        let paid = if k + 1 == rates.len() || owed < payment { owed } else { payment };
        if paid != owed && paid - interest <= 0 {
            let by_rounding = rounding.is_some() && exact > Decimal::from(interest);
            return Err(if by_rounding { "product.rounding_too_coarse" } else { "loan.instalment_below_interest" });
        }
        balance = owed - paid;
        parts.push((paid - interest, interest));
    }
    let (last_principal, last_interest) = parts[parts.len() - 1];
    checked(parts, rounding, last_principal + last_interest, payment)
}

fn equal_principal(
    principal: i64,
    rates: &[Decimal],
    rounding: Option<Rounding>,
) -> Result<Vec<(i64, i64)>, &'static str> {
    let part = to_multiple(Decimal::from(principal) / Decimal::from(rates.len()), rounding);
    if part == 0 {
        return Err(too_small(rounding));
    }
    let mut parts: Vec<(i64, i64)> = Vec::new();
    for (k, rate) in rates.iter().enumerate() {
        let balance = principal - parts.iter().map(|(principal, _)| principal).sum::<i64>();
        let paid = if k + 1 == rates.len() { balance } else { part.min(balance) };
        if paid > 0 {
            parts.push((paid, half_up(Decimal::from(balance) * rate)));
        }
    }
    let last = parts[parts.len() - 1].0;
    checked(parts, rounding, last, part)
}

fn flat(principal: i64, rates: &[Decimal], rounding: Option<Rounding>) -> Result<Vec<(i64, i64)>, &'static str> {
    let equal = |amount: i64, count: usize| half_up(Decimal::from(amount) / Decimal::from(count));
    let asked = rates.len();
    let interest = half_up(Decimal::from(principal) * rates.iter().copied().sum::<Decimal>());
    let payment = match rounding {
        None => equal(principal, asked) + equal(interest, asked),
        Some(_) => to_multiple(Decimal::from(principal + interest) / Decimal::from(asked), rounding),
    };
    if payment <= equal(interest, asked) {
        return Err(too_small(rounding));
    }
    let mut payments = Vec::new();
    let mut left = principal + interest;
    while left > 0 {
        let last = payments.len() + 1 == asked;
        payments.push(if last { left } else { payment.min(left) });
        left -= payments[payments.len() - 1];
    }
    let share = equal(interest, payments.len());
    let (mut balance, mut interest_left) = (principal, interest);
    let mut parts = Vec::new();
    for (k, paid) in payments.iter().enumerate() {
        let mut interest = if k + 1 == payments.len() { interest_left } else { share.min(interest_left) };
        if paid - interest > balance {
            interest = paid - balance;
        }
        balance -= paid - interest;
        interest_left -= interest;
        parts.push((paid - interest, interest));
    }
    checked(parts, rounding, payments[payments.len() - 1], payment)
}
