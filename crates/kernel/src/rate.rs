//! A percentage as text, the way requests and stored terms carry it: a decimal string, never a JSON number, because a
//! number passes through binary floats on its way.
//!
//! Use as `#[serde(with = "kernel::rate")]`. What a rate is *per*, and which rates are allowed, is the terms' matter.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de};

/// The text is not a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a percentage is a decimal string such as \"24\" or \"1.75\": digits, at most one point, at most 12 decimals")]
pub struct MalformedRate;

/// Reads `-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?`, keeping the decimals as written.
pub fn parse(text: &str) -> Result<Decimal, MalformedRate> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) if (1..=12).contains(&fraction.len()) => (whole, fraction),
        Some(_) => return Err(MalformedRate),
        None => (digits, ""),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    if whole.is_empty() || whole.len() > 15 || leading_zero || !all_digits(whole) || !all_digits(fraction) {
        return Err(MalformedRate);
    }
    text.parse().map_err(|_| MalformedRate)
}

pub fn serialize<S: Serializer>(percent: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(percent)
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_read_as_it_is_written() {
        for text in ["0", "24", "24.00", "1.75", "0.000000000001", "-1", "999999999999999.999999999999"] {
            assert_eq!(parse(text).map(|percent| percent.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_is_no_percentage_is_refused() {
        for text in ["", "-", "+1", ".5", "5.", "01", "1e2", "1_000", "1,5", " 1", "24%", "0.0000000000001", "\u{661}"]
        {
            assert_eq!(parse(text), Err(MalformedRate), "{text}");
        }
    }
}
