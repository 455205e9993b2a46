//! The fold: rows of turnover that lie side by side become one.
//!
//! One statement takes them out and puts their sums in, so a reader sees either all of the old rows or all of the new. What is
//! posted meanwhile is not touched and waits for the next fold. Rows of closed months are folded when their month closes.

use chrono::{Days, NaiveDate};
use db::fault::Fault;
use db::keys::Claim;
use db::pool::Pool;
use db::tx::Tx;

use crate::store;

/// Only places with several rows are touched: what is folded stays where it is.
const FOLD: &str = "with crowded as (
         select account_id, branch_id, product_id, currency, booked_on from ledger_turnover where booked_on between $1 and $2
         group by account_id, branch_id, product_id, currency, booked_on having count(*) > 1
     ), taken as (
         delete from ledger_turnover row using crowded
         where row.booked_on between $1 and $2 and row.account_id = crowded.account_id and row.branch_id = crowded.branch_id and row.booked_on = crowded.booked_on
           and row.product_id is not distinct from crowded.product_id and row.currency = crowded.currency
         returning row.*
     )
     insert into ledger_turnover (account_id, branch_id, product_id, currency, booked_on, debit_minor, credit_minor)
     select account_id, branch_id, product_id, currency, booked_on, sum(debit_minor), sum(credit_minor) from taken
     group by account_id, branch_id, product_id, currency, booked_on returning account_id";

/// Folds the open months. Gives how many places were crowded; `None` where another fold is at work, here or on another server.
pub async fn fold(pool: &Pool) -> Result<Option<u64>, Fault> {
    let tx = Tx::begin_long(pool).await?;
    let folding = tx.lock_number(Claim::of("ledger.fold", ""));
    let alone = tx.query_one("select pg_try_advisory_xact_lock($1) as alone", &[&folding]).await?;
    if !alone.get::<_, bool>("alone") {
        tx.rollback().await?;
        return Ok(None);
    }
    let (_, (closed, _)) = store::chart_version(&tx).await?;
    let from = closed
        .map(store::month_end)
        .and_then(|last| last.checked_add_days(Days::new(1)))
        .unwrap_or(kernel::date::EARLIEST);
    let folded = fold_between(&tx, from, kernel::date::LATEST).await?;
    tx.commit().await?;
    metrics::counter!("ayni_ledger_folds").increment(1);
    Ok(Some(folded))
}

/// Folds the rows of these days, both included.
pub(crate) async fn fold_between(tx: &Tx, from: NaiveDate, to: NaiveDate) -> Result<u64, Fault> {
    Ok(tx.query_pass(FOLD, &[&from, &to]).await?.len() as u64)
}
