//! Cases worked by hand, figure by figure.

use kernel::amount::Amount;
use loans::schedule::Schedule;
use loans::terms::{Contract, RatePer, RoundingMode, Terms, Unit};

use crate::support::{amount, contract, contract_on, daily, declining, equal_principal, every, flat, made, rounded};

/// A case that has a golden file of the same name.
pub struct Case {
    pub name: &'static str,
    pub terms: Terms,
    pub contract: Contract,
    /// All instalments but the last, where they are equal.
    pub level: Option<&'static str>,
    pub last: &'static str,
    pub interest: &'static str,
}

pub fn cases() -> Vec<Case> {
    let year = RatePer::Year;
    let case = |name, terms, principal, instalments, level, last, interest| Case {
        name,
        terms,
        contract: contract(principal, instalments),
        level,
        last,
        interest,
    };
    let thirty = |multiple, mode| rounded(declining("30", year), multiple, mode);
    let two_weeks = every(declining("24", year), 2, Unit::Week);
    let four_weeks = every(declining("24", year), 4, Unit::Week);
    let week = every(declining("24", year), 1, Unit::Week);
    let up_to_5 = rounded(flat("24", year), "5.00", RoundingMode::Up);
    use RoundingMode::{Nearest, Up};
    vec![
        case("w01", flat("2", RatePer::Month), "12000", 12, Some("1240.00"), "1240.00", "2880.00"),
        case("w02", declining("24", year), "12000", 12, Some("1134.72"), "1134.67", "1616.59"),
        case("w03", equal_principal("24", year), "12000", 12, None, "1020.00", "1560.00"),
        case("w07", two_weeks, "12000", 26, Some("521.25"), "521.34", "1552.59"),
        case("w08", four_weeks, "12000", 12, Some("1124.02"), "1124.05", "1488.27"),
        case("w09", week, "12000", 52, Some("260.10"), "259.96", "1525.06"),
        case("w15", declining("30", year), "10000", 12, Some("974.87"), "974.90", "1698.47"),
        case("w16", thirty("5.00", Nearest), "10000", 12, Some("975.00"), "973.23", "1698.23"),
        case("w17", thirty("10.00", Nearest), "10000", 12, Some("970.00"), "1037.21", "1707.21"),
        case("w18", thirty("10.00", Up), "10000", 12, Some("980.00"), "909.25", "1689.25"),
        case("w19", thirty("50.00", Nearest), "10000", 12, Some("950.00"), "1293.11", "1743.11"),
        case("w20", thirty("100.00", Up), "10000", 12, Some("1000.00"), "653.34", "1653.34"),
        case("w21", flat("24", year), "1000", 12, Some("103.33"), "103.37", "240.00"),
        case("w21_up_to_5", up_to_5, "1000", 12, Some("105.00"), "85.00", "240.00"),
    ]
}

#[test]
fn the_summary_figures_of_each_case() {
    for Case { name, terms, contract, level, last, interest } in cases() {
        let totals = made(&terms, &contract).instalment_totals();
        let (final_total, others) = totals.split_last().unwrap();
        assert_eq!(totals.len(), contract.instalments as usize, "{name}");
        assert_eq!(*final_total, amount(last), "{name}");
        assert_eq!(totals.iter().copied().sum::<Amount>() - contract.principal, amount(interest), "{name}");
        if let Some(level) = level {
            assert!(others.iter().all(|total| *total == amount(level)), "{name}: {others:?}");
        }
    }
}

/// `number: principal/interest/balance; …` as it is written by hand.
fn check_in_full(schedule: &Schedule, listed: &str) {
    let rows: Vec<(u32, Amount, Amount, Amount)> = listed
        .split("; ")
        .map(|row| {
            let (number, figures) = row.split_once(": ").unwrap();
            let figures: Vec<Amount> = figures.split('/').map(|figure| amount(&figure.replace(',', ""))).collect();
            (number.parse().unwrap(), figures[0], figures[1], figures[2])
        })
        .collect();
    let made = schedule.instalments.iter().map(|made| (made.number, made.principal, made.interest, made.balance));
    assert_eq!(made.collect::<Vec<_>>(), rows);
}

#[test]
fn w02_in_full() {
    check_in_full(
        &made(&declining("24", RatePer::Year), &contract("12000", 12)),
        "1: 894.72/240.00/11,105.28; 2: 912.61/222.11/10,192.67; 3: 930.87/203.85/9,261.80; 4: 949.48/185.24/8,312.32; \
         5: 968.47/166.25/7,343.85; 6: 987.84/146.88/6,356.01; 7: 1,007.60/127.12/5,348.41; 8: 1,027.75/106.97/4,320.66; \
         9: 1,048.31/86.41/3,272.35; 10: 1,069.27/65.45/2,203.08; 11: 1,090.66/44.06/1,112.42; 12: 1,112.42/22.25/0",
    );
}

