//! What holds of every schedule, whatever the terms, and that the naive calculator agrees to the minor unit.

use chrono::Days;
use kernel::amount::Amount;
use kernel::day_count::DayCount;
use loans::schedule::{Instalment, Schedule, schedule};
use loans::terms::{
    AmortizationMethod, Calculation, Contract, FirstPeriod, Frequency, InterestMethod, Rate, RatePer, Rounding,
    RoundingMode, Terms, Unit,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::naive;
use crate::support::{date, declining};

fn any_rate() -> impl Strategy<Value = Rate> {
    // At most some 60 % a year, in hundred-thousandths of a percent or as whole percents.
    let most = |per| match per {
        RatePer::Year => 60,
        RatePer::Month | RatePer::FourWeeks => 5,
        RatePer::Week | RatePer::Day => 1,
        RatePer::Term => 100,
    };
    let units = vec![RatePer::Year, RatePer::Month, RatePer::FourWeeks, RatePer::Week, RatePer::Day, RatePer::Term];
    (prop::sample::select(units), 0..100_000_i64, any::<bool>()).prop_map(move |(per, part, whole)| {
        let fine = Decimal::new(most(per) * part, 5);
        let percent = if whole { fine.round() } else { fine };
        Rate { percent: if per == RatePer::Day { percent / Decimal::TEN } else { percent }, per }
    })
}

fn any_frequency() -> impl Strategy<Value = Frequency> {
    prop_oneof![
        (1..31_u32).prop_map(|every| Frequency { every, unit: Unit::Day }),
        (1..9_u32).prop_map(|every| Frequency { every, unit: Unit::Week }),
        (1..13_u32).prop_map(|every| Frequency { every, unit: Unit::Month }),
        Just(Frequency { every: 1, unit: Unit::Month }),
    ]
}

fn any_rounding() -> impl Strategy<Value = Option<Rounding>> {
    let multiple = prop::sample::select(vec![1, 5, 7, 10, 100, 500, 1_000, 5_000, 10_000]).prop_map(Amount::of_minor);
    let mode = prop::sample::select(vec![RoundingMode::Nearest, RoundingMode::Up, RoundingMode::Down]);
    prop::option::of((multiple, mode).prop_map(|(instalment_multiple, mode)| Rounding { instalment_multiple, mode }))
}

prop_compose! {
    fn any_terms()(
        rate in any_rate(),
        frequency in any_frequency(),
        rounding in any_rounding(),
        kind in 0..5,
        day_count in prop::sample::select(DayCount::ALL.to_vec()),
        whole in any::<bool>(),
    ) -> Terms {
        let mut terms = declining("0", RatePer::Year);
        terms.frequency = frequency;
        terms.rounding = rounding;
        terms.interest.rate = rate;
        terms.interest.day_count = day_count;
        terms.interest.method = if kind == 0 { InterestMethod::Flat } else { InterestMethod::Declining };
        terms.interest.calculation = if kind > 2 { Calculation::Daily } else { Calculation::PerPeriod };
        terms.interest.first_period = if whole { FirstPeriod::Whole } else { FirstPeriod::ByDays };
        terms.amortization.method =
            if kind % 2 == 0 { AmortizationMethod::EqualInstalments } else { AmortizationMethod::EqualPrincipal };
        terms
    }
}

prop_compose! {
    fn any_contract()(
        principal in prop_oneof![1..100_i64, 100..100_000_i64, 100_000..10_000_000_000_i64],
        instalments in prop_oneof![1..4_u32, 1..41_u32],
        day in 0..40_000_u64,
        first_due_in in prop::option::of(1..100_u64),
    ) -> Contract {
        let disbursed_on = date("1960-01-01") + Days::new(day);
        Contract {
            principal: Amount::of_minor(principal),
            instalments,
            disbursed_on,
            first_due_on: first_due_in.map(|days| disbursed_on + Days::new(days)),
        }
    }
}

fn check_invariants(terms: &Terms, contract: &Contract, schedule: &Schedule) -> Result<(), TestCaseError> {
    let instalments = &schedule.instalments;
    prop_assert!(!instalments.is_empty() && instalments.len() <= contract.instalments as usize);
    prop_assert_eq!(schedule.principal(), contract.principal);
    prop_assert_eq!(schedule.interest(), schedule.total() - contract.principal);
    let (mut balance, mut from) = (contract.principal, contract.disbursed_on);
    for (instalment, number) in instalments.iter().zip(1_u32..) {
        prop_assert_eq!((instalment.number, instalment.from), (number, from));
        prop_assert!(instalment.due_on > instalment.from);
        prop_assert!(!instalment.principal.is_negative() && !instalment.interest.is_negative());
        prop_assert!(instalment.total().is_positive());
        balance -= instalment.principal;
        prop_assert_eq!(instalment.balance, balance);
        prop_assert!(!balance.is_negative());
        from = instalment.due_on;
    }
    prop_assert_eq!(balance, Amount::ZERO);
    let totals = schedule.instalment_totals();
    let (last, others) = totals.split_last().unwrap();
    if terms.amortization.method == AmortizationMethod::EqualInstalments
        || terms.interest.method == InterestMethod::Flat
    {
        prop_assert!(others.windows(2).all(|pair| pair[0] == pair[1]));
        if let (Some(rounding), Some(level)) = (terms.rounding, others.first()) {
            prop_assert_eq!(level.minor() % rounding.instalment_multiple.minor(), 0);
            prop_assert!(last.minor() * 2 <= level.minor() * 3);
        }
    } else {
        prop_assert!(instalments.windows(2).rev().skip(1).all(|pair| pair[0].principal == pair[1].principal));
    }
    Ok(())
}

/// Combinations that are refused before anything is calculated are not of interest here.
fn is_valid(terms: &Terms) -> bool {
    terms.validate().is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_invariants_hold(terms in any_terms().prop_filter("valid", is_valid), contract in any_contract()) {
        if let Ok(made) = schedule(&terms, &contract) {
            check_invariants(&terms, &contract, &made)?;
            prop_assert_eq!(schedule(&terms, &contract), Ok(made));
        }
    }

    #[test]
    fn the_naive_calculator_agrees(terms in any_terms().prop_filter("valid", is_valid), contract in any_contract()) {
        let expected = naive::schedule(&terms, &contract);
        let made = schedule(&terms, &contract).map_err(|error| error.code()).map(|made| {
            let row = |made: &Instalment| {
                let [principal, interest, balance] = [made.principal, made.interest, made.balance].map(Amount::minor);
                (made.from, made.due_on, principal, interest, balance)
            };
            made.instalments.iter().map(row).collect::<Vec<naive::Row>>()
        });
        prop_assert_eq!(made, expected);
    }

    /// By 30/360 every month is a month, so interest by days and by period are one.
    #[test]
    fn months_of_thirty_days_are_periods(
        mut terms in any_terms().prop_filter("declining", |terms| terms.interest.method == InterestMethod::Declining),
        mut contract in any_contract(),
        day in 1..28_u32,
    ) {
        contract.disbursed_on = chrono::Datelike::with_day(&contract.disbursed_on, day).unwrap();
        contract.first_due_on = None;
        terms.frequency.unit = Unit::Month;
        terms.frequency.every = terms.frequency.every.min(12);
        terms.interest.day_count = DayCount::Thirty360;
        terms.interest.calculation = Calculation::PerPeriod;
        let by_period = schedule(&terms, &contract);
        terms.interest.calculation = Calculation::Daily;
        prop_assert_eq!(by_period, schedule(&terms, &contract));
    }

    /// Whatever is asked for, an answer comes: no overflow, no division by zero.
    #[test]
    fn any_input_has_an_answer(
        terms in any_terms(),
        mut contract in any_contract(),
        percent in (0..=1_000_000_000_000_000_u64, 0..13_u32),
        every in 0..400_u32,
        instalments in 0..1_002_u32,
        principal in prop_oneof![any::<i64>(), 1..=Amount::LIMIT.minor(), 1..100_i64],
    ) {
        let mut terms = terms;
        terms.interest.rate.percent = Decimal::from_i128_with_scale(i128::from(percent.0), percent.1);
        terms.frequency.every = every;
        contract.instalments = instalments;
        contract.principal = Amount::of_minor(principal);
        if let Ok(made) = schedule(&terms, &contract) {
            check_invariants(&terms, &contract, &made)?;
            let _ = loans::disclosure::disclosure(&terms, &contract, &made, Amount::ZERO);
            let _ = loans::disclosure::true_periodic_rate(contract.principal, &made.instalment_totals());
        }
    }
}
