//! Reading the journal. Written it is in `post.rs`.
//!
//! Lists go through the branches that the caller sees, each with an index of its own order, and merge the heads: a page costs the same in
//! a branch with few entries as in one with millions. The order is newest day first, then as recorded; a client-made id only
//! parts what was recorded in one instant.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Row, Tx, Values};
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::journal::{AccountLine, Entry, EntryHead, EntryLine};

/// What lists are narrowed by. Out of scope or without a bound: nothing more is left out.
#[derive(Debug, Clone, Copy, Default)]
pub struct JournalFilter {
    pub branch_id: Option<Uuid>,
    pub booked_from: Option<NaiveDate>,
    pub booked_to: Option<NaiveDate>,
}

impl JournalFilter {
    fn days(&self) -> (NaiveDate, NaiveDate) {
        (self.booked_from.unwrap_or(kernel::date::EARLIEST), self.booked_to.unwrap_or(kernel::date::LATEST))
    }
}

/// Where a page goes on: the whole key of the last row. Without one, a key before all rows, so that the comparison always is one that
/// the index answers.
struct After {
    booked_on: NaiveDate,
    recorded_at: DateTime<Utc>,
    id: Uuid,
}

impl After {
    async fn read(tx: &Tx, id: Option<Uuid>) -> Result<After, Fault> {
        let row = match id {
            None => None,
            Some(id) => tx.query_opt("select booked_on, recorded_at from journal_entry where id = $1", &[&id]).await?,
        };
        Ok(match row.zip(id) {
            Some((row, id)) => After { booked_on: row.get("booked_on"), recorded_at: row.get("recorded_at"), id },
            None => After {
                booked_on: kernel::date::LATEST,
                recorded_at: tx.now + chrono::Duration::days(1),
                id: Uuid::max(),
            },
        })
    }
}

pub async fn entries_page(
    tx: &Tx,
    scope: &Scope,
    filter: &JournalFilter,
    page: &Page,
) -> Result<Rows<EntryHead>, Fault> {
    let (from, to) = filter.days();
    let after = After::read(tx, page.after_id()).await?;
    let rows = tx
        .query(
            // A page of each branch from the index alone, then the page of all, and only then the rows.
            "with newest as (
                 select entry.id from branch cross join lateral (
                     select id, booked_on, recorded_at from journal_entry
                     where branch_id = branch.id and booked_on between $3 and $4 and (booked_on, recorded_at, id) < ($5, $6, $7)
                     order by booked_on desc, recorded_at desc, id desc limit $8) entry
                 where $1 = any(branch.ancestors) and coalesce($2, $1) = any(branch.ancestors)
                 order by entry.booked_on desc, entry.recorded_at desc, entry.id desc limit $8)
             select entry.id, entry.booked_on, entry.value_on, entry.branch_id, entry.event, entry.subject_id, entry.description,
                    entry.line_count, entry.user_id, entry.recorded_at, reverses.entry_id as reverses, reversed.reversal_id as reversed_by
             from newest join journal_entry entry on entry.id = newest.id
             left join journal_reversal reverses on reverses.reversal_id = entry.id
             left join journal_reversal reversed on reversed.entry_id = entry.id
             order by entry.booked_on desc, entry.recorded_at desc, entry.id desc",
            &[
                &scope.branch_id, &filter.branch_id, &from, &to, &after.booked_on, &after.recorded_at, &after.id, &page.fetch(),
            ],
        )
        .await?;
    let heads = rows.iter().map(head_of_row).collect();
    Ok(page.rows(heads, |head| Position { at: head.recorded_at, id: head.id }))
}

fn head_of_row(row: &Row) -> EntryHead {
    EntryHead {
        id: row.get("id"),
        booked_on: row.get("booked_on"),
        value_on: row.get("value_on"),
        branch_id: row.get("branch_id"),
        event: row.get("event"),
        subject_id: row.get("subject_id"),
        description: row.get("description"),
        line_count: row.get("line_count"),
        user_id: row.get("user_id"),
        recorded_at: row.get("recorded_at"),
        reverses: row.get("reverses"),
        reversed_by: row.get("reversed_by"),
    }
}

const ENTRY_HEADS: &str =
    "select entry.id, booked_on, value_on, branch_id, event, subject_id, description, line_count, user_id, recorded_at,
            reverses.entry_id as reverses, reversed.reversal_id as reversed_by
     from journal_entry entry
     left join journal_reversal reverses on reverses.reversal_id = entry.id
     left join journal_reversal reversed on reversed.entry_id = entry.id
     where entry.id = any($1)";

const ENTRY_LINES: &str =
    "select entry_id, line_no, account_id, account.code, account.name, branch_id, product_id, currency, amount_minor, subject_id
     from journal_line join gl_account account on account.id = account_id where entry_id = any($1) order by entry_id, line_no";

const ENTRY_IDS: &str = "select id from journal_entry where id = any($1)";

