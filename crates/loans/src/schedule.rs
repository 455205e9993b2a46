//! The instalments that a loan promises: when each falls due, and how it splits into principal and interest.
//!
//! Invariants, all property-tested: the principal parts add up to the principal; the balance never grows and ends at zero;
//! every instalment is positive; due dates strictly increase; all instalments but the last are equal where the terms say
//! so; the same input gives the same output. The last instalment absorbs what rounding left over. Interest is rounded once
//! per instalment from its exact value, half up. Formulas: the level annuity with rates that may differ by period,
//! A = P / Σ_k Π_{j≤k} 1/(1+i_j); the rules of rounding are those of the terms.
//!
//! Deliberately absent: charges, payments, accrual between due dates, holidays. A schedule is what was promised.

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::date;
use rust_decimal::{Decimal, RoundingStrategy};

use crate::periodic_rate::{LoanRates, PeriodicRate};
use crate::terms::{
    AmortizationMethod, Contract, Frequency, InterestMethod, Rounding, RoundingMode, Terms, TermsError,
};

/// What falls due on one day, and what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    /// Counted from 1.
    pub number: u32,
    /// The disbursement, or the due date before: where the period's interest begins.
    pub from: NaiveDate,
    pub due_on: NaiveDate,
    pub principal: Amount,
    pub interest: Amount,
    /// Principal that is owed once this instalment is paid.
    pub balance: Amount,
}

impl Instalment {
    pub fn total(&self) -> Amount {
        self.principal + self.interest
    }
}

/// All instalments in the order in which they fall due; never empty. It may have fewer than the contract asks for: an
/// instalment that rounding up leaves nothing for is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub instalments: Vec<Instalment>,
}

impl Schedule {
    pub fn principal(&self) -> Amount {
        self.instalments.iter().map(|instalment| instalment.principal).sum()
    }

    pub fn interest(&self) -> Amount {
        self.instalments.iter().map(|instalment| instalment.interest).sum()
    }

    pub fn total(&self) -> Amount {
        self.principal() + self.interest()
    }

    /// What each instalment comes to, in order.
    pub fn instalment_totals(&self) -> Vec<Amount> {
        self.instalments.iter().map(Instalment::total).collect()
    }
}

/// Why a loan has no schedule under its terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Terms(#[from] TermsError),
    #[error("the principal must be more than zero and at most 10^15 minor units; name another principal")]
    PrincipalOutOfRange,
    #[error("{instalments} instalments were asked for; name 1 to 1000")]
    InstalmentsOutOfRange { instalments: u32 },
    #[error("the disbursement on {disbursed_on} is outside 1900-01-01 to 2199-12-31; name a day within")]
    DisbursedOnOutOfRange { disbursed_on: NaiveDate },
    #[error(
        "the first instalment is due on {first_due_on}, not after the disbursement on {disbursed_on}; name a later day"
    )]
    FirstDueOnNotAfterDisbursement { first_due_on: NaiveDate, disbursed_on: NaiveDate },
    #[error("the last instalment would be due after 2199-12-31; ask for fewer or more frequent instalments")]
    LastDueOnOutOfRange,
    #[error("the principal is too small to be spread over {instalments} instalments; ask for fewer")]
    PrincipalTooSmall { instalments: usize },
    #[error(
        "the interest of instalment {number} is not less than the level instalment, so no principal would be repaid; \
         bring the first due date forward, lower the rate, or use equal_principal"
    )]
    InstalmentBelowInterest { number: u32 },
    #[error(
        "rounding.instalment_multiple is too coarse for this loan: the last instalment would exceed 150 % of the level \
         one, or the level one would repay no principal; use a smaller multiple or mode up"
    )]
    RoundingTooCoarse,
    #[error("the interest would be more than 10^15 minor units; lower the rate, the term or the principal")]
    InterestTooLarge,
}

impl ScheduleError {
    /// The stable public code.
    pub fn code(&self) -> &'static str {
        match self {
            ScheduleError::Terms(error) => error.code(),
            ScheduleError::PrincipalOutOfRange => "loan.principal_out_of_range",
            ScheduleError::InstalmentsOutOfRange { .. } => "loan.instalments_out_of_range",
            ScheduleError::DisbursedOnOutOfRange { .. } => "loan.disbursed_on_out_of_range",
            ScheduleError::FirstDueOnNotAfterDisbursement { .. } => "loan.first_due_on_not_after_disbursement",
            ScheduleError::LastDueOnOutOfRange => "loan.last_due_on_out_of_range",
            ScheduleError::PrincipalTooSmall { .. } => "loan.principal_too_small",
            ScheduleError::InstalmentBelowInterest { .. } => "loan.instalment_below_interest",
            ScheduleError::RoundingTooCoarse => "product.rounding_too_coarse",
            ScheduleError::InterestTooLarge => "loan.interest_too_large",
        }
    }
}

