//! The one place that reads the machine's clock.

use chrono::{DateTime, NaiveDate, SubsecRound, Utc};

/// Now, to the microsecond that Postgres keeps.
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// Today's calendar day where the server stands.
pub fn today() -> NaiveDate {
    chrono::Local::now().date_naive()
}
