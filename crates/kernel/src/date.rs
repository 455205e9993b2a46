//! Calendar dates as a contract uses them: bounds, reading, months that keep their day.
//!
//! A date here is a plain `NaiveDate`; which day is the institution's business day is decided elsewhere. No clock, no time
//! zones.

use chrono::{Datelike, Days, Months, NaiveDate};

/// The first day that a request may name.
pub const EARLIEST: NaiveDate = ymd_or_min(1900, 1, 1);

/// The last day that a request may name, and the last on which a schedule may end.
pub const LATEST: NaiveDate = ymd_or_min(2199, 12, 31);

const fn ymd_or_min(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MIN,
    }
}

/// Why a text is not a date of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    #[error("a date is written year-month-day, such as \"2026-01-31\", and must exist in the calendar")]
    Malformed,
    #[error("{0} is outside the dates that are kept here; name one from 1900-01-01 to 2199-12-31")]
    OutOfRange(NaiveDate),
}

/// Whether a request may name this day.
pub fn is_in_range(date: NaiveDate) -> bool {
    (EARLIEST..=LATEST).contains(&date)
}

/// The date itself where a request may name it.
pub fn in_range(date: NaiveDate) -> Result<NaiveDate, DateError> {
    if is_in_range(date) { Ok(date) } else { Err(DateError::OutOfRange(date)) }
}

/// Reads exactly `YYYY-MM-DD` in ASCII digits, within the bounds.
pub fn parse(text: &str) -> Result<NaiveDate, DateError> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return Err(DateError::Malformed);
    }
    in_range(text.parse().map_err(|_| DateError::Malformed)?)
}

/// The day `days` later, or `None` after [`LATEST`].
pub fn add_days(date: NaiveDate, days: u64) -> Option<NaiveDate> {
    date.checked_add_days(Days::new(days)).filter(|later| *later <= LATEST)
}

/// The day `days` earlier, or `None` before [`EARLIEST`].
pub fn sub_days(date: NaiveDate, days: u64) -> Option<NaiveDate> {
    date.checked_sub_days(Days::new(days)).filter(|earlier| *earlier >= EARLIEST)
}

/// The day `months` after the anchor, or `None` after [`LATEST`].
///
/// The anchor's day of the month is kept, or the month's last day stands in for it. Always count from the anchor, never
/// from the date before: 31 January + 1 month is 28 February, + 2 months is 31 March again.
pub fn add_months(anchor: NaiveDate, months: u32) -> Option<NaiveDate> {
    anchor.checked_add_months(Months::new(months)).filter(|later| *later <= LATEST)
}

/// The day `months` before the anchor, with the anchor's day of the month as in [`add_months`]. `None` before
/// [`EARLIEST`].
pub fn sub_months(anchor: NaiveDate, months: u32) -> Option<NaiveDate> {
    anchor.checked_sub_months(Months::new(months)).filter(|earlier| *earlier >= EARLIEST)
}

/// Whether the date is 28 February of a common year or 29 February of a leap year.
pub fn is_last_of_february(date: NaiveDate) -> bool {
    date.month() == 2 && date.day() == if date.leap_year() { 29 } else { 28 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        parse(text).unwrap()
    }

    #[test]
    fn dates_are_read_within_their_bounds() {
        for text in ["1900-01-01", "2024-02-29", "2199-12-31"] {
            assert_eq!(parse(text).map(|read| read.to_string()), Ok(text.to_owned()));
        }
        for text in ["1899-12-31", "2200-01-01", "0001-01-01"] {
            assert!(matches!(parse(text), Err(DateError::OutOfRange(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "2026-1-31",
            "2026-02-29",
            "2026-13-01",
            "+2026-01-1",
            "20260131",
            "2026/01/31",
            "2026-01-31 ",
            "2026-01-31T00:00:00Z",
            "\u{662}026-01-3",
        ] {
            assert_eq!(parse(text), Err(DateError::Malformed), "{text}");
        }
    }

    #[test]
    fn the_anchor_day_comes_back_after_a_short_month() {
        let cases = [
            ("2026-01-31", 1, "2026-02-28"),
            ("2026-01-31", 2, "2026-03-31"),
            ("2026-01-31", 3, "2026-04-30"),
            ("2024-01-30", 1, "2024-02-29"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2026-11-15", 2, "2027-01-15"),
        ];
        for (anchor, months, expect) in cases {
            assert_eq!(add_months(date(anchor), months), Some(date(expect)), "{anchor} + {months}");
        }
        assert_eq!(sub_months(date("2026-03-31"), 1), Some(date("2026-02-28")));
    }

    #[test]
    fn nothing_is_counted_past_the_bounds() {
        assert_eq!(add_days(date("2199-12-30"), 1), Some(LATEST));
        assert_eq!(add_days(date("2199-12-31"), 1), None);
        assert_eq!(add_days(date("2026-01-01"), u64::MAX), None);
        assert_eq!(add_months(date("2199-12-01"), 1), None);
        assert_eq!(add_months(date("2026-01-01"), u32::MAX), None);
        assert_eq!(sub_months(date("1900-01-31"), 1), None);
        assert_eq!(sub_days(date("1900-01-02"), 1), Some(EARLIEST));
        assert_eq!(sub_days(date("1900-01-02"), 2), None);
    }
}
