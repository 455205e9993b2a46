//! An amount as it was written in a request, before its currency is known.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

use crate::amount::{Amount, AmountError};
use crate::currency::Currency;

/// A decimal string of the right form: `-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlainAmount(Decimal);

/// The JSON pattern of an amount, for the API's schema.
pub const PATTERN: &str = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?$";

impl PlainAmount {
    pub fn parse(text: &str) -> Result<PlainAmount, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match digits.split_once('.') {
            Some((whole, fraction)) if (1..=4).contains(&fraction.len()) => (whole, fraction),
            Some(_) => return Err(AmountError::Malformed),
            None => (digits, ""),
        };
        let leading_zero = whole.len() > 1 && whole.starts_with('0');
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 15 || leading_zero || !all_digits(whole) || !all_digits(fraction) {
            return Err(AmountError::Malformed);
        }
        text.parse().map(PlainAmount).map_err(|_| AmountError::Malformed)
    }

    /// The amount in whole minor units; refused where it is finer than the currency or larger than what is booked.
    pub fn in_currency(self, currency: Currency) -> Result<Amount, AmountError> {
        let minor = self.0 * Decimal::from(currency.minor_per_unit());
        if minor != minor.trunc() {
            return Err(AmountError::TooFine { currency, decimals: currency.decimals() });
        }
        match Amount::round_half_up(minor) {
            Some(amount) if amount.abs() <= Amount::LIMIT => Ok(amount),
            _ => Err(AmountError::TooLarge),
        }
    }

    pub fn is_positive(self) -> bool {
        self.0 > Decimal::ZERO
    }
}

impl<'de> Deserialize<'de> for PlainAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PlainAmount::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_in_its_currency() {
        let cases = [
            ("1250.00", "KES", Some(125_000)),
            ("0.0100", "KES", Some(1)),
            ("0.001", "KES", None),
            ("5.0", "JPY", Some(5)),
        ];
        for (text, code, minor) in cases {
            let read = PlainAmount::parse(text).unwrap().in_currency(code.parse().unwrap()).ok();
            assert_eq!(read.map(Amount::minor), minor, "{text} {code}");
        }
        assert_eq!(
            PlainAmount::parse("999999999999999").unwrap().in_currency("KES".parse().unwrap()),
            Err(AmountError::TooLarge)
        );
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "-", ".5", "5.", "01", "1,000", "1e400", "+1", " 1", "1.00000", "NaN", "1234567890123456"] {
            assert_eq!(PlainAmount::parse(text), Err(AmountError::Malformed), "{text}");
        }
    }
}
