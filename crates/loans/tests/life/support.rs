//! Short words for terms, dates, amounts and events.

use std::sync::Arc;

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::day_count::DayCount;
use loans::event::{Event, EventKind};
use loans::loan::{Agreement, Loan};
use loans::position::{Position, Slot, position};
use loans::replay::replay;
use loans::terms::{
    Allocation, Amortization, Calculation, ENGINE, FirstPeriod, Frequency, Interest, InterestMethod, Rate, RatePer,
    SettlementRebate, Terms, Unit,
};
use rust_decimal::Decimal;
use uuid::Uuid;

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Reads "1,134.72" in a currency of two decimals.
pub fn money(text: &str) -> Amount {
    Amount::parse(&text.replace(',', ""), "KES".parse().unwrap()).unwrap()
}

/// Prints 1,134.72.
pub fn print(amount: Amount) -> String {
    let text = amount.format("KES".parse().unwrap());
    let (whole, cents) = text.split_once('.').unwrap();
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}.{cents}")
}

pub fn monthly(method: InterestMethod, percent: i64) -> Terms {
    Terms {
        frequency: Frequency { every: 1, unit: Unit::Month },
        interest: Interest {
            method,
            rate: Rate { percent: Decimal::from(percent), per: RatePer::Year },
            calculation: Calculation::PerPeriod,
            day_count: DayCount::Thirty360,
            first_period: FirstPeriod::ByDays,
        },
        amortization: Amortization::default(),
        rounding: None,
        allocation: Allocation::default(),
        settlement_rebate: SettlementRebate::Actuarial,
        non_accrual_days: 90,
        basis: Default::default(),
        engine: ENGINE,
    }
}

pub fn agreement(terms: Terms, instalments: u32) -> Arc<Agreement> {
    Arc::new(Agreement { terms: terms.into(), instalments, first_due_on: None })
}

/// 12,000 at 24 % a year declining, 12 months.
pub fn w02() -> Arc<Agreement> {
    agreement(monthly(InterestMethod::Declining, 24), 12)
}

/// 12,000 at 2 % a month flat, 12 months.
pub fn w01() -> Arc<Agreement> {
    agreement(monthly(InterestMethod::Flat, 24), 12)
}

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn approved(amount: Amount) -> EventKind {
    EventKind::Approved { amount }
}

pub fn disbursed(amount: Amount) -> EventKind {
    EventKind::Disbursed { amount, deducted_fees: Amount::ZERO, withheld: Amount::ZERO }
}

pub fn repaid(amount: Amount) -> EventKind {
    EventKind::Repaid { amount }
}

/// Events numbered from 1, each known on its value date.
pub fn events(facts: impl IntoIterator<Item = (NaiveDate, EventKind)>) -> Vec<Event> {
    facts
        .into_iter()
        .zip(1..)
        .map(|((on, kind), number)| Event { id: id(number), value_on: on, booked_on: on, kind })
        .collect()
}

/// 12,000 approved and paid out on 31 January 2026, then these repayments.
pub fn lent(agreement: &Arc<Agreement>, repayments: &[(&str, &str)]) -> Loan {
    let lent_on = date("2026-01-31");
    let first = [(lent_on, approved(money("12000"))), (lent_on, disbursed(money("12000")))];
    let then = repayments.iter().map(|(on, amount)| (date(on), repaid(money(amount))));
    let replayed = replay(agreement, &events(first.into_iter().chain(then)));
    assert!(replayed.applied.iter().all(|(_, applied)| applied.impossible.is_none()), "{:?}", replayed.applied);
    replayed.loan
}

pub fn balance(loan: &Loan, clock: &str, slot: Slot) -> String {
    print(position(loan, date(clock)).of(slot))
}

/// The lines of an entry, such as "interest_receivable 240.00, interest_income -240.00".
pub fn lines(entry: &Position) -> String {
    let lines: Vec<String> =
        entry.lines().map(|(slot, amount)| format!("{} {}", slot.as_str(), print(amount))).collect();
    lines.join(", ")
}