/// The schedule of a loan under its terms. Both are checked first, so any input gives a schedule or an error.
pub fn schedule(terms: &Terms, contract: &Contract) -> Result<Schedule, ScheduleError> {
    terms.validate()?;
    check_contract(contract)?;
    let due_dates = due_dates(terms.frequency, contract)?;
    let rates = LoanRates::new(terms, contract, &due_dates);
    let plan = Plan::new(contract, &due_dates);
    let instalments = match (terms.interest.method, terms.amortization.method) {
        (InterestMethod::Flat, _) => flat(plan, terms.rounding, rates.of_the_term()),
        (InterestMethod::Declining, AmortizationMethod::EqualInstalments) => {
            equal_instalments(plan, terms.rounding, &rates)
        }
        (InterestMethod::Declining, AmortizationMethod::EqualPrincipal) => {
            equal_principal(plan, terms.rounding, &rates)
        }
    }?;
    let schedule = Schedule { instalments };
    if schedule.interest() > Amount::LIMIT { Err(ScheduleError::InterestTooLarge) } else { Ok(schedule) }
}

fn check_contract(contract: &Contract) -> Result<(), ScheduleError> {
    let Contract { principal, instalments, disbursed_on, first_due_on } = *contract;
    if !principal.is_positive() || principal > Amount::LIMIT {
        return Err(ScheduleError::PrincipalOutOfRange);
    }
    if !(1..=1000).contains(&instalments) {
        return Err(ScheduleError::InstalmentsOutOfRange { instalments });
    }
    if !date::is_in_range(disbursed_on) {
        return Err(ScheduleError::DisbursedOnOutOfRange { disbursed_on });
    }
    match first_due_on {
        Some(first_due_on) if first_due_on <= disbursed_on => {
            Err(ScheduleError::FirstDueOnNotAfterDisbursement { first_due_on, disbursed_on })
        }
        _ => Ok(()),
    }
}

fn due_dates(frequency: Frequency, contract: &Contract) -> Result<Vec<NaiveDate>, ScheduleError> {
    let dates = (1..=contract.instalments).map(|number| contract.due_on(frequency, number));
    dates.collect::<Option<_>>().ok_or(ScheduleError::LastDueOnOutOfRange)
}

/// Declining balance, level instalments.
fn equal_instalments(
    mut plan: Plan,
    rounding: Option<Rounding>,
    rates: &LoanRates,
) -> Result<Vec<Instalment>, ScheduleError> {
    let factor = annuity_factor(rates).ok_or(ScheduleError::InterestTooLarge)?;
    let exact = plan.balance.to_decimal().checked_div(factor).ok_or(ScheduleError::InterestTooLarge)?;
    let level = level_amount(exact, rounding)?;
    if level.is_zero() {
        return Err(plan.nothing_repaid(rounding));
    }
    for rate in rates.iter() {
        let interest = rate.interest_on(plan.balance).ok_or(ScheduleError::InterestTooLarge)?;
        if plan.is_last() || plan.balance + interest <= level {
            plan.push_last(interest);
            break;
        }
        if level <= interest {
            // Either the rounding took the principal away, or a first period so long that its interest exceeds the level
            // instalment: then paying the level instalment would let the balance grow.
            return Err(match rounding {
                Some(_) if exact > interest.to_decimal() => ScheduleError::RoundingTooCoarse,
                _ => ScheduleError::InstalmentBelowInterest { number: plan.next_number() },
            });
        }
        plan.push(level - interest, interest);
    }
    plan.finish(rounding.map(|_| level), Instalment::total)
}

/// Declining balance, equal parts of principal. A rounding level applies to the principal part: it is what is level here.
fn equal_principal(
    mut plan: Plan,
    rounding: Option<Rounding>,
    rates: &LoanRates,
) -> Result<Vec<Instalment>, ScheduleError> {
    let part = level_amount(plan.balance.to_decimal() / Decimal::from(plan.due_dates.len()), rounding)?;
    if part.is_zero() {
        return Err(plan.nothing_repaid(rounding));
    }
    for rate in rates.iter() {
        let interest = rate.interest_on(plan.balance).ok_or(ScheduleError::InterestTooLarge)?;
        if plan.is_last() || plan.balance <= part {
            plan.push_last(interest);
            break;
        }
        plan.push(part, interest);
    }
    plan.finish(rounding.map(|_| part), |last| last.principal)
}

