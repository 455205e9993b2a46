//! The positions of a few lives, night by night, as a file that a banker can open. One file per engine version: an old
//! loan keeps its engine, so an old file never changes.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use chrono::Days;
use kernel::day_count::DayCount;
use loans::event::{Event, EventKind};
use loans::loan::Agreement;
use loans::payoff::payoff;
use loans::position::{Slot, days_overdue, position};
use loans::replay::replay;
use loans::terms::{Calculation, ENGINE, Frequency, InterestMethod, Unit};

use crate::support::*;
use crate::worked_through;

#[test]
fn positions_stay_what_they_were() {
    let known = include_str!("golden/positions_engine_1.csv");
    assert_eq!(ENGINE, 1, "a new engine has a file of its own");
    let now = positions();
    if now != known {
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("positions_engine_1.csv");
        std::fs::write(&at, &now).unwrap();
        let differs = now.lines().zip(known.lines()).find(|(now, known)| now != known);
        panic!("positions differ, first in {differs:?}; all of them are in {}", at.display());
    }
}

fn positions() -> String {
    let mut csv = String::from("loan,clock,known_by");
    Slot::ALL.iter().for_each(|slot| write!(csv, ",{}", slot.as_str()).unwrap());
    csv.push_str(",payoff,days_overdue\n");
    for (name, agreement, history) in lives() {
        let first = history.iter().map(|event| event.booked_on).min().unwrap();
        for night in (0..40).map(|week| 1 + week * 10) {
            let clock = first + Days::new(night);
            let day = clock - Days::new(1);
            let known: Vec<Event> = history.iter().copied().filter(|event| event.booked_on <= day).collect();
            let loan = replay(&agreement, &known).loan;
            let position = position(&loan, clock);
            write!(csv, "{name},{clock},{day}").unwrap();
            for &slot in Slot::ALL {
                write!(csv, ",{}", position.of(slot).format("KES".parse().unwrap())).unwrap();
            }
            let payoff = payoff(&loan, clock).total().format("KES".parse().unwrap());
            writeln!(csv, ",{payoff},{}", days_overdue(&loan, day)).unwrap();
        }
    }
    csv
}

fn lives() -> Vec<(&'static str, Arc<Agreement>, Vec<Event>)> {
    let lent_on = date("2026-01-31");
    let kept_back = EventKind::Disbursed { amount: money("12000"), deducted_fees: money("0"), withheld: money("1200") };
    let flat = events([
        (lent_on, approved(money("12000"))),
        (lent_on, kept_back),
        (date("2026-02-28"), repaid(money("1000"))),
        (date("2026-03-10"), repaid(money("3000"))),
        (date("2026-05-31"), repaid(money("1240"))),
        (date("2026-09-15"), repaid(money("9000"))),
    ]);
    let mut weekly = monthly(InterestMethod::Declining, 36);
    weekly.frequency = Frequency { every: 2, unit: Unit::Week };
    weekly.interest.calculation = Calculation::Daily;
    weekly.interest.day_count = DayCount::Thirty360;
    weekly.non_accrual_days = 30;
    let by_days = events([
        (lent_on, approved(money("5000"))),
        (lent_on, disbursed(money("5000"))),
        (date("2026-02-14"), repaid(money("600"))),
        (date("2026-02-20"), repaid(money("600"))),
        (date("2026-04-20"), repaid(money("700"))),
    ]);
    vec![
        ("w02", w02(), worked_through::life().into_iter().map(|step| step.event).collect()),
        ("w01", w01(), flat),
        ("daily_30_360", agreement(weekly, 10), by_days),
    ]
}
