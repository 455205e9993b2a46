//! The portfolio that is built: the same shape as the limit's, `sql/close_of_day_limit.sql`.
//!
//! A loan is 0 to 11 instalments into 12 months; 12 % have one to seven unpaid ones that are past due. The institution begins on
//! [`OPENED`] with the loans that it had until then; later ones are disbursed on their day. Who pays does so at most twice: at the
//! beginning for what was due by then, and once more for what fell due since, on the day of the last instalment that it covers.

use std::sync::Arc;

use chrono::{Days, Months, NaiveDate};
use kernel::amount::Amount;
use loans::event::{Event, EventKind};
use loans::loan::Agreement;
use loans::schedule::{Schedule, schedule};
use loans::terms::{Contract, Terms};
use uuid::Uuid;

use crate::Failure;

pub const OPENED: &str = "2026-07-15";
pub const TODAY: &str = "2026-11-21";
/// More than four months before today, and a day that was closed.
pub const FOUR_MONTHS_AGO: &str = "2026-07-20";
pub const BRANCHES: usize = 200;
pub const OFFICERS: usize = 2_000;
pub const PRODUCTS: usize = 10;
pub const INSTALMENTS: u32 = 12;

/// One loan of the plan, by its number.
#[derive(Debug, Clone)]
pub struct Planned {
    pub branch: usize,
    pub officer: usize,
    pub product: usize,
    pub principal: Amount,
    pub disbursed_on: NaiveDate,
    pub first_due_on: NaiveDate,
    /// When the institution knows of the disbursement.
    pub booked_on: NaiveDate,
    /// Days and amounts; the first on the opening day, if it is there.
    pub payments: Vec<(NaiveDate, Amount)>,
}

pub fn day(text: &str) -> Result<NaiveDate, Failure> {
    Ok(text.parse()?)
}

impl Planned {
    pub fn new(number: usize, terms: &Terms) -> Result<Planned, Failure> {
        let (opened, today) = (day(OPENED)?, day(TODAY)?);
        let months = u32::try_from(number % 12)?;
        let next_due = today + Days::new(u64::try_from(number % 30)?);
        let first_due_on = next_due - Months::new(months);
        let disbursed_on = first_due_on - Months::new(1);
        let minor = 1_000_000 + i64::try_from(number)?.wrapping_mul(7_919).rem_euclid(90_000_000);
        let mut planned = Planned {
            branch: number % BRANCHES,
            officer: number % OFFICERS,
            product: number % PRODUCTS,
            principal: Amount::of_minor(minor),
            disbursed_on,
            first_due_on,
            booked_on: disbursed_on.max(opened),
            payments: Vec::new(),
        };
        let behind = if number % 100 < 12 { 1 + number % 7 } else { 0 };
        let paid = (number % 12).saturating_sub(behind);
        planned.payments = planned.payments_of(&planned.schedule(terms)?, paid, opened);
        Ok(planned)
    }

    pub fn schedule(&self, terms: &Terms) -> Result<Schedule, Failure> {
        let contract = Contract {
            principal: self.principal,
            instalments: INSTALMENTS,
            disbursed_on: self.disbursed_on,
            first_due_on: Some(self.first_due_on),
        };
        Ok(schedule(terms, &contract)?)
    }

    fn payments_of(&self, schedule: &Schedule, paid: usize, opened: NaiveDate) -> Vec<(NaiveDate, Amount)> {
        let (mut at_opening, mut since, mut last_due) = (Amount::ZERO, Amount::ZERO, opened);
        for instalment in schedule.instalments.iter().take(paid) {
            if instalment.due_on <= opened {
                at_opening += instalment.total();
            } else {
                since += instalment.total();
                last_due = instalment.due_on;
            }
        }
        [(opened, at_opening), (last_due, since)].into_iter().filter(|(_, amount)| amount.is_positive()).collect()
    }

    pub fn agreement(&self, terms: &Arc<Terms>) -> Arc<Agreement> {
        let terms = terms.clone();
        Arc::new(Agreement { terms, instalments: INSTALMENTS, first_due_on: Some(self.first_due_on) })
    }

    /// The events until the end of a day, as the institution knows them.
    pub fn events(&self, until: NaiveDate) -> Vec<Event> {
        let event = |value_on, booked_on, kind| Event { id: Uuid::now_v7(), value_on, booked_on, kind };
        let (amount, none) = (self.principal, Amount::ZERO);
        let disbursed = EventKind::Disbursed { amount, deducted_fees: none, withheld: none };
        let begun = [EventKind::Approved { amount }, disbursed];
        let begun = begun.into_iter().map(|kind| event(self.disbursed_on, self.booked_on, kind));
        let paid = self.payments.iter().map(|(on, amount)| event(*on, *on, EventKind::Repaid { amount: *amount }));
        begun.chain(paid).filter(|event| event.booked_on <= until).collect()
    }
}
