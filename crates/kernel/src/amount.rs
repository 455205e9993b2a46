//! An amount of money: whole minor units of a currency that the context names.
//!
//! Integers, because a posted amount never has a fraction of a minor unit; where a calculation has one it is a `Decimal`,
//! and it becomes an `Amount` only through [`Amount::round_half_up`]. Arithmetic that overflows stops the program's current
//! command (overflow checks are on in release), it never wraps.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::currency::Currency;

/// Whole minor units (cents, or whole units where a currency has no decimals), signed.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(i64);

/// Why a text is not an amount of a currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("an amount is a decimal string such as \"1250.00\": digits, at most one point, no commas or spaces")]
    Malformed,
    #[error("{currency} has {decimals} decimals; an amount cannot be finer than that")]
    TooFine { currency: Currency, decimals: u32 },
    #[error("the amount is larger than any that can be booked")]
    TooLarge,
}

impl Amount {
    pub const ZERO: Amount = Amount(0);

    /// The largest amount that a request may name: 10^15 minor units. Below it no sum, interest product or accrual of one
    /// contract can leave 64 bits.
    pub const LIMIT: Amount = Amount(1_000_000_000_000_000);

    pub const fn of_minor(minor: i64) -> Amount {
        Amount(minor)
    }

    pub const fn minor(self) -> i64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub fn abs(self) -> Amount {
        Amount(self.0.abs())
    }

    /// This amount, or zero where it is negative.
    pub fn or_zero(self) -> Amount {
        self.max(Amount::ZERO)
    }

    /// Reads a decimal string in a currency; see [`PlainAmount`](crate::plain_amount::PlainAmount) for its form.
    pub fn parse(text: &str, currency: Currency) -> Result<Amount, AmountError> {
        crate::plain_amount::PlainAmount::parse(text)?.in_currency(currency)
    }

    /// The decimal string with exactly the currency's decimals: `-1250.00`, or `1250` for a currency without.
    pub fn format(self, currency: Currency) -> String {
        let decimals = currency.decimals() as usize;
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = self.0.unsigned_abs().to_string();
        if decimals == 0 {
            return format!("{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = padded.split_at(padded.len() - decimals);
        format!("{sign}{whole}.{fraction}")
    }

    /// The minor units as a decimal, for a calculation that has fractions of them.
    pub fn to_decimal(self) -> Decimal {
        Decimal::from(self.0)
    }

    /// The one way back from a calculation: whole minor units, a half goes away from zero (2008/48/EC Annex I remark (d)
    /// rounds so). `None` beyond 64 bits.
    pub fn round_half_up(minor: Decimal) -> Option<Amount> {
        use rust_decimal::prelude::ToPrimitive;
        minor.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero).to_i64().map(Amount)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} minor", self.0)
    }
}

impl Add for Amount {
    type Output = Amount;
    fn add(self, other: Amount) -> Amount {
        Amount(self.0 + other.0)
    }
}

impl Sub for Amount {
    type Output = Amount;
    fn sub(self, other: Amount) -> Amount {
        Amount(self.0 - other.0)
    }
}

impl Neg for Amount {
    type Output = Amount;
    fn neg(self) -> Amount {
        Amount(-self.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Amount) {
        *self = *self + other;
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Amount) {
        *self = *self - other;
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn amounts_are_read_to_the_minor_unit() {
        let cases = [
            ("0", "KES", 0),
            ("1250.00", "KES", 125_000),
            ("1250.5", "KES", 125_050),
            ("-0.01", "KES", -1),
            ("0.0100", "KES", 1),
            ("1250", "JPY", 1_250),
            ("1250.00", "JPY", 1_250),
            ("1.234", "KWD", 1_234),
            ("-0", "KES", 0),
        ];
        for (text, code, minor) in cases {
            assert_eq!(Amount::parse(text, currency(code)), Ok(Amount(minor)), "{text} {code}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in ["", "-", ".5", "5.", "01", "1,000.00", "1e3", " 1", "+1", "\u{661}"] {
            assert_eq!(Amount::parse(text, currency("KES")), Err(AmountError::Malformed), "{text}");
        }
        assert!(matches!(Amount::parse("0.001", currency("KES")), Err(AmountError::TooFine { .. })));
        assert!(matches!(Amount::parse("0.5", currency("JPY")), Err(AmountError::TooFine { .. })));
    }

    #[test]
    fn a_half_goes_away_from_zero() {
        for (text, minor) in [("0.5", 1), ("1.5", 2), ("2.5", 3), ("-0.5", -1), ("0.49", 0)] {
            assert_eq!(Amount::round_half_up(text.parse().unwrap()), Some(Amount(minor)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(minor in -1_000_000_000_000_000_i64..=1_000_000_000_000_000, code in "KES|JPY|KWD") {
            let currency = currency(&code);
            prop_assert_eq!(Amount::parse(&Amount(minor).format(currency), currency), Ok(Amount(minor)));
        }
    }
}
