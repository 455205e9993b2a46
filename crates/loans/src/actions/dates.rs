//! Value dates: never in the future; in the past with the permission and within the institution's limit.

use chrono::NaiveDate;
use db::caller::{Caller, Denied};
use db::fault::Fault;
use db::tx::Tx;

use crate::error::LoanError;

/// The permission to say that something happened on a day before today.
pub const BACK_DATE: &str = "loan.back_date";

/// Why a value date is not taken.
#[derive(Debug)]
pub enum NotTaken {
    Denied(Denied),
    Refused(LoanError),
}

/// The institution's limit for back-dating, in days; `None`: none is set.
pub async fn backdating_limit(tx: &Tx) -> Result<Option<i32>, Fault> {
    Ok(tx.query_one("select backdating_limit_days from setting", &[]).await?.get(0))
}

/// The value date of a command: the open day where none is given. `pointer` is where it stands in the request.
pub fn value_date(
    given: Option<NaiveDate>,
    business_date: NaiveDate,
    caller: &Caller,
    limit: Option<i32>,
    pointer: &'static str,
) -> Result<NaiveDate, NotTaken> {
    let value_on = given.unwrap_or(business_date);
    if value_on > business_date {
        return Err(NotTaken::Refused(LoanError::InTheFuture { value_on, business_date, pointer }));
    }
    if value_on == business_date {
        return Ok(value_on);
    }
    if !caller.may(BACK_DATE) {
        return Err(NotTaken::Denied(Denied::Lacks(BACK_DATE)));
    }
    match limit {
        Some(days) if (business_date - value_on).num_days() > i64::from(days) => {
            Err(NotTaken::Refused(LoanError::BackDatedTooFar { value_on, days, pointer }))
        }
        _ => Ok(value_on),
    }
}