/// Entries with their lines.
pub async fn entries_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<Vec<Entry>, Fault> {
    // Sent together: one round trip.
    let values: Values = &[&ids];
    let (heads, rows) = futures::try_join!(tx.query(ENTRY_HEADS, values), tx.query(ENTRY_LINES, values))?;
    let mut lines: HashMap<Uuid, Vec<EntryLine>> = HashMap::new();
    for row in &rows {
        lines.entry(row.get("entry_id")).or_default().push(line_of_row(row)?);
    }
    Ok(heads
        .iter()
        .map(head_of_row)
        .map(|head| Entry { lines: lines.remove(&head.id).unwrap_or_default(), head })
        .collect())
}

fn line_of_row(row: &Row) -> Result<EntryLine, Fault> {
    Ok(EntryLine {
        line_no: row.get("line_no"),
        account_id: row.get("account_id"),
        account: row.get("code"),
        account_name: row.get("name"),
        branch_id: row.get("branch_id"),
        product_id: row.get("product_id"),
        currency: currency_of(row)?,
        amount: Amount::of_minor(row.get("amount_minor")),
        subject_id: row.get("subject_id"),
    })
}

fn currency_of(row: &Row) -> Result<Currency, Fault> {
    let code: String = row.get("currency");
    code.parse().map_err(|_| Fault::Invariant(format!("the journal names a currency {code} that does not exist")))
}

/// An entry that has a line in the caller's branches.
pub async fn find_entry(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<Entry>, Fault> {
    let visible = tx
        .query_one(
            "select exists (select from journal_line line join branch on branch.id = line.branch_id
                            where entry_id = $1 and $2 = any(branch.ancestors)) as visible",
            &[&id, &scope.branch_id],
        )
        .await?;
    if !visible.get::<_, bool>("visible") {
        return Ok(None);
    }
    Ok(entries_by_ids(tx, &[id]).await?.into_iter().next())
}

pub async fn entry_ids_taken(tx: &Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    let rows = tx.query(ENTRY_IDS, &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// Where a page of an account's lines goes on: behind this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePosition {
    pub entry_id: Uuid,
    pub line_no: i16,
}

#[derive(Debug, Clone, Copy)]
pub struct LinePage {
    pub limit: i64,
    pub after: Option<LinePosition>,
}

/// Lines with the position of the next page, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRows {
    pub lines: Vec<AccountLine>,
    pub next: Option<LinePosition>,
}

/// An account's lines in the caller's branches, newest first.
pub async fn account_lines_page(
    tx: &Tx,
    account_id: Uuid,
    scope: &Scope,
    filter: &JournalFilter,
    currency: Option<Currency>,
    page: &LinePage,
) -> Result<LineRows, Fault> {
    let (from, to) = filter.days();
    let after = After::read(tx, page.after.map(|line| line.entry_id)).await?;
    let after_no = page.after.map_or(i16::MAX, |line| line.line_no);
    let currency = currency.as_ref().map(Currency::code);
    let rows = tx
        .query(
            "select line.*, entry.value_on, entry.event, entry.description, entry.user_id
             from (
                 select page.* from branch cross join lateral (
                     select * from journal_line
                     where account_id = $9 and branch_id = branch.id and booked_on between $3 and least($4::date, $5::date)
                       and (booked_on, recorded_at, entry_id, line_no) < ($5, $6, $7, $8) and ($10::text is null or currency = $10)
                     order by booked_on desc, recorded_at desc, entry_id desc, line_no desc limit $11) page
                 where $1 = any(branch.ancestors) and coalesce($2, $1) = any(branch.ancestors)
                 order by booked_on desc, recorded_at desc, entry_id desc, line_no desc limit $11) line
             join journal_entry entry on entry.id = line.entry_id
             order by line.booked_on desc, line.recorded_at desc, line.entry_id desc, line.line_no desc",
            &[
                &scope.branch_id, &filter.branch_id, &from, &to, &after.booked_on, &after.recorded_at, &after.id, &after_no,
                &account_id, &currency, &(page.limit + 1),
            ],
        )
        .await?;
    let mut lines: Vec<AccountLine> = rows.iter().map(account_line_of_row).collect::<Result<_, Fault>>()?;
    let limit = usize::try_from(page.limit).unwrap_or_default();
    let more = lines.len() > limit;
    lines.truncate(limit);
    let position = |line: &AccountLine| LinePosition { entry_id: line.entry_id, line_no: line.line_no };
    let next = if more { lines.last().map(position) } else { None };
    Ok(LineRows { lines, next })
}

fn account_line_of_row(row: &Row) -> Result<AccountLine, Fault> {
    Ok(AccountLine {
        entry_id: row.get("entry_id"),
        line_no: row.get("line_no"),
        booked_on: row.get("booked_on"),
        value_on: row.get("value_on"),
        branch_id: row.get("branch_id"),
        event: row.get("event"),
        description: row.get("description"),
        product_id: row.get("product_id"),
        currency: currency_of(row)?,
        amount: Amount::of_minor(row.get("amount_minor")),
        subject_id: row.get("subject_id"),
        user_id: row.get("user_id"),
        recorded_at: row.get("recorded_at"),
    })
}
