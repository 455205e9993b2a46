//! Gates: transaction-level advisory locks that posters share and a closer takes alone.
//!
//! A gate is taken in one statement and the state that it guards is read in the next: read in the same statement, the value
//! would be the one from before the wait.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use rand::RngExt;
use uuid::Uuid;

use crate::fault::{Fault, Remedy};
use crate::keys::{Claim, lock_digest};
use crate::tx::{Locking, Tx};

/// In the order in which a transaction takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// The open business day.
    Day,
    /// Only one closer of days at a time.
    DayClose,
    /// The chart and its mappings.
    Chart,
    /// Only one closer of months at a time.
    PeriodClose,
    /// The first start on an empty database.
    Furnish,
}

/// A gate that a command only tries: where it is not to be had, the command comes again, and at last alone, to wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Try {
    /// The chart stays as it is: manual entries.
    ShareChart,
    /// The chart changes: new accounts and products.
    TakeChart,
    /// No month is being closed meanwhile: a month that is reopened.
    TakePeriods,
}

impl Gate {
    /// The two numbers of its lock in an institution. Claims have the space of one number, and so never meet a gate.
    pub fn numbers(self, institution_id: Uuid) -> (i32, i32) {
        let name: &[u8] = match self {
            Gate::Day => b"day",
            Gate::Chart => b"chart",
            Gate::DayClose => b"day_close",
            Gate::PeriodClose => b"period_close",
            Gate::Furnish => b"furnish",
        };
        let [a, b, c, d, e, f, g, h] = lock_digest(b"gate ", institution_id, name);
        (i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h]))
    }
}

/// One statement for both, the gate first: claims are only tried. Without claims it still returns a row.
pub(crate) const SHARE_AND_CLAIM: &str = "select claim, pg_try_advisory_xact_lock(claim) as obtained
     from (select pg_advisory_xact_lock_shared($1, $2)) as gate left join unnest($3::bigint[]) as claim on true";

/// Shares a gate, and tries the locks of claims. Returns the claims obtained.
pub(crate) async fn share_and_claim(tx: &Tx, gate: Gate, claims: &[Claim]) -> Result<HashSet<Claim>, Fault> {
    let (high, low) = gate.numbers(tx.institution_id());
    let by_number: HashMap<i64, Claim> = claims.iter().map(|claim| (tx.lock_number(*claim), *claim)).collect();
    let mut claims: Vec<i64> = by_number.keys().copied().collect();
    claims.sort_unstable();
    let rows = tx.query(SHARE_AND_CLAIM, &[&high, &low, &claims]).await?;
    let obtained = rows.iter().filter(|row| row.get::<_, Option<bool>>("obtained") == Some(true));
    Ok(obtained.filter_map(|row| by_number.get(&row.get("claim")).copied()).collect())
}

pub(crate) const TRY: &str =
    "select case when $3 then pg_try_advisory_xact_lock($1, $2) else pg_try_advisory_xact_lock_shared($1, $2) end";

pub(crate) const WAIT: &str = "select true
     from (select case when $3 then pg_advisory_xact_lock($1, $2) else pg_advisory_xact_lock_shared($1, $2) end) as gate";

/// Tries gates, all of them sent at once. Returns those obtained. A transaction that waits for its rows waits for its gates too, under
/// the lock timeout: else one who changes the chart would never come between those who share it.
pub(crate) async fn try_all(tx: &Tx, tries: &[Try]) -> Result<HashSet<Try>, Fault> {
    let each = tries.iter().map(async |one| {
        let (gate, alone) = match one {
            Try::ShareChart => (Gate::Chart, false),
            Try::TakeChart => (Gate::Chart, true),
            Try::TakePeriods => (Gate::PeriodClose, true),
        };
        let (high, low) = gate.numbers(tx.institution_id());
        let sql = if tx.locking == Locking::Wait { WAIT } else { TRY };
        let obtained: bool = tx.query_one(sql, &[&high, &low, &alone]).await?.get(0usize);
        Ok::<_, Fault>(obtained.then_some(*one))
    });
    Ok(futures::future::try_join_all(each).await?.into_iter().flatten().collect())
}

/// Takes a gate alone. Posters hold it for a few milliseconds; a closer that waits would make new posters wait behind it, so
/// it gives up after 200 ms: the caller rolls back and tries again.
pub async fn close(tx: &Tx, gate: Gate) -> Result<(), Fault> {
    let (high, low) = gate.numbers(tx.institution_id());
    tx.execute("select set_config('lock_timeout', '200ms', true)", &[]).await?;
    tx.query("select pg_advisory_xact_lock($1, $2)", &[&high, &low]).await?;
    tx.execute("select set_config('lock_timeout', '2s', true)", &[]).await?;
    Ok(())
}

/// Whether this transaction now holds a gate alone; false where another holds it.
pub async fn try_close(tx: &Tx, gate: Gate) -> Result<bool, Fault> {
    let (high, low) = gate.numbers(tx.institution_id());
    Ok(tx.query_one("select pg_try_advisory_xact_lock($1, $2)", &[&high, &low]).await?.get(0usize))
}

/// Whether a closer gave up on a gate, or met another transaction in its way, and should come again, after a moment.
pub async fn should_try_again(fault: &Fault) -> bool {
    if fault.remedy() != Remedy::Again {
        return false;
    }
    let pause = rand::rng().random_range(5..30);
    tokio::time::sleep(Duration::from_millis(pause)).await;
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_has_other_numbers_for_each_kind_and_institution() {
        let gates = [Gate::Day, Gate::Chart, Gate::DayClose, Gate::PeriodClose, Gate::Furnish];
        let institutions = [Uuid::nil(), Uuid::from_u128(1), Uuid::from_u128(2)];
        let numbers: Vec<(i32, i32)> =
            gates.iter().flat_map(|gate| institutions.map(|institution_id| gate.numbers(institution_id))).collect();
        let distinct: HashSet<(i32, i32)> = numbers.iter().copied().collect();
        assert_eq!(distinct.len(), numbers.len(), "{numbers:?}");
    }
}
