//! What was promised: how a loan's schedule is made, how its interest grows, how a payment is split.
//!
//! Terms are copied onto each loan when it is applied for, so a later version of the product changes no contract. The texts
//! of the enums are the words of the API and of the stored copy.

use chrono::NaiveDate;
use kernel::amount::Amount;
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
    /// Only the level instalment is rounded to a multiple; the last instalment absorbs the difference.
    #[serde(default)]
    pub rounding: Option<Rounding>,
    #[serde(default)]
    pub allocation: Allocation,
    #[serde(default)]
    pub settlement_rebate: SettlementRebate,
    /// Interest is no longer income once the oldest unpaid instalment is due for this many days.
    #[serde(default = "default_non_accrual_days")]
    pub non_accrual_days: u16,
    #[serde(default = "default_engine")]
    pub engine: u16,
}

fn default_non_accrual_days() -> u16 {
    90
}

fn default_engine() -> u16 {
    ENGINE
}

/// One instalment falls due `every` so many units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frequency {
    pub every: u32,
    pub unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Day,
    Week,
    Month,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interest {
    pub method: InterestMethod,
    pub rate: Rate,
    #[serde(default)]
    pub calculation: Calculation,
    #[serde(default)]
    pub day_count: kernel::day_count::DayCount,
    #[serde(default)]
    pub first_period: FirstPeriod,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterestMethod {
    /// Interest on the balance that is still owed.
    Declining,
    /// Interest on the principal that was lent, for the whole term.
    Flat,
}

/// A quoted rate: 24 per year, 2 per month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    pub percent: Decimal,
    pub per: RatePer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RatePer {
    Year,
    Month,
    FourWeeks,
    Week,
    Day,
    /// For the whole term of the loan.
    Term,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calculation {
    /// The rate of one period, whatever its number of days.
    #[default]
    PerPeriod,
    /// Balance × rate × the days of the period by the day count.
    Daily,
}

/// How an odd first period is charged where interest is per period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstPeriod {
    Whole,
    #[default]
    ByDays,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amortization {
    pub method: AmortizationMethod,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AmortizationMethod {
    #[default]
    EqualInstalments,
    EqualPrincipal,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    pub instalment_multiple: Amount,
    #[serde(default)]
    pub mode: RoundingMode,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    #[default]
    Nearest,
    Up,
    Down,
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

/// When a part of an instalment falls due, seen from the day of the payment, and which part it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    PastDuePenalty,
    PastDueFee,
    PastDueInterest,
    PastDuePrincipal,
    DuePenalty,
    DueFee,
    DueInterest,
    DuePrincipal,
    InAdvancePenalty,
    InAdvanceFee,
    InAdvanceInterest,
    InAdvancePrincipal,
}

impl Bucket {
    pub const ALL: [Bucket; 12] = [
        Bucket::PastDuePenalty,
        Bucket::PastDueFee,
        Bucket::PastDueInterest,
        Bucket::PastDuePrincipal,
        Bucket::DuePenalty,
        Bucket::DueFee,
        Bucket::DueInterest,
        Bucket::DuePrincipal,
        Bucket::InAdvancePenalty,
        Bucket::InAdvanceFee,
        Bucket::InAdvanceInterest,
        Bucket::InAdvancePrincipal,
    ];
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Walk {
    /// All parts of the oldest instalment, then the next.
    #[default]
    ByInstalment,
    /// One part across all instalments, then the next part.
    ByPart,
}

/// What a payment ahead of its due date reduces.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advance {
    #[default]
    NextInstalment,
}

/// What becomes of interest that is not yet earned when a loan is settled early.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementRebate {
    /// The borrower pays interest at the true rate for the time that the money was used.
    #[default]
    Actuarial,
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
