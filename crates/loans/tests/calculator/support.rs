//! Terms and loans for the tests, as short as a banker would say them. Amounts are in minor units of a currency with two
//! decimals.

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::currency::Currency;
use loans::schedule::{Schedule, schedule};
use loans::terms::{
    Allocation, Amortization, AmortizationMethod, Calculation, Contract, ENGINE, FirstPeriod, Frequency, Interest,
    InterestMethod, Rate, RatePer, Rounding, RoundingMode, SettlementRebate, Terms, Unit,
};

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn currency() -> Currency {
    "KES".parse().unwrap()
}

pub fn amount(text: &str) -> Amount {
    Amount::parse(text, currency()).unwrap()
}

/// Monthly level instalments on the declining balance.
pub fn declining(percent: &str, per: RatePer) -> Terms {
    Terms {
        frequency: Frequency { every: 1, unit: Unit::Month },
        interest: Interest {
            method: InterestMethod::Declining,
            rate: Rate { percent: percent.parse().unwrap(), per },
            calculation: Calculation::default(),
            day_count: kernel::day_count::DayCount::default(),
            first_period: FirstPeriod::default(),
        },
        amortization: Amortization::default(),
        rounding: None,
        allocation: Allocation::default(),
        settlement_rebate: SettlementRebate::default(),
        non_accrual_days: 90,
        basis: Default::default(),
        engine: ENGINE,
    }
}

pub fn flat(percent: &str, per: RatePer) -> Terms {
    let mut terms = declining(percent, per);
    terms.interest.method = InterestMethod::Flat;
    terms
}

pub fn equal_principal(percent: &str, per: RatePer) -> Terms {
    let mut terms = declining(percent, per);
    terms.amortization.method = AmortizationMethod::EqualPrincipal;
    terms
}

pub fn every(mut terms: Terms, every: u32, unit: Unit) -> Terms {
    terms.frequency = Frequency { every, unit };
    terms
}

pub fn rounded(mut terms: Terms, multiple: &str, mode: RoundingMode) -> Terms {
    terms.rounding = Some(Rounding { instalment_multiple: amount(multiple), mode });
    terms
}

pub fn daily(mut terms: Terms, day_count: &str) -> Terms {
    terms.interest.calculation = Calculation::Daily;
    terms.interest.day_count = day_count.parse().unwrap();
    terms
}

/// Paid out on 31 January 2026, the first instalment a period later.
pub fn contract(principal: &str, instalments: u32) -> Contract {
    Contract { principal: amount(principal), instalments, disbursed_on: date("2026-01-31"), first_due_on: None }
}

pub fn contract_on(principal: &str, instalments: u32, disbursed_on: &str, first_due_on: &str) -> Contract {
    Contract {
        principal: amount(principal),
        instalments,
        disbursed_on: date(disbursed_on),
        first_due_on: Some(date(first_due_on)),
    }
}

pub fn made(terms: &Terms, contract: &Contract) -> Schedule {
    schedule(terms, contract).unwrap()
}
