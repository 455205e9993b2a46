//! A month, and what is known of its books.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use uuid::Uuid;

use crate::store;

/// A month, by its first day. Written `2026-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        /// Nothing more is booked into it, and its balances are on their way.
        Closing = "closing",
        Closed = "closed",
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub month: Month,
    pub status: PeriodStatus,
    /// When it was last closed or reopened, and by whom; `None`: it always was open.
    pub changed: Option<(DateTime<Utc>, Uuid)>,
    /// The order to close it, until it is closed.
    pub order: Option<CloseOrder>,
}

/// An order to close a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseOrder {
    pub at: DateTime<Utc>,
    pub by: Uuid,
    /// Why it was not carried out after all; a new order takes its place.
    pub refused: Option<String>,
}

/// What a decision about a month needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// The first month in which anything was booked, or business was open.
    pub first: Month,
    pub last_closed: Option<Month>,
    /// The month that is being closed.
    pub closing: Option<Month>,
    /// The last month that is ordered to be closed.
    pub last_ordered: Option<Month>,
    pub business_date: NaiveDate,
    /// The first day that has rolled and is not booked.
    pub not_booked: Option<NaiveDate>,
}