/// Flat: interest on the first principal for the whole term, in equal parts. Rounding changes how many instalments there
/// are and what the last one is, never what is paid in all.
fn flat(mut plan: Plan, rounding: Option<Rounding>, rate: PeriodicRate) -> Result<Vec<Instalment>, ScheduleError> {
    let mut interest_left = rate.interest_on(plan.balance).ok_or(ScheduleError::InterestTooLarge)?;
    let total = plan.balance + interest_left;
    let asked = Decimal::from(plan.due_dates.len());
    let principal_part = level_amount(plan.balance.to_decimal() / asked, None)?;
    let mut interest_part = level_amount(interest_left.to_decimal() / asked, None)?;
    let level = match rounding {
        None => principal_part + interest_part,
        Some(_) => level_amount(total.to_decimal() / asked, rounding)?,
    };
    if level <= interest_part {
        return Err(plan.nothing_repaid(rounding));
    }
    let needed = usize::try_from((total.minor() - 1) / level.minor() + 1).unwrap_or(usize::MAX);
    if needed < plan.due_dates.len() {
        plan.due_dates = &plan.due_dates[..needed];
        interest_part = level_amount(interest_left.to_decimal() / Decimal::from(needed), None)?;
    }
    while !plan.is_last() {
        // Equal parts half up may use up the interest or the principal before the last instalment; the other takes the rest
        // of the level amount then.
        let principal = (level - interest_part.min(interest_left)).min(plan.balance);
        let interest = level - principal;
        interest_left -= interest;
        plan.push(principal, interest);
    }
    plan.push_last(interest_left);
    plan.finish(rounding.map(|_| level), Instalment::total)
}

/// Σ_k Π_{j≤k} 1/(1+i_j), from the last period backwards so that no power can overflow. A division is made only where the
/// rate differs from that of the period after.
fn annuity_factor(rates: &LoanRates) -> Option<Decimal> {
    let mut sum = Decimal::ZERO;
    let mut known: Option<(PeriodicRate, Decimal)> = None;
    for rate in rates.iter().rev() {
        let factor = match known {
            Some((same, factor)) if same == rate => factor,
            _ => rate.discount_factor()?,
        };
        known = Some((rate, factor));
        sum = sum.checked_add(Decimal::ONE)?.checked_mul(factor)?;
    }
    Some(sum)
}

/// A calculated level amount in minor units: half up, or to the multiple.
///
/// The amount is first brought to eight decimals of a minor unit. A quotient of long decimals is short of an exact half or
/// an exact multiple by its last digits, and must still round as the exact value does.
fn level_amount(exact: Decimal, rounding: Option<Rounding>) -> Result<Amount, ScheduleError> {
    let exact = exact.round_dp(8);
    let rounded = match rounding {
        None => exact,
        Some(rounding) => {
            let multiple = rounding.instalment_multiple.to_decimal();
            let count = exact / multiple;
            multiple
                * match rounding.mode {
                    RoundingMode::Nearest => count.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero),
                    RoundingMode::Up => count.ceil(),
                    RoundingMode::Down => count.floor(),
                }
        }
    };
    // More than all that may ever be due cannot be one instalment; the bound keeps sums within 64 bits.
    let bookable = |amount: &Amount| *amount <= Amount::LIMIT + Amount::LIMIT;
    Amount::round_half_up(rounded).filter(bookable).ok_or(ScheduleError::InterestTooLarge)
}

/// A schedule in the making.
struct Plan<'a> {
    due_dates: &'a [NaiveDate],
    from: NaiveDate,
    balance: Amount,
    instalments: Vec<Instalment>,
}

impl<'a> Plan<'a> {
    fn new(contract: &Contract, due_dates: &'a [NaiveDate]) -> Plan<'a> {
        Plan {
            due_dates,
            from: contract.disbursed_on,
            balance: contract.principal,
            instalments: Vec::with_capacity(due_dates.len()),
        }
    }

    /// Whether the next instalment is the last that was asked for.
    fn is_last(&self) -> bool {
        self.instalments.len() + 1 >= self.due_dates.len()
    }

    fn next_number(&self) -> u32 {
        u32::try_from(self.instalments.len() + 1).unwrap_or(u32::MAX)
    }

    fn push(&mut self, principal: Amount, interest: Amount) {
        let Some(due_on) = self.due_dates.get(self.instalments.len()).copied() else { return };
        self.balance -= principal;
        let number = self.next_number();
        self.instalments.push(Instalment {
            number,
            from: self.from,
            due_on,
            principal,
            interest,
            balance: self.balance,
        });
        self.from = due_on;
    }

    fn push_last(&mut self, interest: Amount) {
        self.push(self.balance, interest);
    }

    /// Why a level part of zero cannot be: the multiple, or a principal of fewer minor units than instalments.
    fn nothing_repaid(&self, rounding: Option<Rounding>) -> ScheduleError {
        match rounding {
            Some(_) => ScheduleError::RoundingTooCoarse,
            None => ScheduleError::PrincipalTooSmall { instalments: self.due_dates.len() },
        }
    }

    /// The instalments, if the last is at most 150 % of a level that was rounded to a multiple.
    fn finish(
        self,
        level: Option<Amount>,
        compared: impl Fn(&Instalment) -> Amount,
    ) -> Result<Vec<Instalment>, ScheduleError> {
        match (level, self.instalments.last().map(compared)) {
            (Some(level), Some(last)) if last.minor() * 2 > level.minor() * 3 => Err(ScheduleError::RoundingTooCoarse),
            _ => Ok(self.instalments),
        }
    }
}
