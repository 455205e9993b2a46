//! What a decision costs without I/O: schedules and replays.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use loans::event::{Event, EventKind};
use loans::loan::Agreement;
use loans::position::position;
use loans::replay::replay;
use loans::schedule::schedule;
use loans::terms::{Contract, Terms};
use serde_json::json;
use uuid::Uuid;

use crate::table::{Figures, print};
use crate::{Effort, Failure};

const DISBURSED_ON: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 1, 31);

pub fn run(effort: Effort) -> Result<(), Failure> {
    let disbursed_on = DISBURSED_ON.ok_or("no such day")?;
    let mut rows = Vec::new();
    for (name, unit, method, instalments) in [
        ("declining, 12 months", "month", "declining", 12),
        ("declining, 60 months", "month", "declining", 60),
        ("declining, 52 weeks", "week", "declining", 52),
        ("flat, 52 weeks", "week", "flat", 52),
    ] {
        let terms = terms(unit, method)?;
        let principal = Amount::of_minor(1_234_500);
        let contract = Contract { principal, instalments, disbursed_on, first_due_on: None };
        let mut figures = Figures::default();
        for _ in 0..effort.repeats {
            figures.add(nanoseconds(effort.time(), || schedule(&terms, &contract).is_ok()));
        }
        rows.push(row(&format!("schedule: {name}"), &figures, instalments));

        let agreement = Arc::new(Agreement { terms: terms.clone().into(), instalments, first_due_on: None });
        let events = events(&agreement, &contract)?;
        let mut figures = Figures::default();
        for _ in 0..effort.repeats {
            figures.add(nanoseconds(effort.time(), || replay(&agreement, &events).loan.settled.is_some()));
        }
        rows.push(row(&format!("replay with {instalments} repayments: {name}"), &figures, instalments));

        let loan = replay(&agreement, &events[..events.len() / 2]).loan;
        let day = disbursed_on + Days::new(200);
        let mut figures = Figures::default();
        for _ in 0..effort.repeats {
            figures.add(nanoseconds(effort.time(), || position(black_box(&loan), day) == Default::default()));
        }
        rows.push(row(&format!("position: {name}"), &figures, instalments));
    }
    print(&["what", "µs", "ns an instalment"], &rows);
    Ok(())
}

fn row(name: &str, nanoseconds: &Figures, instalments: u32) -> Vec<String> {
    let each = nanoseconds.median() / f64::from(instalments);
    let mut micros = Figures::default();
    for figure in [nanoseconds.least(), nanoseconds.median(), nanoseconds.most()] {
        micros.add(figure / 1000.0);
    }
    vec![name.to_owned(), micros.fine(), format!("{each:.0}")]
}

fn terms(unit: &str, method: &str) -> Result<Terms, Failure> {
    let percent = if method == "flat" { "18" } else { "24" };
    Ok(serde_json::from_value(json!({
        "frequency": {"unit": unit, "every": 1},
        "interest": {"method": method, "rate": {"percent": percent, "per": "year"}}
    }))?)
}

/// Approved, disbursed, and each instalment paid two days late.
fn events(agreement: &Arc<Agreement>, contract: &Contract) -> Result<Vec<Event>, Failure> {
    let made = schedule(&agreement.terms, contract)?;
    let amount = contract.principal;
    let on = contract.disbursed_on;
    let event = |day: NaiveDate, kind| Event { id: Uuid::now_v7(), value_on: day, booked_on: day, kind };
    let none = Amount::ZERO;
    let mut events = vec![
        event(on, EventKind::Approved { amount }),
        event(on, EventKind::Disbursed { amount, deducted_fees: none, withheld: none }),
    ];
    for instalment in &made.instalments {
        let paid_on = instalment.due_on + Days::new(2);
        events.push(event(paid_on, EventKind::Repaid { amount: instalment.total() }));
    }
    Ok(events)
}

/// Nanoseconds that one call takes, over so much time.
fn nanoseconds(time: Duration, mut call: impl FnMut() -> bool) -> f64 {
    let began = Instant::now();
    let mut calls = 0_u32;
    while began.elapsed() < time {
        for _ in 0..64 {
            black_box(call());
        }
        calls += 64;
    }
    began.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}