#[test]
fn w17_in_full() {
    check_in_full(
        &made(&rounded(declining("30", RatePer::Year), "10", RoundingMode::Nearest), &contract("10000", 12)),
        "1: 720.00/250.00/9,280.00; 2: 738.00/232.00/8,542.00; 3: 756.45/213.55/7,785.55; 4: 775.36/194.64/7,010.19; \
         5: 794.75/175.25/6,215.44; 6: 814.61/155.39/5,400.83; 7: 834.98/135.02/4,565.85; 8: 855.85/114.15/3,710.00; \
         9: 877.25/92.75/2,832.75; 10: 899.18/70.82/1,933.57; 11: 921.66/48.34/1,011.91; 12: 1,011.91/25.30/0",
    );
}

#[test]
fn the_first_instalment_splits_as_stated() {
    let year = RatePer::Year;
    let cases = [
        ("w07", every(declining("24", year), 2, Unit::Week), "12000", 26, "410.48", "110.77"),
        ("w08", every(declining("24", year), 4, Unit::Week), "12000", 12, "902.48", "221.54"),
        ("w09", every(declining("24", year), 1, Unit::Week), "12000", 52, "204.72", "55.38"),
        ("w21", flat("24", year), "1000", 12, "83.33", "20.00"),
    ];
    for (name, terms, principal, instalments, first_principal, first_interest) in cases {
        let first = made(&terms, &contract(principal, instalments)).instalments[0];
        assert_eq!((first.principal, first.interest), (amount(first_principal), amount(first_interest)), "{name}");
    }
}

/// The pricing ladder: level, last.
#[test]
fn the_ladder_of_prices() {
    let three = || declining("3", RatePer::Month);
    let flat_weekly = every(flat("36", RatePer::Year), 1, Unit::Week);
    let cases = [
        ("L1", three(), 12, "100.46", "100.51"),
        ("L4", flat("3", RatePer::Month), 12, "113.33", "113.37"),
        ("L11", flat_weekly, 52, "26.15", "26.35"),
        ("four level", three(), 4, "269.03", "269.02"),
        ("four flat", flat("3", RatePer::Month), 4, "280.00", "280.00"),
        ("w06", every(flat("10", RatePer::Term), 1, Unit::Week), 50, "22.00", "22.00"),
    ];
    for (name, terms, instalments, level, last) in cases {
        let totals = made(&terms, &contract("1000", instalments)).instalment_totals();
        assert_eq!((totals[0], totals[totals.len() - 1]), (amount(level), amount(last)), "{name}");
    }
}

/// A rate says the same whatever unit it is quoted in.
#[test]
fn units_of_a_rate() {
    let expected = made(&declining("24", RatePer::Year), &contract("12000", 12));
    for (percent, per) in [("2", RatePer::Month), ("24", RatePer::Term)] {
        assert_eq!(made(&declining(percent, per), &contract("12000", 12)), expected, "{per:?}");
    }
    let weekly = |percent, per| made(&every(declining(percent, per), 4, Unit::Week), &contract("12000", 13));
    let by_year = weekly("26", RatePer::Year);
    for (percent, per) in [("2", RatePer::FourWeeks), ("0.5", RatePer::Week), ("26", RatePer::Term)] {
        assert_eq!(weekly(percent, per), by_year, "{per:?}");
    }
    let by_day = made(&daily(declining("0.1", RatePer::Day), "actual/365"), &contract("12000", 12));
    assert_eq!(by_day, made(&daily(declining("36.5", RatePer::Year), "actual/365"), &contract("12000", 12)));
}

#[test]
fn zero_rate() {
    for terms in [declining("0", RatePer::Year), flat("0", RatePer::Year), equal_principal("0", RatePer::Year)] {
        let schedule = made(&terms, &contract("1000", 12));
        assert_eq!(schedule.interest(), Amount::ZERO);
        assert_eq!(schedule.instalment_totals()[10..], [amount("83.33"), amount("83.37")]);
    }
}

