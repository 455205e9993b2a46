//! The days on which an institution is closed, and where a due date goes that falls on one of them.
//!
//! Invariant: at least one day of the week is a working day, so every shift ends. Deliberately absent: which branch has
//! which calendar, and whether interest follows a shifted date; the terms of a loan say that.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, Weekday};

use crate::date;
use crate::text_enum;

/// Public holidays and the weekdays that are always off.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    holidays: BTreeSet<NaiveDate>,
    /// Indexed by days from Monday.
    days_off: [bool; 7],
}

text_enum! {
    /// Where a due date goes that falls on a closed day.
    #[derive(Default)]
    pub enum DueDateShift {
        /// It stays where it is.
        #[default]
        None = "none",
        /// To the next working day.
        Next = "next",
        /// To the working day before.
        Previous = "previous",
        /// To the next working day, or to the one before where the next is in another month ("modified following").
        NextUnlessMonthChanges = "next_unless_month_changes",
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    #[error("all seven days of the week are off; leave at least one working day")]
    NoWorkingDay,
    #[error("there is no working day from {0} on within 1900-01-01 to 2199-12-31; remove some holidays")]
    NoWorkingDayFrom(NaiveDate),
}

impl Calendar {
    pub fn try_new(
        holidays: impl IntoIterator<Item = NaiveDate>,
        days_off: impl IntoIterator<Item = Weekday>,
    ) -> Result<Calendar, CalendarError> {
        let mut off = [false; 7];
        for weekday in days_off {
            off[weekday as usize] = true;
        }
        if off == [true; 7] {
            return Err(CalendarError::NoWorkingDay);
        }
        Ok(Calendar { holidays: holidays.into_iter().collect(), days_off: off })
    }

    pub fn is_working_day(&self, date: NaiveDate) -> bool {
        !self.days_off[date.weekday() as usize] && !self.holidays.contains(&date)
    }

    /// The date on which something that was due on `due_on` falls due. A working day stays.
    pub fn shift(&self, due_on: NaiveDate, rule: DueDateShift) -> Result<NaiveDate, CalendarError> {
        if self.is_working_day(due_on) {
            return Ok(due_on);
        }
        match rule {
            DueDateShift::None => Ok(due_on),
            DueDateShift::Next => self.next_working_day(due_on),
            DueDateShift::Previous => self.previous_working_day(due_on),
            DueDateShift::NextUnlessMonthChanges => match self.next_working_day(due_on) {
                Ok(next) if next.month() == due_on.month() => Ok(next),
                _ => self.previous_working_day(due_on),
            },
        }
    }

    fn next_working_day(&self, from: NaiveDate) -> Result<NaiveDate, CalendarError> {
        let mut days = from.iter_days().take_while(|day| *day <= date::LATEST);
        days.find(|day| self.is_working_day(*day)).ok_or(CalendarError::NoWorkingDayFrom(from))
    }

    fn previous_working_day(&self, from: NaiveDate) -> Result<NaiveDate, CalendarError> {
        let mut days = from.iter_days().rev().take_while(|day| *day >= date::EARLIEST);
        days.find(|day| self.is_working_day(*day)).ok_or(CalendarError::NoWorkingDayFrom(from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Saturdays and Sundays off; New Year, Good Friday and Easter Monday of 2026, and a Friday that ends a month.
    fn calendar() -> Calendar {
        let holidays = ["2026-01-01", "2026-04-03", "2026-04-06", "2026-07-31"].map(date);
        Calendar::try_new(holidays, [Weekday::Sat, Weekday::Sun]).unwrap()
    }

    #[test]
    fn a_due_date_moves_by_its_rule() {
        use DueDateShift::{Next, NextUnlessMonthChanges, None, Previous};
        let cases = [
            ("2026-03-18", Next, "2026-03-18"),
            ("2026-03-21", None, "2026-03-21"),
            ("2026-03-21", Next, "2026-03-23"),
            ("2026-03-22", Previous, "2026-03-20"),
            // Good Friday to Easter Monday.
            ("2026-04-03", Next, "2026-04-07"),
            ("2026-04-06", Previous, "2026-04-02"),
            ("2026-04-04", NextUnlessMonthChanges, "2026-04-07"),
            // Saturday 28 February: Monday is in March.
            ("2026-02-28", Next, "2026-03-02"),
            ("2026-02-28", NextUnlessMonthChanges, "2026-02-27"),
            // Friday 31 July is a holiday: Monday is in August.
            ("2026-07-31", NextUnlessMonthChanges, "2026-07-30"),
            ("2026-01-01", Previous, "2025-12-31"),
        ];
        for (due_on, rule, expect) in cases {
            assert_eq!(calendar().shift(date(due_on), rule), Ok(date(expect)), "{due_on} {rule:?}");
        }
    }

    #[test]
    fn a_week_has_a_working_day() {
        use Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
        let all = Calendar::try_new([], [Mon, Tue, Wed, Thu, Fri, Sat, Sun]);
        assert_eq!(all, Err(CalendarError::NoWorkingDay));
        let only_fridays = Calendar::try_new([], [Mon, Tue, Wed, Thu, Sat, Sun]).unwrap();
        assert_eq!(only_fridays.shift(date("2026-03-21"), DueDateShift::Next), Ok(date("2026-03-27")));
    }

    #[test]
    fn a_shift_stays_within_the_dates_that_are_kept() {
        let closed = Calendar::try_new([date::LATEST], []).unwrap();
        assert!(matches!(closed.shift(date::LATEST, DueDateShift::Next), Err(CalendarError::NoWorkingDayFrom(_))));
        let shifted = closed.shift(date::LATEST, DueDateShift::NextUnlessMonthChanges);
        assert_eq!(shifted, Ok(date("2199-12-30")));
    }
}
