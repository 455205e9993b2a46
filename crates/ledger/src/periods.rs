//! Periods: months that are open or closed. Nothing is booked into a closed month, and its balances are written down.
//!
//! Months close in order and are reopened from the last one back, so one date says it all: everything up to the end of the last closed
//! month is closed, also the months before the institution's first. Reopening takes two people.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use db::caller::Caller;
use db::fault::Fault;
use db::gates::{self, Gate};
use db::keys::Claim;
use db::lane::{Asked, Command, Outcome, OutcomeOf};
use db::tx::Tx;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::approvals::{NewApproval, Order};
use crate::error::LedgerError;
use crate::fold::fold_between;
use crate::{store, store_periods};

/// A month, by its first day. Written `2026-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(NaiveDate);

/// The text is not a month such as `2026-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a month is written year-month, such as \"2026-01\"")]
pub struct NotAMonth;

impl Month {
    /// The month that a day lies in.
    pub fn of(day: NaiveDate) -> Month {
        Month(day.with_day(1).unwrap_or(day))
    }

    pub fn starts_on(self) -> NaiveDate {
        self.0
    }

    pub fn ends_on(self) -> NaiveDate {
        store::month_end(self.0)
    }

    pub fn next(self) -> Month {
        Month(self.0.checked_add_months(Months::new(1)).unwrap_or(self.0))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m"))
    }
}

impl FromStr for Month {
    type Err = NotAMonth;

    fn from_str(text: &str) -> Result<Month, NotAMonth> {
        kernel::date::parse(&format!("{text}-01")).map(Month).map_err(|_| NotAMonth)
    }
}

kernel::text_enum! {
    pub enum PeriodStatus {
        Open = "open",
        Closed = "closed",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub month: Month,
    pub status: PeriodStatus,
    /// When it was last closed or reopened, and by whom; `None`: it always was open.
    pub changed: Option<(DateTime<Utc>, Uuid)>,
}

/// What a decision about a month needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The first month in which anything was booked, or business was open.
    pub first: Month,
    pub last_closed: Option<Month>,
    pub business_date: NaiveDate,
    /// The first day that has rolled and is not booked.
    pub not_booked: Option<NaiveDate>,
}

/// Only one decision about months at a time: each looks at its neighbours.
pub fn claim() -> Claim {
    Claim::of("period", "")
}

/// Closes a month whose days are all closed and booked.
#[derive(Debug, Clone)]
pub struct ClosePeriod {
    pub month: Month,
}

impl Command for ClosePeriod {
    type Done = Period;
    type Refused = LedgerError;
    const OPERATION: &'static str = "period.close";

    fn claims(&self) -> Vec<Claim> {
        vec![claim()]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            outcomes.push(close(tx, command.month, caller).await?);
        }
        Ok(outcomes)
    }
}

async fn close(tx: &Tx, month: Month, caller: &Caller) -> Result<OutcomeOf<ClosePeriod>, Fault> {
    gates::close(tx, Gate::period_of(month.starts_on())).await?;
    let mut calendar = store_periods::calendar(tx).await?;
    if calendar.last_closed.is_none() {
        // With the first one all earlier months close too, and they have no end: whoever still books into one shares the day.
        gates::close(tx, Gate::Day).await?;
        calendar = store_periods::calendar(tx).await?;
    }
    if month < calendar.first {
        return Ok(Outcome::Absent);
    }
    if let Err(refused) = decide_close(month, &calendar) {
        return Ok(Outcome::Refused(refused));
    }
    fold_between(tx, month.starts_on(), month.ends_on()).await?;
    store_periods::balances_insert(tx, month).await?;
    store_periods::period_change(tx, month, PeriodStatus::Closed, caller.user_id).await?;
    Ok(Outcome::Done(Period { month, status: PeriodStatus::Closed, changed: Some((tx.now, caller.user_id)) }))
}

fn decide_close(month: Month, calendar: &Calendar) -> Result<(), LedgerError> {
    if calendar.last_closed.is_some_and(|last| month <= last) {
        return Err(LedgerError::MonthClosed { month });
    }
    if calendar.business_date <= month.ends_on() {
        return Err(LedgerError::MonthNotOver { month, business_date: calendar.business_date });
    }
    if let Some(day) = calendar.not_booked.filter(|day| *day <= month.ends_on()) {
        return Err(LedgerError::DayNotBooked { day });
    }
    let due = calendar.last_closed.map_or(calendar.first, Month::next);
    if due < month {
        return Err(LedgerError::EarlierMonthOpen { month: due });
    }
    Ok(())
}

/// Opens a closed month again. Always held for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReopenPeriod {
    pub month: Month,
}

impl Command for ReopenPeriod {
    type Done = Period;
    type Refused = LedgerError;
    const OPERATION: &'static str = "period.reopen";

    fn claims(&self) -> Vec<Claim> {
        vec![claim()]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let orders: Vec<Order<'_, Self>> = asked
            .iter()
            .map(|asked| Order {
                command: asked.command,
                scope: asked.caller.scope,
                user_id: asked.caller.user_id,
                approved: false,
            })
            .collect();
        reopen(tx, &orders).await
    }
}

