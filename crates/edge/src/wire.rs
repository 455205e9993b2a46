//! Small types of the wire: dates and amounts as they are written in JSON.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::NaiveDate;
use kernel::amount::{Amount, AmountError};
use kernel::currency::Currency;
use kernel::plain_amount::{PATTERN, PlainAmount};
use kernel::text_enum::UnknownWord;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::problem::Problem;

/// The schema of a text.
pub fn text() -> ObjectBuilder {
    Object::builder().schema_type(Type::String)
}

/// A calendar day, ISO 8601, 1900-01-01 to 2199-12-31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(pub NaiveDate);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        kernel::date::parse(&text).map(Day).map_err(de::Error::custom)
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialSchema for Day {
    fn schema() -> RefOr<Schema> {
        text()
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .description(Some("A calendar day, 1900-01-01 to 2199-12-31"))
            .into()
    }
}

impl ToSchema for Day {
    fn name() -> Cow<'static, str> {
        "Day".into()
    }
}

/// A decimal string in a currency that the context names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmountText(pub PlainAmount);

impl AmountText {
    /// The amount in minor units, or what is wrong with it at its place in the request.
    pub fn read(self, currency: Currency, pointer: &str) -> Result<Amount, Problem> {
        self.0.in_currency(currency).map_err(|error| amount_problem(&error, pointer))
    }
}

/// What an amount that was refused reads like.
pub fn amount_problem(error: &AmountError, pointer: &str) -> Problem {
    let code = match error {
        AmountError::Malformed => "amount.malformed",
        AmountError::TooFine { .. } => "amount.too_fine",
        AmountError::TooLarge => "amount.too_large",
    };
    Problem::new(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string()).at(
        pointer,
        code,
        error.to_string(),
    )
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PlainAmount::deserialize(deserializer).map(AmountText)
    }
}

impl PartialSchema for AmountText {
    fn schema() -> RefOr<Schema> {
        let description =
            "An amount of money: a decimal string, never a number; answers print exactly the currency's decimals";
        text().pattern(Some(PATTERN)).description(Some(description)).into()
    }
}

impl ToSchema for AmountText {
    fn name() -> Cow<'static, str> {
        "Amount".into()
    }
}

/// An ISO 4217 code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct CurrencyCode(pub Currency);

impl PartialSchema for CurrencyCode {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some("^[A-Z]{3}$")).description(Some("An ISO 4217 code")).into()
    }
}

impl ToSchema for CurrencyCode {
    fn name() -> Cow<'static, str> {
        "Currency".into()
    }
}

/// Texts that people read: 1 to 200 characters, not only spaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(pub String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let trimmed = text.trim();
        if trimmed.is_empty() || trimmed.chars().count() > 200 || trimmed.chars().any(char::is_control) {
            return Err(de::Error::custom("a name has 1 to 200 characters, on one line"));
        }
        Ok(Name(trimmed.to_owned()))
    }
}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        text().min_length(Some(1)).max_length(Some(200)).into()
    }
}

impl ToSchema for Name {
    fn name() -> Cow<'static, str> {
        "Name".into()
    }
}

/// Short codes and numbers that people choose: letters, digits, `-`, `_`, `.` and `/`, at most 40.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code(pub String);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
        if text.is_empty() || text.len() > 40 || !text.bytes().all(fits) {
            return Err(de::Error::custom("a code has 1 to 40 of the characters A-Z, a-z, 0-9, -, _, . and /"));
        }
        Ok(Code(text))
    }
}

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some("^[A-Za-z0-9._/-]{1,40}$")).into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        "Code".into()
    }
}

/// The id of a new record: the caller's (offline capture), which must be a v4 or v7 UUID, or a new one.
pub fn new_id(given: Option<uuid::Uuid>) -> Result<uuid::Uuid, Problem> {
    match given {
        None => Ok(uuid::Uuid::now_v7()),
        Some(id) if matches!(id.get_version_num(), 4 | 7) => Ok(id),
        Some(_) => Err(Problem::malformed("an id that you choose is a UUID of version 4 or 7").at(
            "/id",
            "field.invalid",
            "not a UUID of version 4 or 7",
        )),
    }
}

/// A word that may belong to a later version: refused with 422 where it is not known, so that a caller sees which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<T> {
    text: String,
    of: std::marker::PhantomData<T>,
}

impl<'de, T> Deserialize<'de> for Choice<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Choice { text, of: std::marker::PhantomData })
    }
}

impl<T: FromStr<Err = UnknownWord>> Choice<T> {
    pub fn read(&self, pointer: &str) -> Result<T, Problem> {
        self.text.parse().map_err(|error: UnknownWord| {
            let code = "terms.not_supported";
            Problem::new(actix_web::http::StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string()).at(
                pointer,
                code,
                error.to_string(),
            )
        })
    }
}

impl<T: FromStr<Err = UnknownWord> + Default> Choice<T> {
    pub fn read_or_default(given: Option<Choice<T>>, pointer: &str) -> Result<T, Problem> {
        given.map_or_else(|| Ok(T::default()), |choice| choice.read(pointer))
    }
}

/// A percentage: a decimal string such as "24" or "1.75".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(pub rust_decimal::Decimal);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        kernel::rate::deserialize(deserializer).map(Percent)
    }
}

impl PartialSchema for Percent {
    fn schema() -> RefOr<Schema> {
        let pattern = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,12})?$";
        text().pattern(Some(pattern)).description(Some("A percentage as a decimal string")).into()
    }
}

impl ToSchema for Percent {
    fn name() -> Cow<'static, str> {
        "Percent".into()
    }
}

/// `?dry_run=true`: say what would happen, and do nothing.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    dry_run: Option<bool>,
}

impl DryRun {
    pub fn is_wanted(self) -> bool {
        self.dry_run.unwrap_or_default()
    }
}
