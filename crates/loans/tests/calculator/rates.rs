//! What a loan truly costs: the rates of the worked cases, and what must hold of any.

use kernel::amount::Amount;
use loans::disclosure::{DisclosureError, disclosure, true_periodic_rate};
use loans::schedule::schedule;
use loans::terms::{RatePer, Terms, Unit};
use proptest::prelude::*;
use rust_decimal::{Decimal, MathematicalOps};

use crate::support::{amount, contract, contract_on, daily, declining, equal_principal, every, flat, made};

#[test]
fn rates_of_the_worked_cases() {
    let year = RatePer::Year;
    let month = RatePer::Month;
    let week = |terms: Terms| every(terms, 1, Unit::Week);
    let actual_days = |percent| {
        let mut terms = every(flat(percent, RatePer::Term), 1, Unit::Day);
        terms.interest.day_count = "actual/365".parse().unwrap();
        terms
    };
    let cases = [
        // name, terms, principal, instalments, deducted, APR, EIR
        ("w01", flat("2", month), "12000", 12, "0", "41.70", "50.67"),
        ("w02", declining("24", year), "12000", 12, "0", "24.00", "26.82"),
        ("w06", week(flat("10", RatePer::Term)), "5000", 50, "0", "19.78", "21.83"),
        ("w10", actual_days("20"), "1000", 100, "0", "136.20", "289.42"),
        ("w33", actual_days("10"), "30", 100, "0", "70.06", "101.36"),
        ("L1", declining("3", month), "1000", 12, "0", "36.00", "42.58"),
        ("L2", declining("3", month), "1000", 12, "20", "40.08", "48.33"),
        ("L4", flat("3", month), "1000", 12, "0", "60.96", "81.23"),
        ("L5", flat("3", month), "1000", 12, "20", "65.29", "88.84"),
        ("L10", flat("0", year), "1000", 12, "360", "91.64", "141.83"),
        ("L11", week(flat("36", year)), "1000", 52, "0", "64.02", "88.94"),
        // The last instalment takes the rounding, 269.02; with a fourth of 269.03 as in §2.8, APR and EIR end in a 1 and a 7.
        ("four level", declining("3", month), "1000", 4, "0", "36.00", "42.58"),
        ("four flat", flat("3", month), "1000", 4, "0", "56.31", "73.37"),
        ("four level and a fee", declining("3", month), "1000", 4, "30", "51.43", "65.46"),
        ("zero interest", declining("0", year), "1000", 12, "0", "0.00", "0.00"),
        // 1.06 a quarter; 1.02 a month, of which five make a period.
        ("quarterly", every(declining("24", year), 3, Unit::Month), "100000000", 8, "0", "24.00", "26.25"),
        ("half a power", every(declining("20", year), 24, Unit::Month), "100000000", 2, "0", "20.00", "18.32"),
        ("a root", every(declining("24", year), 5, Unit::Month), "100000000", 4, "0", "24.00", "25.70"),
    ];
    for (name, terms, principal, instalments, deducted, apr, eir) in cases {
        let contract = contract(principal, instalments);
        let rates = disclosure(&terms, &contract, &made(&terms, &contract), amount(deducted)).unwrap();
        assert_eq!((rates.apr_percent.to_string(), rates.eir_percent.to_string()), (apr.into(), eir.into()), "{name}");
    }
}

/// The periodic rates of the worked cases, to the places that were worked out.
#[test]
fn true_rates_of_the_worked_cases() {
    let cases = [
        ("w01", "12000", vec!["1240"; 12], 6, "0.034753"),
        ("w06", "5000", vec!["110"; 50], 6, "0.003804"),
        ("w10", "1000", vec!["12"; 100], 6, "0.003732"),
        ("w33", "30", vec!["0.33"; 100], 6, "0.001919"),
        ("w32", "11760", [vec!["1134.72"; 11], vec!["1134.67"]].concat(), 8, "0.02330522"),
        ("one payment", "100", vec!["110"], 20, "0.1"),
        ("double", "100", vec!["0", "0", "800"], 20, "1"),
        ("a thousandfold", "1", vec!["1000"], 20, "999"),
        ("nothing", "100", vec!["60", "40"], 20, "0"),
    ];
    for (name, principal, payments, places, rate) in cases {
        let payments: Vec<Amount> = payments.into_iter().map(amount).collect();
        let found = true_periodic_rate(amount(principal), &payments).unwrap().round_dp(places);
        assert_eq!(found.normalize().to_string(), rate, "{name}");
    }
}

#[test]
fn there_is_no_true_rate_where_less_is_repaid() {
    assert_eq!(true_periodic_rate(amount("100"), &[amount("99.99")]), None);
    assert_eq!(true_periodic_rate(Amount::ZERO, &[amount("1")]), None);
    assert_eq!(true_periodic_rate(amount("100"), &[]), None);
}

