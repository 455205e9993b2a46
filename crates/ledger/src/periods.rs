//! Periods: months that are open, closing or closed. Nothing is booked into a month that is not open, and the balances of a closed
//! one are written down.
//!
//! Months close in order and are reopened from the last one back, so one date says it all: everything up to the end of the last closed
//! month is closed, also the months before the institution's first. Reopening takes two people.
//!
//! A close is an order. A job marks the month as closing, alone at the day gate, in a tiny transaction: every entry that was booked
//! into it before is committed, and none comes after. Then the job folds the turnover and writes the balances beside the
//! traffic. Killed anywhere and run again, it goes on where it was.

use std::time::{Duration, Instant};

use db::caller::{Caller, SYSTEM};
use db::deciding::{Facts, NotDone};
use db::fault::Fault;
use db::gates::{self, Gate, Try};
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::pool::Pool;
use db::tx::Tx;
use org::places::head_office;
use uuid::Uuid;

use crate::error::LedgerError;
use crate::fold::fold_between;
use crate::store_periods;

pub use crate::month::{Calendar, CloseOrder, Month, NotAMonth, Period, PeriodStatus};

/// Only one decision about months at a time: each looks at its neighbours.
pub fn claim() -> Claim {
    Claim::of("period", "")
}

/// Orders the close of a month whose days are all closed and booked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosePeriod {
    pub month: Month,
}

impl SlicedCommand for ClosePeriod {
    type Done = Period;

    fn about(&self) -> About {
        About { claims: vec![claim()], ..About::of("period.close") }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Period>>, Fault> {
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            outcomes.push(order_close(tx, command.month, caller).await?);
        }
        Ok(outcomes)
    }
}

async fn order_close(tx: &Tx, month: Month, caller: &Caller) -> Result<Outcome<Period>, Fault> {
    if caller.scope.branch_id != head_office(tx).await? {
        return Ok(Outcome::refused(LedgerError::HeadOfficeOnly));
    }
    let calendar = store_periods::calendar(tx).await?;
    if month < calendar.first {
        return Ok(Outcome::Absent);
    }
    let known = store_periods::period(tx, month).await?;
    let is_ordered = known.order.as_ref().is_some_and(|order| order.refused.is_none());
    if is_ordered || known.status == PeriodStatus::Closing {
        return Ok(Outcome::Done(known));
    }
    if let Err(refused) = decide_close(month, &calendar, calendar.last_ordered) {
        return Ok(Outcome::refused(refused));
    }
    let order = CloseOrder { at: tx.now, by: caller.user_id, refused: None };
    store_periods::close_order_insert(tx, month, &order).await?;
    Ok(Outcome::Done(Period { order: Some(order), ..known }))
}

/// Carries out all orders. Returns how many months it closed itself.
pub async fn work_off(pool: &Pool) -> Result<u32, Fault> {
    let mut closed = 0;
    while let Some((month, by)) = next_order(pool).await? {
        match mark_closing(pool, month).await {
            Ok(true) => {
                fold_days(pool, month).await?;
                closed += u32::from(write_balances(pool, month, by).await?);
            }
            Ok(false) => {}
            Err(fault) if gates::should_try_again(&fault).await => {}
            Err(fault) => return Err(fault),
        }
    }
    Ok(closed)
}

async fn next_order(pool: &Pool) -> Result<Option<(Month, Uuid)>, Fault> {
    store_periods::close_order_next(&Tx::begin_reading(pool).await?).await
}

/// Marks a month as closing, alone at the day gate. False where it is not to be closed after all, or another server is at it.
async fn mark_closing(pool: &Pool, month: Month) -> Result<bool, Fault> {
    let tx = Tx::begin_long(pool).await?;
    if !gates::try_close(&tx, Gate::PeriodClose).await? {
        tx.rollback().await?;
        tokio::time::sleep(PAUSE).await;
        return Ok(false);
    }
    // Another server has marked it, or this one has before it was killed: the day is not stopped again.
    if store_periods::calendar(&tx).await?.closing == Some(month) {
        tx.rollback().await?;
        return Ok(true);
    }
    gates::close(&tx, Gate::Day).await?;
    // Read after the gate: what was booked until now may have made an earlier month the first.
    let calendar = store_periods::calendar(&tx).await?;
    let decided = decide_close(month, &calendar, None);
    match &decided {
        Ok(()) => store_periods::period_change(&tx, month, PeriodStatus::Closing, SYSTEM).await?,
        Err(refused) => store_periods::close_order_refuse(&tx, month, &refused.to_string()).await?,
    }
    tx.commit().await?;
    Ok(decided.is_ok())
}

