//! A loan product: terms, limits, what is charged and kept back. A version never changes; a loan keeps its own copy.

use chrono::{DateTime, Utc};
use kernel::amount::Amount;
use kernel::currency::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::terms::Terms;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub currency: Currency,
    pub terms: Terms,
    pub limits: Limits,
    pub charges: Vec<Charge>,
    pub withholds: Vec<Withhold>,
    pub created_at: DateTime<Utc>,
    pub version: i64,
}

/// Inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub principal_least: Amount,
    pub principal_most: Amount,
    pub instalments_fewest: u32,
    pub instalments_most: u32,
}

/// A fee that is kept back from the disbursement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    pub name: String,
    #[serde(flatten)]
    pub price: Price,
}

/// What is kept back from the disbursement and stays the client's: compulsory savings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withhold {
    #[serde(flatten)]
    pub price: Price,
}

/// A fixed amount, or a percentage of the principal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Price {
    AmountMinor(Amount),
    #[serde(with = "kernel::rate")]
    Percent(Decimal),
}

impl Price {
    /// In whole minor units, half-up. `None` beyond what can be booked.
    pub fn of(self, principal: Amount) -> Option<Amount> {
        match self {
            Price::AmountMinor(amount) => Some(amount),
            Price::Percent(percent) => {
                let share = principal.to_decimal().checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?;
                Amount::round_half_up(share).filter(|amount| *amount <= Amount::LIMIT)
            }
        }
    }
}

/// What a disbursement keeps back: (fees, withheld). `None` where that is not less than the principal.
pub fn kept_back(charges: &[Charge], withholds: &[Withhold], principal: Amount) -> Option<(Amount, Amount)> {
    let fees = sum(charges.iter().map(|charge| charge.price), principal)?;
    let withheld = sum(withholds.iter().map(|withhold| withhold.price), principal)?;
    (fees + withheld < principal).then_some((fees, withheld))
}

fn sum(prices: impl Iterator<Item = Price>, principal: Amount) -> Option<Amount> {
    let mut sum = Amount::ZERO;
    for price in prices {
        sum += price.of(principal)?;
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(text: &str) -> Price {
        Price::Percent(text.parse().unwrap())
    }

    #[test]
    fn what_is_kept_back() {
        let charge = |price| Charge { name: "fee".into(), price };
        let cases = [
            (vec![charge(percent("2"))], vec![], 1_200_000, Some((24_000, 0))),
            (
                vec![charge(Price::AmountMinor(Amount::of_minor(500)))],
                vec![Withhold { price: percent("10") }],
                1_200_000,
                Some((500, 120_000)),
            ),
            (vec![charge(percent("2.5"))], vec![], 101, Some((3, 0))),
            (vec![charge(percent("50"))], vec![Withhold { price: percent("50") }], 1_000, None),
        ];
        for (charges, withholds, principal, kept) in cases {
            let expected = kept.map(|(fees, withheld)| (Amount::of_minor(fees), Amount::of_minor(withheld)));
            assert_eq!(kept_back(&charges, &withholds, Amount::of_minor(principal)), expected);
        }
    }

    #[test]
    fn a_price_is_stored_and_read_back() {
        for price in [percent("2.50"), Price::AmountMinor(Amount::of_minor(7))] {
            let charge = Charge { name: "fee".into(), price };
            let text = serde_json::to_string(&charge).unwrap();
            assert_eq!(serde_json::from_str::<Charge>(&text).unwrap(), charge, "{text}");
        }
    }
}
