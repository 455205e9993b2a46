//! What a server does by itself: it works off ordered closes of days, also those that another server left half done, and
//! folds the turnover.

use std::sync::Arc;
use std::time::Duration;

use db::pool::Pool;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often it looks for work that nobody has announced here.
const LOOK: Duration = Duration::from_secs(5);

/// How often the turnover is folded.
const FOLD: Duration = Duration::from_secs(300);

pub async fn run(pool: Pool, closer: Arc<Notify>) {
    let mut next_fold = Instant::now() + FOLD;
    loop {
        match flows::close_of_day::work_off(&pool).await {
            Ok(0) => {}
            Ok(_) => next_fold = Instant::now(),
            Err(fault) => tracing::error!(%fault, "days could not be closed; it is tried again"),
        }
        if Instant::now() >= next_fold {
            next_fold = Instant::now() + FOLD;
            if let Err(fault) = ledger::fold::fold(&pool).await {
                tracing::warn!(%fault, "the turnover could not be folded; it is tried again");
            }
        }
        // Woken by an order, or after a while.
        let _ = tokio::time::timeout(LOOK, closer.notified()).await;
    }
}