/// Folds the turnover of a month that is closing day by day, and rests after each: the close is in no hurry, and the traffic beside it
/// keeps most of the machine. Whatever another server folds meanwhile is folded.
async fn fold_days(pool: &Pool, month: Month) -> Result<(), Fault> {
    for day in month.starts_on().iter_days().take_while(|day| *day <= month.ends_on()) {
        let began = Instant::now();
        let tx = Tx::begin_long(pool).await?;
        fold_between(&tx, day, day).await?;
        tx.commit().await?;
        tokio::time::sleep(began.elapsed() * REST).await;
    }
    Ok(())
}

/// How many times as long as it worked a close rests.
const REST: u32 = 3;

/// Writes the balances of a month that is closing, beside the traffic. False where another server did.
async fn write_balances(pool: &Pool, month: Month, by: Uuid) -> Result<bool, Fault> {
    let tx = Tx::begin_long(pool).await?;
    let is_ours = gates::try_close(&tx, Gate::PeriodClose).await?;
    // Read after the gate: the closer before us may just have finished.
    if !is_ours || store_periods::calendar(&tx).await?.closing != Some(month) {
        tx.rollback().await?;
        tokio::time::sleep(PAUSE).await;
        return Ok(false);
    }
    store_periods::balances_insert(&tx, month).await?;
    store_periods::period_change(&tx, month, PeriodStatus::Closed, by).await?;
    store_periods::close_order_delete(&tx, month).await?;
    tx.commit().await?;
    tracing::info!(%month, "a month was closed");
    Ok(true)
}

/// How long a closer waits for another that is at it.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether a month may be closed. `ordered`: the last month before it that will be closed by then.
fn decide_close(month: Month, calendar: &Calendar, ordered: Option<Month>) -> Result<(), LedgerError> {
    if calendar.last_closed.is_some_and(|last| month <= last) {
        return Err(LedgerError::MonthClosed { month });
    }
    if calendar.business_date <= month.ends_on() {
        return Err(LedgerError::MonthNotOver { month, business_date: calendar.business_date });
    }
    if let Some(day) = calendar.not_booked.filter(|day| *day <= month.ends_on()) {
        return Err(LedgerError::DayNotBooked { day });
    }
    let last = calendar.last_closed.max(ordered.filter(|ordered| *ordered < month));
    let due = last.map_or(calendar.first, Month::next);
    if due < month {
        return Err(LedgerError::EarlierMonthOpen { month: due });
    }
    Ok(())
}

/// Opens a closed month again. A second person agrees first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReopenPeriod {
    pub month: Month,
}

impl ReopenPeriod {
    pub fn about(&self) -> About {
        About { claims: vec![claim()], tries: vec![Try::TakePeriods], ..About::of("period.reopen") }
    }

    /// Whether the month can be reopened, and what a second person has to know.
    pub async fn decide(&self, tx: &Tx) -> Result<Result<Facts, NotDone>, Fault> {
        let calendar = store_periods::calendar(tx).await?;
        if self.month < calendar.first {
            return Ok(Err(NotDone::Absent));
        }
        if let Err(refused) = decide_reopen(self.month, &calendar) {
            return Ok(Err(refused.into()));
        }
        // It concerns all branches: only the head office sees them all, and decides.
        let branches = vec![head_office(tx).await?];
        Ok(Ok(Facts { branches, description: Some(self.month.to_string()), ..Facts::default() }))
    }

    /// Reopens the month, which `decide` has found possible.
    pub async fn carry_out(&self, tx: &Tx, user_id: Uuid) -> Result<Period, Fault> {
        store_periods::balances_delete(tx, self.month).await?;
        store_periods::period_change(tx, self.month, PeriodStatus::Open, user_id).await?;
        store_periods::period(tx, self.month).await
    }
}

fn decide_reopen(month: Month, calendar: &Calendar) -> Result<(), LedgerError> {
    match calendar.last_closed.max(calendar.closing) {
        Some(last) if last == month && calendar.closing.is_none() => Ok(()),
        Some(last) if month < last => Err(LedgerError::LaterMonthClosed { month: last }),
        Some(last) if last == month => Err(LedgerError::PeriodClosing { month }),
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
            known.unwrap_or(Period { month, status: PeriodStatus::Open, changed: None, order: None })
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
            closing: None,
            last_ordered: None,
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
            let refused = decide_close(month(text), &calendar, None).err();
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
        let january = Period { month: month("2026-01"), status: PeriodStatus::Closed, changed: None, order: None };
        let listed = months(&calendar(Some("2026-01"), "2026-03-05", None), std::slice::from_ref(&january));
        assert_eq!(listed.len(), 3);
        assert_eq!(listed[0], january);
        assert_eq!(listed[2].month, month("2026-03"));
    }
}
