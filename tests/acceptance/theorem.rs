//! The theorem of the books: what is booked is what the loans mean, on every day, whatever happened and in which order.

use rand::RngExt;

use super::bank::{must_verify, par, rows, trial_balance};
use super::random_life::Life;

const KINDS: [&str; 7] = ["disbursed", "paid", "settled", "back-dated", "reversed", "flagged", "ended"];

/// 12 runs of days with 10 commands between them. The days of each run are told once and must stay as they were told.
fn live(name: &str, first_day: &str) {
    let mut life = Life::begin(name, first_day);
    let mut told = Vec::new();
    for run in 0..12 {
        for _ in 0..10 {
            life.step();
        }
        let days = life.random.random_range(1..=25);
        let before = life.today.to_string();
        if run % 4 == 2 {
            life.close_late(days.min(8))
        } else {
            life.close(days)
        }
        told.push((
            before.clone(),
            rows(&trial_balance(&life.house, &before)),
            par(&life.house, &format!("as_of={before}&by=product"))["rows"].clone(),
        ));
        must_verify(&life.house);
    }
    // A history in which a kind of event is missing proves less: it goes on until all have happened.
    let missing = |life: &Life| KINDS.iter().find(|kind| !life.done.contains_key(*kind)).copied();
    for _ in 0..400 {
        if missing(&life).is_some() {
            life.step();
        }
    }
    eprintln!("{name}: {:?}", life.done);
    assert_eq!(missing(&life), None, "never happened: {:?}", life.done);
    for (day, balances, at_risk) in told {
        assert_eq!(rows(&trial_balance(&life.house, &day)), balances, "{day}");
        assert_eq!(par(&life.house, &format!("as_of={day}&by=product"))["rows"], at_risk, "{day}");
    }
    must_verify(&life.house);
}

#[test]
fn random_histories_leave_right_books() {
    live("random_histories_leave_right_books", "2026-01-31");
}

#[test]
fn random_histories_over_a_leap_year() {
    live("random_histories_over_a_leap_year", "2027-12-10");
}
