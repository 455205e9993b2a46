//! Dry runs: what a command would do, decided on one snapshot, without a key, a lock or a trace.

use chrono::NaiveDate;
use db::lane::{Asked, Command, Outcome};
use db::tx::Tx;
use kernel::refusal::Refusal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::asking::{Asking, Reading};
use crate::problem::Problem;

/// What is allowed, and should be seen before it is done.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WarningView {
    /// `back_dated`, `booked_earlier`, `settles`, `overpaid`.
    code: &'static str,
    detail: String,
}

impl WarningView {
    pub fn new(code: &'static str, detail: impl Into<String>) -> WarningView {
        WarningView { code, detail: detail.into() }
    }

    /// Of a value date before the day of booking.
    pub fn of_days(value_on: NaiveDate, booked_on: NaiveDate) -> Option<WarningView> {
        let detail = || format!("it counts from {value_on} and is booked on {booked_on}");
        (value_on < booked_on).then(|| WarningView::new("back_dated", detail()))
    }
}

/// What the command would do, and the snapshot that it was decided on.
pub async fn foreseen<C>(asking: &Asking, command: &C) -> Result<(Tx, C::Done), Problem>
where
    C: Command,
    C::Refused: Refusal,
{
    let Reading { mut tx, caller } = asking.read().await?;
    let outcomes = C::preview(&mut tx, &[Asked { caller: &caller, command, key_id: None }]).await?;
    match outcomes.into_iter().next() {
        Some(Outcome::Done(done)) => Ok((tx, done)),
        Some(Outcome::Refused(error)) => Err(Problem::of_refusal(&error)),
        Some(Outcome::Denied(denied)) => Err(Problem::of_denied(denied)),
        Some(Outcome::Absent) => Err(Problem::not_found()),
        Some(Outcome::Held(_) | Outcome::Busy) | None => Err(Problem::unavailable()),
    }
}
