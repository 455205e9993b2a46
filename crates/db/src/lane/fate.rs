//! The fate of a commit that was not answered, because its connection broke meanwhile.

use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::fault::Fault;
use crate::pool::Pool;

/// How long it is looked for, and how often.
const FATE_TIME: Duration = Duration::from_secs(5);
const FATE_PAUSE: Duration = Duration::from_millis(20);

/// How a transaction is known again from outside: a row that it writes, and a lock that it holds to its end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trace {
    pub audit_id: Uuid,
    /// The number of the claim's lock.
    pub claim: Option<i64>,
}

/// Whether a transaction was committed although nobody could say so: its connection broke meanwhile.
pub(super) async fn was_committed(pool: &Pool, trace: Trace) -> bool {
    let until = Instant::now() + FATE_TIME;
    loop {
        match fate(pool, trace).await {
            Ok(Some(committed)) => return committed,
            Ok(None) | Err(_) if Instant::now() < until => tokio::time::sleep(FATE_PAUSE).await,
            Ok(None) | Err(_) => return false,
        }
    }
}

/// `None` while the transaction may still be on its way. The claim is asked for first: it is free only once the transaction has
/// ended, so that a row which is then absent stays absent.
async fn fate(pool: &Pool, trace: Trace) -> Result<Option<bool>, Fault> {
    let session = pool.session().await?;
    let ended = match trace.claim {
        Some(claim) => {
            session.query_one("select pg_try_advisory_xact_lock($1) as obtained", &[&claim]).await?.get("obtained")
        }
        None => false,
    };
    let found = session.query_opt("select from audit where id = $1", &[&trace.audit_id]).await?.is_some();
    Ok(if found || ended { Some(found) } else { None })
}
