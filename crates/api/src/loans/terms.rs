//! `Terms` on the wire: read strictly, and told from what a later version will know.

use edge::answer::StatusCode;
use edge::problem::Problem;
use edge::wire::{AmountText, Choice, Percent};
use kernel::currency::Currency;
use kernel::day_count::DayCount;
use loans::terms::{
    Advance, Allocation, Amortization, AmortizationMethod, Basis, Bucket, Calculation, ENGINE, FirstPeriod, Frequency,
    Interest, InterestMethod, Rate, RatePer, Rounding, RoundingMode, SettlementRebate, Terms, Unit, Walk,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsRequest {
    frequency: FrequencyRequest,
    interest: InterestRequest,
    amortization: Option<AmortizationRequest>,
    rounding: Option<RoundingRequest>,
    allocation: Option<AllocationRequest>,
    #[schema(value_type = Option<SettlementRebate>)]
    settlement_rebate: Option<Choice<SettlementRebate>>,
    /// Interest is no longer income once the oldest unpaid instalment is due for this many days; 90 where it is left out.
    #[schema(minimum = 1, maximum = 3650)]
    non_accrual_days: Option<u16>,
    #[schema(ignore)]
    balloon: Option<Value>,
    #[schema(ignore)]
    grace: Option<Value>,
    #[schema(ignore)]
    holiday_shift: Option<Value>,
    #[schema(ignore)]
    arrears_grace_days: Option<Value>,
    #[schema(ignore)]
    due_dates: Option<Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FrequencyRequest {
    /// One instalment every so many units; 1 where it is left out.
    every: Option<u32>,
    #[schema(value_type = Unit)]
    unit: Choice<Unit>,
    #[schema(ignore)]
    on: Option<Value>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InterestRequest {
    #[schema(value_type = InterestMethod)]
    method: Choice<InterestMethod>,
    rate: RateRequest,
    #[schema(value_type = Option<Calculation>)]
    calculation: Option<Choice<Calculation>>,
    #[schema(value_type = Option<DayCount>)]
    day_count: Option<Choice<DayCount>>,
    /// How an odd first period is charged.
    #[schema(value_type = Option<FirstPeriod>)]
    first_period: Option<Choice<FirstPeriod>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateRequest {
    percent: Percent,
    #[schema(value_type = RatePer)]
    per: Choice<RatePer>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AmortizationRequest {
    #[schema(value_type = AmortizationMethod)]
    method: Choice<AmortizationMethod>,
    #[schema(ignore)]
    shares_percent: Option<Value>,
}

/// The level instalment is rounded to a multiple; the last instalment absorbs the difference.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoundingRequest {
    instalment_multiple: AmountText,
    #[schema(value_type = Option<RoundingMode>)]
    mode: Option<Choice<RoundingMode>>,
}

/// In which order a payment is split: each of the twelve buckets once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationRequest {
    #[schema(value_type = Option<Vec<Bucket>>)]
    order: Option<Vec<Choice<Bucket>>>,
    #[schema(value_type = Option<Walk>)]
    walk: Option<Choice<Walk>>,
    #[schema(value_type = Option<Advance>)]
    advance: Option<Choice<Advance>>,
}

/// The terms in a currency, refused with their place where they cannot be; `at` is the pointer to the terms.
pub fn read(request: TermsRequest, currency: Currency, at: &str) -> Result<Terms, Problem> {
    refuse_later_members(&request, at)?;
    let place = |member: &str| format!("{at}/{member}");
    let interest = request.interest;
    let terms = Terms {
        frequency: Frequency {
            every: request.frequency.every.unwrap_or(1),
            unit: request.frequency.unit.read(&place("frequency/unit"))?,
        },
        interest: Interest {
            method: interest.method.read(&place("interest/method"))?,
            rate: Rate { percent: interest.rate.percent.0, per: interest.rate.per.read(&place("interest/rate/per"))? },
            calculation: Choice::read_or_default(interest.calculation, &place("interest/calculation"))?,
            day_count: Choice::read_or_default(interest.day_count, &place("interest/day_count"))?,
            first_period: Choice::read_or_default(interest.first_period, &place("interest/first_period"))?,
        },
        amortization: Amortization {
            method: Choice::read_or_default(
                request.amortization.map(|part| part.method),
                &place("amortization/method"),
            )?,
        },
        rounding: request.rounding.map(|rounding| read_rounding(rounding, currency, at)).transpose()?,
        allocation: read_allocation(request.allocation, at)?,
        settlement_rebate: Choice::read_or_default(request.settlement_rebate, &place("settlement_rebate"))?,
        non_accrual_days: read_non_accrual_days(request.non_accrual_days, at)?,
        basis: Basis::default(),
        engine: ENGINE,
    };
    terms.validate().map_err(|error| unprocessable(error.code(), error.to_string(), at))?;
    Ok(terms)
}

fn read_rounding(rounding: RoundingRequest, currency: Currency, at: &str) -> Result<Rounding, Problem> {
    Ok(Rounding {
        instalment_multiple: rounding
            .instalment_multiple
            .read(currency, &format!("{at}/rounding/instalment_multiple"))?,
        mode: Choice::read_or_default(rounding.mode, &format!("{at}/rounding/mode"))?,
    })
}

fn read_allocation(request: Option<AllocationRequest>, at: &str) -> Result<Allocation, Problem> {
    let Some(request) = request else { return Ok(Allocation::default()) };
    let order = match request.order {
        None => Bucket::ALL.to_vec(),
        Some(order) => order
            .into_iter()
            .enumerate()
            .map(|(index, bucket)| bucket.read(&format!("{at}/allocation/order/{index}")))
            .collect::<Result<_, _>>()?,
    };
    Ok(Allocation {
        order,
        walk: Choice::read_or_default(request.walk, &format!("{at}/allocation/walk"))?,
        advance: Choice::read_or_default(request.advance, &format!("{at}/allocation/advance"))?,
    })
}

fn read_non_accrual_days(days: Option<u16>, at: &str) -> Result<u16, Problem> {
    match days.unwrap_or(90) {
        days @ 1..=3650 => Ok(days),
        _ => Err(unprocessable(
            "terms.non_accrual_days_out_of_range",
            "non_accrual_days is 1 to 3650",
            &format!("{at}/non_accrual_days"),
        )),
    }
}

/// Members of the contract that this version does not calculate yet are refused, not ignored.
fn refuse_later_members(request: &TermsRequest, at: &str) -> Result<(), Problem> {
    let shares = request.amortization.as_ref().and_then(|part| part.shares_percent.as_ref());
    let later = [
        ("balloon", request.balloon.as_ref()),
        ("grace", request.grace.as_ref()),
        ("holiday_shift", request.holiday_shift.as_ref()),
        ("arrears_grace_days", request.arrears_grace_days.as_ref()),
        ("due_dates", request.due_dates.as_ref()),
        ("frequency/on", request.frequency.on.as_ref()),
        ("amortization/shares_percent", shares),
    ];
    match later.into_iter().find(|(_, value)| value.is_some()) {
        None => Ok(()),
        Some((member, _)) => Err(unprocessable(
            "terms.not_supported",
            format!("{member} is not calculated by this version: leave it out"),
            &format!("{at}/{member}"),
        )),
    }
}

pub fn unprocessable(code: &'static str, detail: impl Into<String>, at: &str) -> Problem {
    let detail = detail.into();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail.clone()).at(at, code, detail)
}

/// Terms as they are shown: whole, with every default written out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Terms)]
pub struct TermsView {
    frequency: FrequencyView,
    interest: InterestView,
    amortization: AmortizationView,
    rounding: Option<RoundingView>,
    allocation: AllocationView,
    settlement_rebate: SettlementRebate,
    non_accrual_days: u16,
    engine: u16,
}

#[derive(Debug, Serialize, ToSchema)]
struct FrequencyView {
    every: u32,
    unit: Unit,
}

#[derive(Debug, Serialize, ToSchema)]
struct InterestView {
    method: InterestMethod,
    rate: RateView,
    calculation: Calculation,
    day_count: DayCount,
    first_period: FirstPeriod,
}

#[derive(Debug, Serialize, ToSchema)]
struct RateView {
    percent: String,
    per: RatePer,
}

#[derive(Debug, Serialize, ToSchema)]
struct AmortizationView {
    method: AmortizationMethod,
}

#[derive(Debug, Serialize, ToSchema)]
struct RoundingView {
    instalment_multiple: String,
    mode: RoundingMode,
}

#[derive(Debug, Serialize, ToSchema)]
struct AllocationView {
    order: Vec<Bucket>,
    walk: Walk,
    advance: Advance,
}

impl TermsView {
    pub fn of(terms: &Terms, currency: Currency) -> TermsView {
        let interest = &terms.interest;
        TermsView {
            frequency: FrequencyView { every: terms.frequency.every, unit: terms.frequency.unit },
            interest: InterestView {
                method: interest.method,
                rate: RateView { percent: percent(interest.rate.percent), per: interest.rate.per },
                calculation: interest.calculation,
                day_count: interest.day_count,
                first_period: interest.first_period,
            },
            amortization: AmortizationView { method: terms.amortization.method },
            rounding: terms.rounding.map(|rounding| RoundingView {
                instalment_multiple: rounding.instalment_multiple.format(currency),
                mode: rounding.mode,
            }),
            allocation: AllocationView {
                order: terms.allocation.order.to_vec(),
                walk: terms.allocation.walk,
                advance: terms.allocation.advance,
            },
            settlement_rebate: terms.settlement_rebate,
            non_accrual_days: terms.non_accrual_days,
            engine: terms.engine,
        }
    }
}

/// A percentage without needless zeros.
pub fn percent(percent: Decimal) -> String {
    percent.normalize().to_string()
}
