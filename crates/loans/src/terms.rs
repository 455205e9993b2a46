//! What was promised: how a loan's schedule is made, how its interest grows, how a payment is split.
//!
//! Terms are copied onto each loan when it is applied for, so a later version of the product changes no contract. The texts
//! of the enums are the words of the API and of the stored copy. Terms that a person names are checked once, by
//! [`Terms::validate`]; what concerns one loan's own figures is checked where its schedule is made.

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::date;
use kernel::day_count::DayCount;
use kernel::text_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The version of the calculations in this crate. A change that alters any position is a new version; a loan keeps its own.
pub const ENGINE: u16 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub frequency: Frequency,
    pub interest: Interest,
    #[serde(default)]
    pub amortization: Amortization,
    /// Only the level instalment is rounded to a multiple (with equal principal, the principal part); the last instalment
    /// absorbs the difference.
    #[serde(default)]
    pub rounding: Option<Rounding>,
    #[serde(default)]
    pub allocation: Allocation,
    #[serde(default)]
    pub settlement_rebate: SettlementRebate,
    /// Interest is no longer income once the oldest unpaid instalment is due for this many days.
    #[serde(default = "default_non_accrual_days")]
    pub non_accrual_days: u16,
    #[serde(default)]
    pub basis: Basis,
    #[serde(default = "default_engine")]
    pub engine: u16,
}

fn default_non_accrual_days() -> u16 {
    90
}

fn default_engine() -> u16 {
    ENGINE
}

/// Why terms cannot be offered to anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("frequency.every is {every}; an instalment falls due every 1 to 366 days, weeks or months")]
    EveryOutOfRange { every: u32 },
    #[error("interest.rate.percent is {percent}; name a rate from 0 to 1000 percent")]
    RateOutOfRange { percent: Decimal },
    #[error("interest.rate.percent has more than {} decimals; round it", Rate::DECIMALS)]
    RateTooFine,
    #[error("interest.method flat cannot go with interest.calculation daily; use per_period, or method declining")]
    FlatWithDaily,
    #[error(
        "interest.method flat cannot go with amortization.method equal_principal; use equal_instalments, or method declining"
    )]
    FlatWithEqualPrincipal,
    #[error(
        "rounding.instalment_multiple must be positive and an amount that can be booked; leave rounding out for none"
    )]
    RoundingMultipleOutOfRange,
    #[error("allocation.order must name each of the twelve buckets once")]
    AllocationOrderIncomplete,
    #[error("engine {engine} is not known to this version, whose newest is {ENGINE}")]
    EngineUnknown { engine: u16 },
}

impl TermsError {
    /// The stable public code.
    pub fn code(&self) -> &'static str {
        match self {
            TermsError::EveryOutOfRange { .. } => "terms.every_out_of_range",
            TermsError::RateOutOfRange { .. } => "terms.rate_out_of_range",
            TermsError::RateTooFine => "terms.rate_too_fine",
            TermsError::FlatWithDaily => "terms.flat_with_daily",
            TermsError::FlatWithEqualPrincipal => "terms.flat_with_equal_principal",
            TermsError::RoundingMultipleOutOfRange => "terms.rounding_multiple_out_of_range",
            TermsError::AllocationOrderIncomplete => "terms.allocation_order_incomplete",
            TermsError::EngineUnknown { .. } => "terms.engine_unknown",
        }
    }
}