/// Interest of the first instalment: an odd first period by days, whole, and where it is none.
#[test]
fn the_first_period() {
    let monthly = || declining("24", RatePer::Year);
    let actual = || {
        let mut terms = monthly();
        terms.interest.day_count = "actual/365".parse().unwrap();
        terms
    };
    let whole = || {
        let mut terms = monthly();
        terms.interest.first_period = loans::terms::FirstPeriod::Whole;
        terms
    };
    let weekly = || every(monthly(), 1, Unit::Week);
    let cases = [
        ("a month", monthly(), "2026-01-10", "2026-02-10", "240.00"),
        ("a month and a half of 30 days each", monthly(), "2026-01-10", "2026-02-25", "360.00"),
        ("46 days of 365", actual(), "2026-01-10", "2026-02-25", "362.96"),
        ("46 days, charged as a period", whole(), "2026-01-10", "2026-02-25", "240.00"),
        ("half a month", monthly(), "2026-02-10", "2026-02-25", "120.00"),
        ("the end of January to that of February", actual(), "2026-01-31", "2026-02-28", "240.00"),
        ("the end of February to that of March", actual(), "2026-02-28", "2026-03-31", "240.00"),
        ("a week", weekly(), "2026-01-10", "2026-01-17", "55.38"),
        ("ten days of 360", weekly(), "2026-01-10", "2026-01-20", "80.00"),
    ];
    for (name, terms, disbursed_on, first_due_on, interest) in cases {
        let schedule = made(&terms, &contract_on("12000", 12, disbursed_on, first_due_on));
        assert_eq!(schedule.instalments[0].interest, amount(interest), "{name}");
    }
}

/// The whole term bears what a rate for the term says, however odd its first period.
#[test]
fn a_rate_for_the_term_is_charged_once() {
    let schedule = made(&flat("15", RatePer::Term), &contract_on("1000", 7, "2026-01-10", "2026-02-25"));
    assert_eq!(schedule.interest(), amount("150.00"));
    let by_days = made(&flat("24", RatePer::Year), &contract_on("1000", 6, "2026-01-10", "2026-02-25"));
    // Six months and a half of 2 %, in equal parts.
    assert_eq!((by_days.interest(), by_days.instalments[0].interest), (amount("130.00"), amount("21.67")));
}

#[test]
fn due_dates_keep_their_anchor() {
    let due = |schedule: Schedule| {
        schedule.instalments.iter().map(|instalment| instalment.due_on.to_string()).collect::<Vec<_>>().join(" ")
    };
    let monthly = declining("24", RatePer::Year);
    assert_eq!(due(made(&monthly, &contract("12000", 4))), "2026-02-28 2026-03-31 2026-04-30 2026-05-31");
    let first_on_30th = contract_on("12000", 3, "2026-01-05", "2026-01-30");
    assert_eq!(due(made(&monthly, &first_on_30th)), "2026-01-30 2026-02-28 2026-03-30");
    let quarterly = every(monthly.clone(), 3, Unit::Month);
    assert_eq!(due(made(&quarterly, &contract("12000", 3))), "2026-04-30 2026-07-31 2026-10-31");
    let ten_days = every(monthly, 10, Unit::Day);
    assert_eq!(due(made(&ten_days, &contract("12000", 3))), "2026-02-10 2026-02-20 2026-03-02");
}

/// Amounts that lie on a half minor unit exactly, though neither the rate nor the annuity factor has an end as a decimal.
#[test]
fn halves_are_rounded_up() {
    // One week at 24 % a year on 3.25 is 1.5 minor units.
    let weekly = every(declining("24", RatePer::Year), 1, Unit::Week);
    assert_eq!(made(&weekly, &contract("3.25", 1)).interest(), amount("0.02"));
    // 25.25 × 1.02² / 2.02 = 13.005.
    let monthly = declining("2", RatePer::Month);
    assert_eq!(made(&monthly, &contract("25.25", 2)).instalment_totals(), [amount("13.01"), amount("13.01")]);
    let down = rounded(monthly, "0.01", RoundingMode::Down);
    assert_eq!(made(&down, &contract("25.25", 2)).instalment_totals(), [amount("13.00"), amount("13.02")]);
}

#[test]
fn instalments_for_which_nothing_is_left_are_dropped() {
    // 1,000 × 12 at 83.33, up to 100: ten instalments of 100 and none left for two.
    let up = rounded(declining("0", RatePer::Year), "100", RoundingMode::Up);
    assert_eq!(made(&up, &contract("1000", 12)).instalment_totals(), [amount("100"); 10]);
    let flat_up = rounded(flat("24", RatePer::Year), "120", RoundingMode::Up);
    let schedule = made(&flat_up, &contract("1000", 12));
    assert_eq!(schedule.instalments.len(), 11);
    assert_eq!((schedule.interest(), schedule.instalment_totals()[10]), (amount("240.00"), amount("40.00")));
    assert_eq!(made(&equal_principal("0", RatePer::Year), &contract("0.07", 12)).instalments.len(), 7);
}

/// Flat interest of 1,040 minor units in 100 equal parts half up: 10 each, and the last takes the rest; of 60 in 100 parts,
/// 1 each until none is left.
#[test]
fn equal_parts_never_exceed_the_whole() {
    let totals = made(&flat("0.6", RatePer::Term), &contract("100", 100));
    assert_eq!(totals.interest(), amount("0.60"));
    assert!(totals.instalments.iter().all(|instalment| !instalment.interest.is_negative()));
    assert_eq!(totals.instalments[99].total(), amount("1.00") - amount("0.39"));
}
