//! The loan products: one of each shape that the calculator knows.

use kernel::currency::Currency;
use kernel::day_count::DayCount;
use loans::actions::offer_product::OfferProduct;
use loans::product::{Charge, Limits, Price, Withhold};
use loans::terms::{
    Allocation, Amortization, AmortizationMethod, Basis, Calculation, ENGINE, FirstPeriod, Frequency, Interest,
    InterestMethod, Rate, RatePer, Rounding, RoundingMode, SettlementRebate, Terms, Unit,
};
use rust_decimal::Decimal;

use crate::demo::id;
use crate::demo::institution::units;

/// A product with how it sells.
#[derive(Debug)]
pub struct Offer {
    pub command: OfferProduct,
    /// Of a hundred loans.
    pub share: u32,
    /// Of a hundred persons who take it.
    pub women_percent: u32,
    /// Of a hundred clients who take it.
    pub organisations_percent: u32,
    /// What is lent, in steps: (least, most, step) in whole units.
    pub lent: (i64, i64, i64),
    /// Over how many instalments.
    pub instalments: &'static [u32],
}

pub fn offers(currency: Currency) -> [Offer; 4] {
    [business(currency), group(currency), farm(currency), emergency(currency)]
}

/// Declining balance, level monthly instalments, a fee of 2 %.
fn business(currency: Currency) -> Offer {
    let limits = (20_000, 1_000_000, 3, 24);
    Offer {
        command: OfferProduct {
            charges: vec![fee(Price::Percent(Decimal::from(2)))],
            ..product(currency, 0, "BIASHARA", "Biashara business loan", limits, terms(currency, Unit::Month, 32))
        },
        share: 34,
        women_percent: 62,
        organisations_percent: 14,
        lent: (60_000, 480_000, 10_000),
        instalments: &[6, 9, 12, 12, 15, 18],
    }
}

/// Flat, weekly, with compulsory savings: the shape of group loans.
fn group(currency: Currency) -> Offer {
    let weekly = terms(currency, Unit::Week, 18);
    let flat = Terms { interest: Interest { method: InterestMethod::Flat, ..weekly.interest }, ..weekly };
    let limits = (5_000, 150_000, 8, 52);
    Offer {
        command: OfferProduct {
            charges: vec![fee(Price::AmountMinor(units(currency, 300)))],
            withholds: vec![Withhold { price: Price::Percent(Decimal::from(10)) }],
            ..product(currency, 1, "CHAMA", "Chama group loan", limits, flat)
        },
        share: 38,
        women_percent: 91,
        organisations_percent: 0,
        lent: (15_000, 90_000, 5_000),
        instalments: &[16, 20, 24, 32, 40],
    }
}

/// Declining balance, equal parts of principal, a fee of 1.5 %.
fn farm(currency: Currency) -> Offer {
    let monthly = terms(currency, Unit::Month, 28);
    let equal_principal =
        Terms { amortization: Amortization { method: AmortizationMethod::EqualPrincipal }, ..monthly };
    let limits = (10_000, 500_000, 3, 18);
    Offer {
        command: OfferProduct {
            charges: vec![fee(Price::Percent(Decimal::new(15, 1)))],
            ..product(currency, 2, "KILIMO", "Kilimo farm loan", limits, equal_principal)
        },
        share: 16,
        women_percent: 55,
        organisations_percent: 10,
        lent: (40_000, 260_000, 10_000),
        instalments: &[4, 6, 8, 10, 12],
    }
}

/// Interest by the day, short, without a fee.
fn emergency(currency: Currency) -> Offer {
    let monthly = terms(currency, Unit::Month, 36);
    let interest =
        Interest { calculation: Calculation::Daily, day_count: DayCount::Actual365, ..monthly.interest.clone() };
    let limits = (5_000, 100_000, 1, 9);
    Offer {
        command: product(currency, 3, "DHARURA", "Dharura emergency loan", limits, Terms { interest, ..monthly }),
        share: 12,
        women_percent: 66,
        organisations_percent: 0,
        lent: (10_000, 60_000, 2_500),
        instalments: &[2, 3, 4, 6],
    }
}

/// Declining balance and level instalments, rounded up to ten units, at a rate in percent per year.
fn terms(currency: Currency, unit: Unit, percent: i64) -> Terms {
    Terms {
        frequency: Frequency { every: 1, unit },
        interest: Interest {
            method: InterestMethod::Declining,
            rate: Rate { percent: Decimal::from(percent), per: RatePer::Year },
            calculation: Calculation::default(),
            day_count: DayCount::default(),
            first_period: FirstPeriod::default(),
        },
        amortization: Amortization::default(),
        rounding: Some(Rounding { instalment_multiple: units(currency, 10), mode: RoundingMode::Up }),
        allocation: Allocation::default(),
        settlement_rebate: SettlementRebate::default(),
        non_accrual_days: 90,
        basis: Basis::default(),
        engine: ENGINE,
    }
}

fn product(
    currency: Currency,
    index: usize,
    code: &str,
    name: &str,
    (least, most, instalments_fewest, instalments_most): (i64, i64, u32, u32),
    terms: Terms,
) -> OfferProduct {
    OfferProduct {
        id: id("product", index),
        code: code.to_owned(),
        name: name.to_owned(),
        currency,
        terms,
        limits: Limits {
            principal_least: units(currency, least),
            principal_most: units(currency, most),
            instalments_fewest,
            instalments_most,
        },
        charges: Vec::new(),
        withholds: Vec::new(),
        accounting: Vec::new(),
    }
}

fn fee(price: Price) -> Charge {
    Charge { name: "Processing fee".to_owned(), price }
}