/// An odd first period: interest by days is simple, so a fraction of a period leaves the contract's rate as it is, and
/// whole periods before the first instalment compound.
#[test]
fn rates_of_an_odd_first_period() {
    let cases = [
        ("half a month", "2026-02-10", "2026-02-25", "24.00"),
        // 1.5 months at 3 %, disclosed as 1 month and half a one, compounding once.
        ("a month and a half", "2026-01-10", "2026-02-25", "23.96"),
        ("four months", "2026-01-10", "2026-05-10", "23.70"),
    ];
    for (name, disbursed_on, first_due_on, apr) in cases {
        let terms = declining("24", RatePer::Year);
        let contract = contract_on("1000000", 12, disbursed_on, first_due_on);
        let rates = disclosure(&terms, &contract, &made(&terms, &contract), Amount::ZERO).unwrap();
        assert_eq!(rates.apr_percent.to_string(), apr, "{name}");
    }
}

#[test]
fn what_can_not_be_told() {
    let terms = declining("24", RatePer::Year);
    let loan = contract("1000", 12);
    let told =
        |deducted| disclosure(&terms, &loan, &made(&terms, &loan), amount(deducted)).map_err(|error| error.code());
    assert_eq!(told("1000"), Err("disclosure.nothing_advanced"));
    assert_eq!(told("1000.01"), Err("disclosure.nothing_advanced"));
    assert_eq!(told("999.99"), Err("disclosure.rate_too_high"));
    assert!(told("990").is_ok());
    let daily = every(equal_principal("1000", RatePer::Day), 1, Unit::Day);
    let rates = disclosure(&daily, &loan, &made(&daily, &loan), Amount::ZERO);
    assert_eq!(rates, Err(DisclosureError::RateTooHigh));
}

proptest! {
    /// At the rate found, the payments are worth the advance, to a hundredth of a minor unit.
    #[test]
    fn the_rate_solves_its_equation(
        runs in prop::collection::vec((0..100_000_000_i64, prop_oneof![Just(1_usize), 1..40_usize]), 1..30),
        part in prop_oneof![1..100_i64, Just(100)],
    ) {
        let payments: Vec<i64> = runs.into_iter().flat_map(|(payment, times)| vec![payment; times]).collect();
        let total: i64 = payments.iter().sum();
        prop_assume!(total >= 100);
        let principal = total / 100 * part;
        let payments: Vec<Amount> = payments.into_iter().map(Amount::of_minor).collect();
        let rate = true_periodic_rate(Amount::of_minor(principal), &payments).unwrap();
        prop_assert!(rate >= Decimal::ZERO && rate.scale() <= 20);
        let worth: Decimal = payments.iter().enumerate().map(|(before, payment)| {
            payment.to_decimal() / (Decimal::ONE + rate).checked_powu(before as u64 + 1).unwrap_or(Decimal::MAX)
        }).sum();
        prop_assert!((worth - Decimal::from(principal)).abs() < Decimal::new(1, 2), "{rate} makes {worth}");
    }

    /// A declining loan without charges costs what it says, to a hundredth of a point.
    #[test]
    fn the_nominal_rate_is_the_contract_rate(
        percent in 0..20_000_i64,
        step in 1..13_u32,
        unit in prop::sample::select(vec![Unit::Day, Unit::Week, Unit::Month]),
        instalments in 1..120_u32,
        level in any::<bool>(),
    ) {
        let percent = Decimal::new(percent, 2);
        let text = percent.to_string();
        let terms = if level { declining(&text, RatePer::Year) } else { equal_principal(&text, RatePer::Year) };
        let terms = every(terms, step, unit);
        let contract = contract("10000000", instalments);
        // Of a steep rate, the level instalment may be no more than the first interest.
        let Ok(schedule) = schedule(&terms, &contract) else { return Err(TestCaseError::reject("no schedule")) };
        let rates = disclosure(&terms, &contract, &schedule, Amount::ZERO).unwrap();
        prop_assert!((rates.apr_percent - percent).abs() <= Decimal::new(1, 2), "{} for {percent}", rates.apr_percent);
        prop_assert!(rates.eir_percent >= rates.apr_percent || step > 12 || unit == Unit::Month && step == 12);
    }

    /// What is deducted makes a loan dearer, never cheaper.
    #[test]
    fn charges_raise_the_rate(deducted in 1..90_000_i64, instalments in 1..60_u32) {
        let terms = daily(declining("24", RatePer::Year), "actual/365");
        let contract = contract("1000", instalments);
        let schedule = made(&terms, &contract);
        let rate = |deducted| disclosure(&terms, &contract, &schedule, Amount::of_minor(deducted)).unwrap().periodic_rate;
        prop_assert!(rate(deducted) > rate(deducted - 1));
    }
}
