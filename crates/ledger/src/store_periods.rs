//! Months and their balances.

use chrono::{DateTime, NaiveDate, Utc};
use db::fault::Fault;
use db::tx::{Row, Tx};
use uuid::Uuid;

use crate::month::{Calendar, CloseOrder, Month, Period, PeriodStatus};
use crate::store::word;

/// First and last closed month, the open day, the first day that is not booked.
pub async fn calendar(tx: &Tx) -> Result<Calendar, Fault> {
    let row = tx
        .query_one(
            "select open_on,
                    least(open_on, (select min(booked_on) from ledger_turnover), (select min(closed_on) from day_close)) as first_on,
                    (select max(starts_on) from period where status = 'closed') as last_closed,
                    (select min(starts_on) from period where status = 'closing') as closing,
                    (select max(starts_on) from period_close_order where refused is null) as last_ordered,
                    (select min(closed_on) from day_close where booked_at is null) as not_booked
             from business_day",
            &[],
        )
        .await?;
    Ok(Calendar {
        first: Month::of(row.get("first_on")),
        last_closed: row.get::<_, Option<_>>("last_closed").map(Month::of),
        closing: row.get::<_, Option<_>>("closing").map(Month::of),
        last_ordered: row.get::<_, Option<_>>("last_ordered").map(Month::of),
        business_date: row.get("open_on"),
        not_booked: row.get("not_booked"),
    })
}

const PERIODS: &str =
    "select coalesce(period.starts_on, period_close_order.starts_on) as starts_on, coalesce(status, 'open') as status,
            changed_at, changed_by, ordered_at, ordered_by, refused
     from period full join period_close_order on period_close_order.starts_on = period.starts_on
     where $1::date is null or period.starts_on = $1 or period_close_order.starts_on = $1";

/// The months that were ever closed, or are ordered to be.
pub async fn periods_changed(tx: &Tx) -> Result<Vec<Period>, Fault> {
    tx.query(PERIODS, &[&None::<NaiveDate>]).await?.iter().map(period_of_row).collect()
}

/// One month; open where nothing was ever said of it.
pub async fn period(tx: &Tx, month: Month) -> Result<Period, Fault> {
    let row = tx.query_opt(PERIODS, &[&Some(month.starts_on())]).await?;
    let open = || Period { month, status: PeriodStatus::Open, changed: None, order: None };
    row.as_ref().map_or_else(|| Ok(open()), period_of_row)
}

fn period_of_row(row: &Row) -> Result<Period, Fault> {
    let (at, by): (Option<DateTime<Utc>>, Option<Uuid>) = (row.get("changed_at"), row.get("changed_by"));
    let (ordered_at, ordered_by): (Option<DateTime<Utc>>, Option<Uuid>) =
        (row.get("ordered_at"), row.get("ordered_by"));
    Ok(Period {
        month: Month::of(row.get("starts_on")),
        status: word(row, "status")?,
        changed: at.zip(by),
        order: ordered_at.zip(ordered_by).map(|(at, by)| CloseOrder { at, by, refused: row.get("refused") }),
    })
}

/// Orders the close of a month; an order that was refused before gives way.
pub async fn close_order_insert(tx: &Tx, month: Month, order: &CloseOrder) -> Result<(), Fault> {
    tx.execute(
        "insert into period_close_order (starts_on, ordered_at, ordered_by) values ($1, $2, $3)
         on conflict (starts_on) do update set ordered_at = excluded.ordered_at, ordered_by = excluded.ordered_by, refused = null",
        &[&month.starts_on(), &order.at, &order.by],
    )
    .await?;
    Ok(())
}

/// The order that is carried out next, and who gave it.
pub async fn close_order_next(tx: &Tx) -> Result<Option<(Month, Uuid)>, Fault> {
    let sql = "select starts_on, ordered_by from period_close_order where refused is null order by starts_on limit 1";
    let row = tx.query_opt(sql, &[]).await?;
    Ok(row.map(|row| (Month::of(row.get("starts_on")), row.get("ordered_by"))))
}

pub async fn close_order_refuse(tx: &Tx, month: Month, why: &str) -> Result<(), Fault> {
    tx.execute("update period_close_order set refused = $2 where starts_on = $1", &[&month.starts_on(), &why]).await?;
    Ok(())
}

pub async fn close_order_delete(tx: &Tx, month: Month) -> Result<(), Fault> {
    tx.execute("delete from period_close_order where starts_on = $1", &[&month.starts_on()]).await?;
    Ok(())
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
