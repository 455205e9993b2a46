//! Gates: transaction-level advisory locks that posters share and a closer takes alone.
//!
//! A gate is taken in one statement and the state that it guards is read in the next: read in the same statement, the value
//! would be the one from before the wait.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{Datelike, NaiveDate};
use rand::RngExt;
use tokio_postgres::error::SqlState;

use crate::fault::Fault;
use crate::keys::Claim;
use crate::tx::Tx;

/// The first of the two numbers of a gate's advisory lock; unique values use the one-number space.
const GATES: i32 = 0x0041_594e;
const DAY: i32 = 0;
const DAY_CLOSE: i32 = 1;
const FURNISH: i32 = 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// The open business day.
    Day,
    /// A month that is booked into.
    Period { starts_on: NaiveDate },
    /// Only one closer of days at a time.
    DayClose,
    /// The first start on an empty database.
    Furnish,
}

impl Gate {
    /// The gate of the month that a date lies in.
    pub fn period_of(date: NaiveDate) -> Gate {
        Gate::Period { starts_on: date.with_day(1).unwrap_or(date) }
    }

    fn number(self) -> i32 {
        match self {
            Gate::Day => DAY,
            Gate::DayClose => DAY_CLOSE,
            Gate::Furnish => FURNISH,
            Gate::Period { starts_on } => starts_on.year() * 100 + i32::try_from(starts_on.month()).unwrap_or_default(),
        }
    }
}

/// One statement for both, gates first: claims are only tried. Without claims it still gives a row.
pub(crate) const SHARE_AND_CLAIM: &str = "select claim, pg_try_advisory_xact_lock(claim) as obtained
     from (select count(pg_advisory_xact_lock_shared($1, gate)) from unnest($2::int[]) as gate) as gates
     left join unnest($3::bigint[]) as claim on true";

/// Takes gates in shared mode, in the order of their numbers, and tries the locks of claims. Gives the claims obtained.
pub(crate) async fn share_and_claim(tx: &Tx, gates: &[Gate], claims: &[Claim]) -> Result<HashSet<Claim>, Fault> {
    let mut gates: Vec<i32> = gates.iter().map(|gate| gate.number()).collect();
    gates.sort_unstable();
    gates.dedup();
    let mut claims: Vec<i64> = claims.iter().map(|claim| claim.0).collect();
    claims.sort_unstable();
    claims.dedup();
    let rows = tx.query(SHARE_AND_CLAIM, &[&GATES, &gates, &claims]).await?;
    let obtained = rows.iter().filter(|row| row.get::<_, Option<bool>>("obtained") == Some(true));
    Ok(obtained.map(|row| Claim(row.get("claim"))).collect())
}

/// Takes a gate alone. Posters hold it for a few milliseconds; a closer that waits would make new posters wait behind it, so
/// it gives up after 200 ms: the caller rolls back and tries again.
pub async fn close(tx: &Tx, gate: Gate) -> Result<(), Fault> {
    tx.execute("select set_config('lock_timeout', '200ms', true)", &[]).await?;
    tx.query("select pg_advisory_xact_lock($1, $2)", &[&GATES, &gate.number()]).await?;
    tx.execute("select set_config('lock_timeout', '2s', true)", &[]).await?;
    Ok(())
}

/// Whether this transaction now holds a gate alone; false where another holds it.
pub async fn try_close(tx: &Tx, gate: Gate) -> Result<bool, Fault> {
    Ok(tx.query_one("select pg_try_advisory_xact_lock($1, $2)", &[&GATES, &gate.number()]).await?.get(0))
}

/// Whether a closer gave up on a gate and should come again, after a moment.
pub async fn should_try_again(fault: &Fault) -> bool {
    let Fault::Statement(error) = fault else { return false };
    if error.code() != Some(&SqlState::LOCK_NOT_AVAILABLE) {
        return false;
    }
    let pause = rand::rng().random_range(5..30);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    true
}