/// Holds what was not approved, and reopens what was.
pub async fn reopen(tx: &Tx, orders: &[Order<'_, ReopenPeriod>]) -> Result<Vec<OutcomeOf<ReopenPeriod>>, Fault> {
    let mut outcomes = Vec::new();
    for order in orders {
        outcomes.push(reopen_one(tx, order).await?);
    }
    Ok(outcomes)
}

async fn reopen_one(tx: &Tx, order: &Order<'_, ReopenPeriod>) -> Result<OutcomeOf<ReopenPeriod>, Fault> {
    let month = order.command.month;
    if order.approved {
        gates::close(tx, Gate::period_of(month.starts_on())).await?;
    }
    let calendar = store_periods::calendar(tx).await?;
    if month < calendar.first {
        return Ok(Outcome::Absent);
    }
    if let Err(refused) = decide_reopen(month, &calendar) {
        return Ok(Outcome::Refused(refused));
    }
    if !order.approved {
        let branch_id = store_periods::head_office(tx).await?;
        let summary = format!("Reopening of {month}");
        let approval = NewApproval::of(tx, ReopenPeriod::OPERATION, order.command, summary, branch_id, order.user_id)?;
        store::approvals_insert(tx, std::slice::from_ref(&approval)).await?;
        return Ok(Outcome::Held(approval.held()));
    }
    store_periods::balances_delete(tx, month).await?;
    store_periods::period_change(tx, month, PeriodStatus::Open, order.user_id).await?;
    Ok(Outcome::Done(Period { month, status: PeriodStatus::Open, changed: Some((tx.now, order.user_id)) }))
}

fn decide_reopen(month: Month, calendar: &Calendar) -> Result<(), LedgerError> {
    match calendar.last_closed {
        Some(last) if last == month => Ok(()),
        Some(last) if month < last => Err(LedgerError::LaterMonthClosed { month: last }),
        _ => Err(LedgerError::MonthOpen { month }),
    }
}

/// All months from the first to the open one. `changed` are those that were ever closed.
pub fn months(calendar: &Calendar, changed: &[Period]) -> Vec<Period> {
    let last = Month::of(calendar.business_date).max(calendar.first);
    std::iter::successors(Some(calendar.first), |month| Some(month.next()))
        .take_while(|month| *month <= last)
        .map(|month| {
            let known = changed.iter().find(|period| period.month == month).cloned();
            known.unwrap_or(Period { month, status: PeriodStatus::Open, changed: None })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::refusal::Refusal;

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    fn calendar(last_closed: Option<&str>, business_date: &str, not_booked: Option<&str>) -> Calendar {
        Calendar {
            first: month("2026-01"),
            last_closed: last_closed.map(month),
            business_date: business_date.parse().unwrap(),
            not_booked: not_booked.map(|day| day.parse().unwrap()),
        }
    }

    #[test]
    fn a_month_is_read_and_written_the_same_way() {
        assert_eq!(month("2026-02").to_string(), "2026-02");
        assert_eq!(month("2026-02").ends_on(), "2026-02-28".parse().unwrap());
        assert_eq!(month("2026-12").next(), month("2027-01"));
        for text in ["2026-2", "2026-13", "2026", "2026-02-01", "", "9999-01"] {
            assert_eq!(text.parse::<Month>(), Err(NotAMonth), "{text}");
        }
    }

    #[test]
    fn months_close_in_order_when_all_their_days_are_booked() {
        let cases = [
            ("2026-01", calendar(None, "2026-02-01", None), None),
            ("2026-01", calendar(None, "2026-01-31", None), Some("period.not_over")),
            ("2026-01", calendar(None, "2026-02-01", Some("2026-01-31")), Some("period.day_not_booked")),
            ("2026-01", calendar(None, "2026-03-05", Some("2026-02-28")), None),
            ("2026-02", calendar(None, "2026-03-01", None), Some("period.earlier_open")),
            ("2026-02", calendar(Some("2026-01"), "2026-03-01", None), None),
            ("2026-01", calendar(Some("2026-01"), "2026-03-01", None), Some("period.already_closed")),
        ];
        for (text, calendar, expect) in cases {
            let refused = decide_close(month(text), &calendar).err();
            assert_eq!(refused.as_ref().map(Refusal::code), expect, "{text} {calendar:?}");
        }
    }

    #[test]
    fn months_are_reopened_from_the_last_one_back() {
        let closed = calendar(Some("2026-02"), "2026-03-05", None);
        assert_eq!(decide_reopen(month("2026-02"), &closed), Ok(()));
        assert_eq!(
            decide_reopen(month("2026-01"), &closed),
            Err(LedgerError::LaterMonthClosed { month: month("2026-02") })
        );
        assert_eq!(decide_reopen(month("2026-03"), &closed), Err(LedgerError::MonthOpen { month: month("2026-03") }));
    }

    #[test]
    fn the_list_goes_from_the_first_month_to_the_open_one() {
        let january = Period { month: month("2026-01"), status: PeriodStatus::Closed, changed: None };
        let listed = months(&calendar(Some("2026-01"), "2026-03-05", None), std::slice::from_ref(&january));
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[0], january);
        assert_eq!(listed[2].month, month("2026-03"));
    }
}
