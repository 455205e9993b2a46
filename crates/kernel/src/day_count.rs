//! Day-count conventions: how many days lie between two dates, and what part of a year that is.
//!
//! Everything is an integer: a span of time has a *weight*, and a year has [`DayCount::weight_per_year`]. Interest for a
//! span is balance × annual rate × weight / weight per year, and a part of a span is the ratio of two weights, so nothing
//! is rounded before the amount is. The first day counts, the last does not. A span that runs backwards weighs the
//! negative of the same span run forwards.
//!
//! The 30/360 conventions are not additive: the weights of two adjoining spans may differ from the weight of both together
//! by a day or two, and a span from the 30th to the 31st weighs nothing. Deliberately absent: Actual/Actual ICMA and
//! business/252, which no micro-lender quotes.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use crate::date::is_last_of_february;
use crate::text_enum;

text_enum! {
    /// How days are counted and how many make a year.
    #[derive(Default)]
    pub enum DayCount {
        /// 30/360 US (bond basis) with its end-of-February rule.
        #[default]
        Thirty360 = "30/360",
        /// 30E/360 (Eurobond basis).
        ThirtyE360 = "30e/360",
        Actual360 = "actual/360",
        /// 52 weeks of 7 days, as weekly lenders count.
        Actual364 = "actual/364",
        Actual365 = "actual/365",
        /// Actual/Actual ISDA: days in a leap year are 366ths, other days 365ths.
        ActualActual = "actual/actual",
    }
}

impl DayCount {
    /// The days of a nominal year, for a rate quoted per day and for periods counted in days. A year of actual/actual has
    /// 365 here, because a quoted rate must not change on 1 January.
    pub const fn days_in_year(self) -> i64 {
        match self {
            DayCount::Thirty360 | DayCount::ThirtyE360 | DayCount::Actual360 => 360,
            DayCount::Actual364 => 364,
            DayCount::Actual365 | DayCount::ActualActual => 365,
        }
    }

    /// The days from the first date to the second by this convention.
    pub fn days(self, from: NaiveDate, to: NaiveDate) -> i64 {
        if from > to {
            return -self.days(to, from);
        }
        match self {
            DayCount::Thirty360 => thirty_360_days(from, to),
            DayCount::ThirtyE360 => months_of_thirty(from, to, from.day().min(30), to.day().min(30)),
            _ => (to - from).num_days(),
        }
    }

    /// The span in units of which [`weight_per_year`](Self::weight_per_year) make a year: days, or for actual/actual
    /// days × 366 outside leap years and days × 365 inside, so that ratios of weights are ratios of year fractions.
    pub fn weight(self, from: NaiveDate, to: NaiveDate) -> i64 {
        match self {
            DayCount::ActualActual => {
                let leap = leap_year_days_before(to) - leap_year_days_before(from);
                let other = (to - from).num_days() - leap;
                other * 366 + leap * 365
            }
            _ => self.days(from, to),
        }
    }

    /// The weight of one year.
    pub const fn weight_per_year(self) -> i64 {
        match self {
            DayCount::ActualActual => 365 * 366,
            _ => self.days_in_year(),
        }
    }

    /// The part of a year as numerator and denominator, exactly.
    pub fn year_fraction_ratio(self, from: NaiveDate, to: NaiveDate) -> (i64, i64) {
        (self.weight(from, to), self.weight_per_year())
    }

    /// The part of a year to 28 digits. Multiply by [`year_fraction_ratio`](Self::year_fraction_ratio) where a half must
    /// round exactly.
    pub fn year_fraction(self, from: NaiveDate, to: NaiveDate) -> Decimal {
        let (weight, per_year) = self.year_fraction_ratio(from, to);
        Decimal::from(weight) / Decimal::from(per_year)
    }
}

/// 30/360 US: if the first day is the last of February it is the 30th, and so is the second day if it is one too; a
/// second 31st after a first 30th or 31st is the 30th; a first 31st is the 30th.
fn thirty_360_days(from: NaiveDate, to: NaiveDate) -> i64 {
    let (mut first, mut second) = (from.day(), to.day());
    if is_last_of_february(from) {
        if is_last_of_february(to) {
            second = 30;
        }
        first = 30;
    }
    if second == 31 && first >= 30 {
        second = 30;
    }
    months_of_thirty(from, to, first.min(30), second)
}

fn months_of_thirty(from: NaiveDate, to: NaiveDate, first_day: u32, second_day: u32) -> i64 {
    let months = i64::from(to.year() - from.year()) * 12 + i64::from(to.month()) - i64::from(from.month());
    months * 30 + i64::from(second_day) - i64::from(first_day)
}

