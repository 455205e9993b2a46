//! The journal of one loan, as `docs/decisions/0003-w02-worked-through.md` shows it: the document may say nothing that
//! the code does not.

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use loans::event::{Event, EventKind};
use loans::loan::Status;
use loans::payoff::payoff;
use loans::position::{Position, Slot, cash_leg, days_overdue, difference, position};
use loans::replay::{check, replay};

use crate::support::*;

const DOCUMENT: &str = include_str!("../../../../docs/decisions/0003-w02-worked-through.md");

/// The bank, where all money of this loan moves.
const BANK: &str = "1040";

pub struct Step {
    pub event: Event,
    what: &'static str,
}

pub fn life() -> Vec<Step> {
    let step = |number: u128, value_on: &str, booked_on: &str, kind, what| Step {
        event: Event { id: id(number), value_on: date(value_on), booked_on: date(booked_on), kind },
        what,
    };
    let fee = EventKind::Disbursed { amount: money("12000"), deducted_fees: money("240"), withheld: money("0") };
    let instalment = repaid(money("1134.72"));
    vec![
        step(1, "2026-01-30", "2026-01-30", approved(money("12000")), "approved"),
        step(2, "2026-01-31", "2026-01-31", fee, "disbursed, fee 240 deducted"),
        step(3, "2026-02-28", "2026-02-28", instalment, "repaid on the day"),
        step(4, "2026-03-21", "2026-03-21", instalment, "repaid ten days early"),
        step(5, "2026-05-09", "2026-05-09", instalment, "repaid nine days late"),
        step(6, "2026-05-25", "2026-06-03", instalment, "repaid, known nine days later"),
        step(7, "2026-05-09", "2026-06-05", EventKind::Reversed { reverses: id(5) }, "reversed: the cheque of 9 May"),
        step(8, "2026-09-10", "2026-09-10", repaid(money("10000")), "repaid, more than the payoff"),
    ]
}

fn known_at(day: NaiveDate) -> Vec<Event> {
    life().into_iter().map(|step| step.event).filter(|event| event.booked_on <= day).collect()
}

fn worth(day: NaiveDate, clock: NaiveDate) -> Position {
    position(&replay(&w02(), &known_at(day)).loan, clock)
}

fn close(day: NaiveDate) -> Position {
    difference(&worth(day, day + Days::new(1)), &worth(day, day))
}

fn closes(first: &str, last: &str) -> Position {
    let mut sum = Position::default();
    let mut day = date(first);
    while day <= date(last) {
        sum += close(day);
        day = day + Days::new(1);
    }
    sum
}

fn account(slot: Slot) -> &'static str {
    match slot {
        Slot::LoanPortfolio => "1210",
        Slot::InterestReceivable => "1310",
        Slot::Unearned => "2395",
        Slot::InterestIncome => "4010",
        Slot::FeeIncome => "4020",
        Slot::Overpayment => "2340",
        Slot::CompulsorySavings => "2020",
        Slot::Commitment => "9020",
        Slot::CommitmentContra => "9021",
        Slot::NonAccrualMemo => "9050",
        Slot::NonAccrualContra => "9051",
    }
}

/// "1210 12,000.00 | 1040 11,760.00; 4020 240.00"
fn sides(lines: &Position, cash: Amount) -> String {
    let lines: Vec<(&str, Amount)> =
        [(BANK, cash)].into_iter().chain(lines.lines().map(|(slot, amount)| (account(slot), amount))).collect();
    let side = |wanted: fn(&Amount) -> bool| {
        let of_side = lines.iter().filter(|(_, amount)| wanted(amount));
        of_side.map(|(account, amount)| format!("{account} {}", print(amount.abs()))).collect::<Vec<_>>().join("; ")
    };
    format!("{} | {}", side(|amount| amount.is_positive()), side(|amount| amount.is_negative()))
}

/// Actions, then closes, each in the order of time.
fn rows() -> Vec<String> {
    let mut rows: Vec<String> = life()
        .iter()
        .map(|Step { event, what }| {
            let today = event.booked_on;
            let history = known_at(today);
            let before: Vec<Event> = history.iter().copied().filter(|other| other.id != event.id).collect();
            let after = check(&w02(), &before, event).unwrap().loan;
            let lines = difference(&position(&after, today), &position(&replay(&w02(), &before).loan, today));
            let sides = sides(&lines, cash_leg(event, &history));
            format!("| {today} | {} | {what} | {sides} |", event.value_on)
        })
        .collect();
    for (first, last, what) in [
        ("2026-01-31", "2026-01-31", "close"),
        ("2026-02-01", "2026-02-27", "27 closes"),
        ("2026-02-28", "2026-02-28", "close"),
        ("2026-03-01", "2026-03-20", "20 closes"),
        ("2026-03-21", "2026-03-21", "close"),
        ("2026-03-22", "2026-03-30", "9 closes"),
        ("2026-03-31", "2026-05-08", "39 closes"),
        ("2026-05-09", "2026-06-02", "25 closes"),
        ("2026-06-03", "2026-06-04", "2 closes"),
        ("2026-06-05", "2026-08-28", "85 closes"),
        ("2026-08-29", "2026-08-29", "close: 90 days overdue"),
        ("2026-08-30", "2026-09-09", "11 closes"),
    ] {
        let days = if first == last { first.to_owned() } else { format!("{first} to {}", &last[5..]) };
        rows.push(format!("| {days} | | {what} | {} |", sides(&closes(first, last), Amount::ZERO)));
    }
    rows
}

#[test]
fn the_document_shows_what_is_booked() {
    let missing: Vec<String> = rows().into_iter().filter(|row| !DOCUMENT.contains(row)).collect();
    assert!(missing.is_empty(), "not in the document:\n{}", missing.join("\n"));
    let shown = DOCUMENT.lines().filter(|line| line.starts_with("| 2026-")).count();
    assert_eq!(shown, rows().len(), "the document shows rows that nobody books");
}

#[test]
fn what_the_document_says_beside_the_rows() {
    let day = date("2026-06-04");
    let believed = replay(&w02(), &known_at(day)).loan;
    assert_eq!((believed.oldest_unpaid_due_on(), days_overdue(&believed, day)), (Some(date("2026-06-30")), 0));
    let day = date("2026-06-05");
    let corrected = replay(&w02(), &known_at(day)).loan;
    assert_eq!((corrected.oldest_unpaid_due_on(), days_overdue(&corrected, day)), (Some(date("2026-05-31")), 5));
    let day = date("2026-09-09");
    let unpaid = payoff(&replay(&w02(), &known_at(day)).loan, date("2026-09-10"));
    let last = replay(&w02(), &known_at(date("2026-09-10"))).loan;
    assert_eq!(last.status(), Some(Status::Overpaid));
    let said = [
        format!("payoff of {}", print(unpaid.total())),
        format!("{} principal", print(unpaid.principal)),
        format!("{} interest", print(unpaid.interest)),
        format!("{} falls away", print(unpaid.falls_away)),
        format!("{} overpaid", print(last.overpaid)),
        format!("income of {}", print(-position(&last, date("2026-09-11")).of(Slot::InterestIncome))),
    ];
    let document = DOCUMENT.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in said {
        assert!(document.contains(&said), "{said}");
    }
}
