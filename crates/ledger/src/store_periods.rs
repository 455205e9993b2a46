//! Months and their balances.

use db::fault::Fault;
use db::tx::Tx;
use uuid::Uuid;

use crate::periods::{Calendar, Month, Period, PeriodStatus};
use crate::store::word;

/// First and last closed month, the open day, the first day that is not booked.
pub async fn calendar(tx: &Tx) -> Result<Calendar, Fault> {
    let row = tx
        .query_one(
            "select open_on,
                    least(open_on, (select min(booked_on) from ledger_turnover), (select min(closed_on) from day_close)) as first_on,
                    (select max(starts_on) from period where status = 'closed') as last_closed,
                    (select min(closed_on) from day_close where booked_at is null) as not_booked
             from business_day",
            &[],
        )
        .await?;
    Ok(Calendar {
        first: Month::of(row.get("first_on")),
        last_closed: row.get::<_, Option<_>>("last_closed").map(Month::of),
        business_date: row.get("open_on"),
        not_booked: row.get("not_booked"),
    })
}

/// The months that were ever closed.
pub async fn periods_changed(tx: &Tx) -> Result<Vec<Period>, Fault> {
    let rows = tx.query("select starts_on, status, changed_at, changed_by from period", &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(Period {
                month: Month::of(row.get("starts_on")),
                status: word(row, "status")?,
                changed: Some((row.get("changed_at"), row.get("changed_by"))),
            })
        })
        .collect()
}

pub async fn period_change(tx: &Tx, month: Month, status: PeriodStatus, user_id: Uuid) -> Result<(), Fault> {
    tx.execute(
        "insert into period (starts_on, status, changed_at, changed_by) values ($1, $2, $3, $4)
         on conflict (starts_on) do update set status = excluded.status, changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        &[&month.starts_on(), &status.as_str(), &tx.now, &user_id],
    )
    .await?;
    Ok(())
}

/// Writes the balances at the month's end: those of the last closed month and what was turned over since.
pub async fn balances_insert(tx: &Tx, month: Month) -> Result<(), Fault> {
    tx.execute(
        "with base as (select coalesce(max(month_end_on), '-infinity') as day from ledger_balance where month_end_on < $1)
         insert into ledger_balance (account_id, branch_id, product_id, currency, month_end_on, balance_minor)
         select account_id, branch_id, product_id, currency, $1, sum(amount)
         from (select account_id, branch_id, product_id, currency, balance_minor as amount
               from ledger_balance, base where month_end_on = base.day
               union all
               select account_id, branch_id, product_id, currency, debit_minor - credit_minor
               from ledger_turnover, base where booked_on > base.day and booked_on <= $1) moved
         group by account_id, branch_id, product_id, currency having sum(amount) <> 0",
        &[&month.ends_on()],
    )
    .await?;
    Ok(())
}

pub async fn balances_delete(tx: &Tx, month: Month) -> Result<(), Fault> {
    tx.execute("delete from ledger_balance where month_end_on = $1", &[&month.ends_on()]).await?;
    Ok(())
}

/// Months are the whole institution's: whoever decides about them sees the head office.
pub async fn head_office(tx: &Tx) -> Result<Uuid, Fault> {
    Ok(tx.query_one("select id from branch where parent_id is null", &[]).await?.get("id"))
}