impl Terms {
    /// Whether these terms can be calculated with, whatever the loan.
    pub fn validate(&self) -> Result<(), TermsError> {
        if !(1..=ENGINE).contains(&self.engine) {
            return Err(TermsError::EngineUnknown { engine: self.engine });
        }
        if !(1..=366).contains(&self.frequency.every) {
            return Err(TermsError::EveryOutOfRange { every: self.frequency.every });
        }
        let percent = self.interest.rate.percent;
        if !(Decimal::ZERO..=Decimal::ONE_THOUSAND).contains(&percent) {
            return Err(TermsError::RateOutOfRange { percent });
        }
        if percent.normalize().scale() > Rate::DECIMALS {
            return Err(TermsError::RateTooFine);
        }
        if self.interest.method == InterestMethod::Flat {
            if self.interest.calculation == Calculation::Daily {
                return Err(TermsError::FlatWithDaily);
            }
            if self.amortization.method == AmortizationMethod::EqualPrincipal {
                return Err(TermsError::FlatWithEqualPrincipal);
            }
        }
        let bookable = |multiple: Amount| multiple.is_positive() && multiple <= Amount::LIMIT;
        if self.rounding.is_some_and(|rounding| !bookable(rounding.instalment_multiple)) {
            return Err(TermsError::RoundingMultipleOutOfRange);
        }
        let order = &self.allocation.order;
        if order.len() != Bucket::ALL.len() || !Bucket::ALL.iter().all(|bucket| order.contains(bucket)) {
            return Err(TermsError::AllocationOrderIncomplete);
        }
        Ok(())
    }
}

text_enum! {
    /// Whether interest is income as it is earned, or as it is paid.
    #[derive(Default)]
    pub enum Basis {
        #[default]
        Accrual = "accrual",
        Cash = "cash",
    }
}

/// One instalment falls due `every` so many units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    pub every: u32,
    pub unit: Unit,
}

impl Frequency {
    /// The due date `periods` after the anchor, or `None` after the last date that is kept. Months keep the anchor's day.
    pub fn after(self, anchor: NaiveDate, periods: u32) -> Option<NaiveDate> {
        match self.unit {
            Unit::Month => date::add_months(anchor, self.every.checked_mul(periods)?),
            Unit::Week => date::add_days(anchor, u64::from(self.every) * u64::from(periods) * 7),
            Unit::Day => date::add_days(anchor, u64::from(self.every) * u64::from(periods)),
        }
    }

    /// The due date `periods` before the anchor, or `None` before the first date that is kept.
    pub fn before(self, anchor: NaiveDate, periods: u32) -> Option<NaiveDate> {
        match self.unit {
            Unit::Month => date::sub_months(anchor, self.every.checked_mul(periods)?),
            Unit::Week => date::sub_days(anchor, u64::from(self.every) * u64::from(periods) * 7),
            Unit::Day => date::sub_days(anchor, u64::from(self.every) * u64::from(periods)),
        }
    }

    /// How many of its units make a year: 12 months, 52 weeks, days by the day count. Divided by `every` this is the
    /// number of periods a year.
    pub fn units_in_year(self, day_count: DayCount) -> i64 {
        match self.unit {
            Unit::Month => 12,
            Unit::Week => 52,
            Unit::Day => day_count.days_in_year(),
        }
    }
}

text_enum! {
    pub enum Unit {
        Day = "day",
        Week = "week",
        Month = "month",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    pub method: InterestMethod,
    pub rate: Rate,
    #[serde(default)]
    pub calculation: Calculation,
    #[serde(default)]
    pub day_count: DayCount,
    #[serde(default)]
    pub first_period: FirstPeriod,
}

text_enum! {
    pub enum InterestMethod {
        /// Interest on the balance that is still owed.
        Declining = "declining",
        /// Interest on the principal that was lent, for the whole term.
        Flat = "flat",
    }
}

/// A quoted rate: 24 per year, 2 per month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    #[serde(with = "kernel::rate")]
    pub percent: Decimal,
    pub per: RatePer,
}

impl Rate {
    /// How finely a percentage may be named. With it every interest amount of a bookable loan is an exact 128-bit integer
    /// quotient, see `periodic_rate`.
    pub const DECIMALS: u32 = 12;
}

text_enum! {
    pub enum RatePer {
        Year = "year",
        Month = "month",
        FourWeeks = "four_weeks",
        Week = "week",
        Day = "day",
        /// For the whole term of the loan.
        Term = "term",
    }
}

