//! The chart's tables, and which months are closed.

use std::collections::HashSet;

use chrono::{Days, Months, NaiveDate};
use db::fault::Fault;
use db::tx::{Row, Tx};
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

use crate::chart_rows::{Account, Channel, ChartRows, SlotMapping};

const ACCOUNT_COLUMNS_ALL: &str =
    "select id, code, name, class, side, header, control, version from gl_account order by code";

/// The whole chart; hundreds at most.
pub async fn accounts_all(tx: &Tx) -> Result<Vec<Account>, Fault> {
    tx.query(ACCOUNT_COLUMNS_ALL, &[]).await?.iter().map(account_of_row).collect()
}

pub async fn find_account(tx: &Tx, id: Uuid) -> Result<Option<Account>, Fault> {
    let sql = "select id, code, name, class, side, header, control, version from gl_account where id = $1";
    tx.query_opt(sql, &[&id]).await?.as_ref().map(account_of_row).transpose()
}

pub async fn accounts_by_ids_or_codes(tx: &Tx, ids: &[Uuid], codes: &[&str]) -> Result<Vec<Account>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, class, side, header, control, version from gl_account where id = any($1) or code = any($2)",
            &[&ids, &codes],
        )
        .await?;
    rows.iter().map(account_of_row).collect()
}

fn account_of_row(row: &Row) -> Result<Account, Fault> {
    Ok(Account {
        id: row.get("id"),
        code: row.get("code"),
        name: row.get("name"),
        class: word(row, "class")?,
        side: word(row, "side")?,
        header: row.get("header"),
        control: row.get("control"),
        version: row.get("version"),
    })
}

/// A word of a closed list, as a check in the table keeps it.
pub(crate) fn word<T: std::str::FromStr>(row: &Row, column: &str) -> Result<T, Fault> {
    let text: String = row.get(column);
    text.parse().map_err(|_| Fault::Invariant(format!("the column {column} holds an unknown word: {text}")))
}

const ACCOUNTS_INSERT: &str = "insert into gl_account (created_at, id, code, name, class, side, header, control)
     select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[])";
const ACCOUNTS_INSERT_NEW: &str = "insert into gl_account (created_at, id, code, name, class, side, header, control)
     select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[], $8::boolean[])
     on conflict (code) do nothing";

pub async fn accounts_insert(tx: &Tx, accounts: &[Account]) -> Result<(), Fault> {
    insert_accounts(tx, ACCOUNTS_INSERT, accounts).await
}

/// Those whose code is not there yet.
pub async fn accounts_insert_new(tx: &Tx, accounts: &[Account]) -> Result<(), Fault> {
    insert_accounts(tx, ACCOUNTS_INSERT_NEW, accounts).await
}

async fn insert_accounts(tx: &Tx, sql: &'static str, accounts: &[Account]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.id).collect();
    let codes: Vec<&str> = accounts.iter().map(|account| account.code.as_str()).collect();
    let names: Vec<&str> = accounts.iter().map(|account| account.name.as_str()).collect();
    let classes: Vec<&str> = accounts.iter().map(|account| account.class.as_str()).collect();
    let sides: Vec<&str> = accounts.iter().map(|account| account.side.as_str()).collect();
    let headers: Vec<bool> = accounts.iter().map(|account| account.header).collect();
    let controls: Vec<bool> = accounts.iter().map(|account| account.control).collect();
    tx.execute(sql, &[&tx.now, &ids, &codes, &names, &classes, &sides, &headers, &controls]).await?;
    Ok(())
}

/// The accounts of channels for all branches, where none is named yet.
pub async fn channels_insert_new(tx: &Tx, channels: &[(Channel, &str)]) -> Result<(), Fault> {
    let names: Vec<&str> = channels.iter().map(|(channel, _)| channel.as_str()).collect();
    let codes: Vec<&str> = channels.iter().map(|(_, code)| *code).collect();
    tx.execute(
        "insert into channel_account (channel, account_id)
         select given.channel, gl_account.id from unnest($1::text[], $2::text[]) as given (channel, code) join gl_account using (code)
         on conflict do nothing",
        &[&names, &codes],
    )
    .await?;
    Ok(())
}

