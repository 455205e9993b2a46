//! A currency: its ISO 4217 code and how many decimals it is counted in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An ISO 4217 currency with its number of decimals (JPY 0, USD 2, KWD 3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    decimals: u8,
}

/// The text is not the code of a currency that money is kept in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not an ISO 4217 currency code such as KES or USD")]
pub struct UnknownCurrency(pub String);

impl Currency {
    /// How many digits stand behind the decimal point.
    pub fn decimals(self) -> u32 {
        u32::from(self.decimals)
    }

    /// Minor units in one unit: 100 for USD, 1 for JPY, 1,000 for KWD.
    pub fn minor_per_unit(self) -> i64 {
        10_i64.pow(self.decimals())
    }

    /// The three letters.
    pub fn code(&self) -> &str {
        // The code was ASCII when it was parsed; the empty string cannot be reached.
        std::str::from_utf8(&self.code).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        let unknown = || UnknownCurrency(text.chars().take(12).collect());
        let known = iso_currency::Currency::from_code(text).ok_or_else(unknown)?;
        // Units of account without minor units (gold, testing codes) hold no client's money.
        let decimals = known.exponent().ok_or_else(unknown)?;
        let code = <[u8; 3]>::try_from(text.as_bytes()).map_err(|_| unknown())?;
        Ok(Currency { code, decimals: u8::try_from(decimals).map_err(|_| unknown())? })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_knows_its_decimals() {
        for (code, decimals) in [("USD", 2), ("KES", 2), ("JPY", 0), ("UGX", 0), ("KWD", 3)] {
            assert_eq!(code.parse::<Currency>().unwrap().decimals(), decimals, "{code}");
        }
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for text in ["", "usd", "US", "USDD", "XAU", "ZZZ", "U\u{e9}"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