/// How many days of leap years lie before the date, counted from the beginning of the calendar.
fn leap_year_days_before(date: NaiveDate) -> i64 {
    let past = i64::from(date.year()) - 1;
    let leap_years = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    let this_year = if date.leap_year() { i64::from(date.ordinal0()) } else { 0 };
    leap_years * 366 + this_year
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amount::Amount;
    use proptest::prelude::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Interest on 10,000.00 at 18 %, in cents.
    fn interest(count: DayCount, from: &str, to: &str) -> i64 {
        let (weight, per_year) = count.year_fraction_ratio(date(from), date(to));
        let minor = Decimal::from(180_000 * weight) / Decimal::from(per_year);
        Amount::round_half_up(minor).unwrap().minor()
    }

    /// Actual days, then the 30/360 days and amounts, then the amounts of the four actual conventions.
    #[test]
    fn the_table_of_reference() {
        let rows = [
            ("2026-01-31", "2026-02-28", 28, [28, 28], [14_000, 14_000, 14_000, 13_846, 13_808, 13_808]),
            ("2026-02-28", "2026-03-31", 31, [30, 32], [15_000, 16_000, 15_500, 15_330, 15_288, 15_288]),
            ("2023-11-15", "2024-02-15", 92, [90, 90], [45_000, 45_000, 46_000, 45_495, 45_370, 45_309]),
            ("2024-01-15", "2024-07-15", 182, [180, 180], [90_000, 90_000, 91_000, 90_000, 89_753, 89_508]),
            ("2026-01-10", "2026-03-05", 54, [55, 55], [27_500, 27_500, 27_000, 26_703, 26_630, 26_630]),
        ];
        for (from, to, actual, thirty, amounts) in rows {
            for (count, amount) in DayCount::ALL.iter().copied().zip(amounts) {
                let days = match count {
                    DayCount::Thirty360 => thirty[0],
                    DayCount::ThirtyE360 => thirty[1],
                    _ => actual,
                };
                assert_eq!(count.days(date(from), date(to)), days, "{count} {from} {to}");
                assert_eq!(interest(count, from, to), amount, "{count} {from} {to}");
            }
        }
    }

    #[test]
    fn the_us_rules_at_the_ends_of_months() {
        let cases = [
            ("2026-01-30", "2026-01-31", 0),
            ("2026-01-29", "2026-01-31", 2),
            ("2026-01-31", "2026-03-31", 60),
            ("2026-03-15", "2026-03-31", 16),
            ("2024-02-29", "2025-02-28", 360),
            ("2024-02-28", "2024-03-31", 33),
            ("2026-02-28", "2026-03-01", 1),
        ];
        for (from, to, days) in cases {
            assert_eq!(DayCount::Thirty360.days(date(from), date(to)), days, "{from} {to}");
        }
    }

    #[test]
    fn the_words_are_fixed() {
        let words = ["30/360", "30e/360", "actual/360", "actual/364", "actual/365", "actual/actual"];
        for (count, word) in DayCount::ALL.iter().copied().zip(words) {
            assert_eq!(count.to_string(), word);
            assert_eq!(word.parse(), Ok(count));
        }
        for text in ["", "30E/360", "actual", "act/365", " 30/360"] {
            assert!(text.parse::<DayCount>().is_err(), "{text}");
        }
        assert_eq!(DayCount::default(), DayCount::Thirty360);
    }

    prop_compose! {
        fn any_date()(day in 0..109_572_u64) -> NaiveDate {
            crate::date::add_days(crate::date::EARLIEST, day).unwrap()
        }
    }

    proptest! {
        /// Actual/actual cuts at each 1 January by itself: summing day by day gives the same weight.
        #[test]
        fn actual_actual_is_a_sum_of_days(from in any_date(), length in 0..1_500_u64) {
            let days = from.iter_days().take(usize::try_from(length).unwrap());
            let by_day: i64 = days.map(|day| if day.leap_year() { 365 } else { 366 }).sum();
            let to = from.checked_add_days(chrono::Days::new(length)).unwrap();
            prop_assert_eq!(DayCount::ActualActual.weight(from, to), by_day);
        }

        #[test]
        fn a_span_run_backwards_is_negative(from in any_date(), to in any_date()) {
            for &count in DayCount::ALL {
                prop_assert_eq!(count.weight(from, to), -count.weight(to, from));
                prop_assert!(count.weight(from.min(to), from.max(to)) >= 0);
            }
        }

        /// Not so for the last day of February, whose number changes with the year.
        #[test]
        fn twelve_months_of_thirty_days_are_a_year(from in any_date(), european in any::<bool>()) {
            prop_assume!(from < date("2199-01-01") && !is_last_of_february(from));
            let count = if european { DayCount::ThirtyE360 } else { DayCount::Thirty360 };
            prop_assert_eq!(count.days(from, crate::date::add_months(from, 12).unwrap()), 360);
        }
    }
}
