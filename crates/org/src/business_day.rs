//! The business day: the institution's date, on which everything is booked. It rolls only forward, one day at a time.

use chrono::NaiveDate;
use db::fault::Fault;
use db::gates::{self, Gate};
use db::pool::Pool;
use db::tx::Tx;
use uuid::Uuid;

use crate::store;

pub use crate::record::DayClose;

/// Rolls the open day if it still is `day`: a tiny transaction alone at the day gate. From then on nothing more is booked on
/// `day` but its close. Doing it twice does nothing.
pub async fn roll(pool: &Pool, day: NaiveDate, user_id: Uuid) -> Result<(), Fault> {
    loop {
        match roll_once(pool, day, user_id).await {
            Err(fault) if gates::should_try_again(&fault).await => {}
            other => return other,
        }
    }
}

async fn roll_once(pool: &Pool, day: NaiveDate, user_id: Uuid) -> Result<(), Fault> {
    let tx = Tx::begin_long(pool).await?;
    gates::close(&tx, Gate::Day).await?;
    store::business_day_roll(&tx, day, user_id).await?;
    tx.commit().await
}