/// Says that the chart or a mapping is about to change, and holds its row to the end of the transaction.
pub async fn chart_touch(tx: &Tx) -> Result<(), Fault> {
    tx.execute("update chart set version = gen_random_uuid()", &[]).await?;
    Ok(())
}

/// The last closed month, and the one that is being closed.
pub(crate) type ClosedMonths = (Option<NaiveDate>, Option<NaiveDate>);

/// The version of the chart, and which months are closed.
pub(crate) async fn chart_version(tx: &Tx) -> Result<(Uuid, ClosedMonths), Fault> {
    let sql = "select version, (select max(starts_on) from period where status <> 'open') as closed_month,
                      (select min(starts_on) from period where status = 'closing') as closing_month
               from chart";
    let row = tx.query_one(sql, &[]).await?;
    Ok((row.get("version"), (row.get("closed_month"), row.get("closing_month"))))
}

/// The last day of the month that begins here.
pub(crate) fn month_end(starts_on: NaiveDate) -> NaiveDate {
    let next = starts_on.checked_add_months(Months::new(1));
    next.and_then(|next| next.checked_sub_days(Days::new(1))).unwrap_or(NaiveDate::MAX)
}

/// Version, accounts and mappings as of one moment.
pub async fn chart_rows(tx: &Tx) -> Result<ChartRows, Fault> {
    let row = tx
        .query_one(
            "select version, (select to_jsonb(base_currency) from setting) as base_currency,
                    (select coalesce(jsonb_agg(to_jsonb(gl_account) - 'created_at'), '[]') from gl_account) as accounts,
                    (select coalesce(jsonb_agg(to_jsonb(slot_account)), '[]') from slot_account) as slots,
                    (select coalesce(jsonb_agg(to_jsonb(channel_account)), '[]') from channel_account) as channels
             from chart",
            &[],
        )
        .await?;
    Ok(ChartRows {
        version: row.get("version"),
        base_currency: json(&row, "base_currency")?,
        accounts: json(&row, "accounts")?,
        slots: json(&row, "slots")?,
        channels: json(&row, "channels")?,
    })
}

fn json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    // On a database that was not set up there is no base currency, and nothing is kept of it.
    let value: Option<Value> = row.get(column);
    serde_json::from_value(value.unwrap_or_default())
        .map_err(|error| Fault::Invariant(format!("the chart's {column} cannot be read: {error}")))
}

pub async fn slots_insert(tx: &Tx, product_id: Uuid, mappings: &[SlotMapping<'_>]) -> Result<(), Fault> {
    let slots: Vec<&str> = mappings.iter().map(|mapping| mapping.slot).collect();
    let accounts: Vec<Uuid> = mappings.iter().map(|mapping| mapping.account_id).collect();
    tx.execute(
        "insert into slot_account (product_id, slot, account_id) select $1, * from unnest($2::text[], $3::uuid[])",
        &[&product_id, &slots, &accounts],
    )
    .await?;
    Ok(())
}

pub async fn accounts_become_control(tx: &Tx, accounts: &[Uuid]) -> Result<(), Fault> {
    if accounts.is_empty() {
        return Ok(());
    }
    tx.execute(
        "update gl_account set control = true, version = version + 1 where id = any($1) and not control",
        &[&accounts],
    )
    .await?;
    Ok(())
}

/// A control account has no such lines, so its millions of others are not looked through.
pub async fn accounts_posted_by_hand(tx: &Tx, accounts: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    let rows = tx
        .query(
            "select account.id from gl_account account where id = any($1) and not control
             and exists (select from journal_line line join journal_entry entry on entry.id = line.entry_id
                         where line.account_id = account.id and entry.event in ('journal_entry.posted', 'journal_entry.reversed'))",
            &[&accounts],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}