text_enum! {
    #[derive(Default)]
    pub enum Calculation {
        /// The rate of one period, whatever its number of days.
        #[default]
        PerPeriod = "per_period",
        /// Balance × rate × the days of the period by the day count.
        Daily = "daily",
    }
}

text_enum! {
    /// How an odd first period is charged where interest is per period.
    #[derive(Default)]
    pub enum FirstPeriod {
        /// As any other period.
        Whole = "whole",
        /// Balance × rate × its days by the day count, as `daily` charges every period.
        #[default]
        ByDays = "by_days",
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amortization {
    pub method: AmortizationMethod,
}

text_enum! {
    #[derive(Default)]
    pub enum AmortizationMethod {
        #[default]
        EqualInstalments = "equal_instalments",
        EqualPrincipal = "equal_principal",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    pub instalment_multiple: Amount,
    #[serde(default)]
    pub mode: RoundingMode,
}

text_enum! {
    #[derive(Default)]
    pub enum RoundingMode {
        #[default]
        Nearest = "nearest",
        Up = "up",
        Down = "down",
    }
}

/// In which order a payment is split. `order` names each of the twelve buckets once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    pub order: Vec<Bucket>,
    #[serde(default)]
    pub walk: Walk,
    #[serde(default)]
    pub advance: Advance,
}

impl Default for Allocation {
    /// Past-due oldest first, by instalment, penalty → fee → interest → principal.
    fn default() -> Self {
        Allocation { order: Bucket::ALL.to_vec(), walk: Walk::default(), advance: Advance::default() }
    }
}

text_enum! {
    /// When a part of an instalment falls due, seen from the day of the payment, and which part it is.
    pub enum Bucket {
        PastDuePenalty = "past_due_penalty",
        PastDueFee = "past_due_fee",
        PastDueInterest = "past_due_interest",
        PastDuePrincipal = "past_due_principal",
        DuePenalty = "due_penalty",
        DueFee = "due_fee",
        DueInterest = "due_interest",
        DuePrincipal = "due_principal",
        InAdvancePenalty = "in_advance_penalty",
        InAdvanceFee = "in_advance_fee",
        InAdvanceInterest = "in_advance_interest",
        InAdvancePrincipal = "in_advance_principal",
    }
}

text_enum! {
    #[derive(Default)]
    pub enum Walk {
        /// All parts of the oldest instalment, then the next.
        #[default]
        ByInstalment = "by_instalment",
        /// One part across all instalments, then the next part.
        ByPart = "by_part",
    }
}

text_enum! {
    /// What a payment ahead of its due date reduces.
    #[derive(Default)]
    pub enum Advance {
        #[default]
        NextInstalment = "next_instalment",
    }
}

text_enum! {
    /// What becomes of interest that is not yet earned when a loan is settled early.
    #[derive(Default)]
    pub enum SettlementRebate {
        /// The borrower pays interest at the true rate for the time that the money was used.
        #[default]
        Actuarial = "actuarial",
    }
}

/// One loan's own figures under its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    pub principal: Amount,
    pub instalments: u32,
    pub disbursed_on: NaiveDate,
    /// One period after the disbursement unless the loan says otherwise.
    pub first_due_on: Option<NaiveDate>,
}

impl Contract {
    /// The due date of instalment `number`, counted from 1, under a frequency; `None` after the last date that is kept.
    /// Without a first due date the disbursement is the anchor and lies one period before the first instalment.
    pub fn due_on(&self, frequency: Frequency, number: u32) -> Option<NaiveDate> {
        match self.first_due_on {
            Some(first) => frequency.after(first, number.checked_sub(1)?),
            None => frequency.after(self.disbursed_on, number),
        }
    }

    /// Whether the first period is one period of the frequency, counted from either of its ends: 30 January to
    /// 28 February and 28 February to 31 March are both a month.
    pub fn first_period_is_regular(&self, frequency: Frequency) -> bool {
        self.first_due_on.is_none_or(|first| {
            frequency.after(self.disbursed_on, 1) == Some(first)
                || frequency.before(first, 1) == Some(self.disbursed_on)
        })
    }
}
