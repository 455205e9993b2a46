//! Posting: drafts become journal rows and turnover, in one statement for the whole batch.
//!
//! `post` never refuses. What can be refused is known from [`Books`](crate::books::Books) before the first write; that a draft
//! balances is known because it exists; and a trigger of the database says so once more when the statement ends.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use db::fault::Fault;
use db::narrow::narrow;
use db::tx::{Tx, Writing};
use uuid::Uuid;

use crate::draft::{Draft, DraftLine};

/// One statement, so one round trip, and the guard over the new lines, which fires at its end, finds their entries.
const POST: &str = "with entry as (
         insert into journal_entry (recorded_at, id, booked_on, value_on, branch_id, event, subject_id, description, line_count, user_id,
                                    command_id)
         select $1, * from unnest($2::uuid[], $3::date[], $4::date[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::integer[], $10::uuid[],
                                  $29::uuid[])
     ), line as (
         insert into journal_line (recorded_at, entry_id, line_no, account_id, branch_id, product_id, currency, amount_minor, subject_id, booked_on)
         select $1, * from unnest($11::uuid[], $12::smallint[], $13::uuid[], $14::uuid[], $15::uuid[], $16::text[], $17::bigint[], $18::uuid[], $19::date[])
     ), reversal as (
         insert into journal_reversal (entry_id, reversal_id) select * from unnest($20::uuid[], $21::uuid[])
     )
     insert into ledger_turnover (account_id, branch_id, product_id, currency, booked_on, debit_minor, credit_minor)
     select * from unnest($22::uuid[], $23::uuid[], $24::uuid[], $25::text[], $26::date[], $27::bigint[], $28::bigint[])";

/// Books all drafts of a batch. The sums of the batch are one row for each account, branch, product, currency and day.
pub async fn post(tx: &Tx, drafts: &[Draft]) -> Result<(), Fault> {
    tx.carry_out(posting(tx.now, drafts)?.as_slice()).await
}

/// The statement that books drafts; none where there are none.
pub fn posting(now: DateTime<Utc>, drafts: &[Draft]) -> Result<Option<Writing>, Fault> {
    if drafts.is_empty() {
        return Ok(None);
    }
    let (entries, lines, turnover) = (Entries::of(drafts)?, Lines::of(drafts)?, Turnover::of(drafts)?);
    metrics::counter!("ayni_ledger_entries").increment(entries.ids.len() as u64);
    metrics::counter!("ayni_ledger_lines").increment(lines.entries.len() as u64);
    let writing = Writing::new(POST)
        .with(now)
        .with(entries.ids)
        .with(entries.booked_on)
        .with(entries.value_on)
        .with(entries.branches)
        .with(entries.events)
        .with(entries.subjects)
        .with(entries.descriptions)
        .with(entries.line_counts)
        .with(entries.users)
        .with(lines.entries)
        .with(lines.numbers)
        .with(lines.accounts)
        .with(lines.branches)
        .with(lines.products)
        .with(lines.currencies)
        .with(lines.amounts)
        .with(lines.subjects)
        .with(lines.booked_on)
        .with(entries.reversed)
        .with(entries.reversals)
        .with(turnover.accounts)
        .with(turnover.branches)
        .with(turnover.products)
        .with(turnover.currencies)
        .with(turnover.booked_on)
        .with(turnover.debits)
        .with(turnover.credits)
        .with(entries.commands);
    Ok(Some(writing))
}

#[derive(Default)]
struct Entries {
    ids: Vec<Uuid>,
    booked_on: Vec<NaiveDate>,
    value_on: Vec<NaiveDate>,
    branches: Vec<Uuid>,
    events: Vec<&'static str>,
    subjects: Vec<Option<Uuid>>,
    descriptions: Vec<Option<String>>,
    line_counts: Vec<i32>,
    users: Vec<Uuid>,
    commands: Vec<Option<Uuid>>,
    reversed: Vec<Uuid>,
    reversals: Vec<Uuid>,
}

impl Entries {
    fn of(drafts: &[Draft]) -> Result<Entries, Fault> {
        let mut columns = Entries::default();
        for draft in drafts {
            let heading = draft.heading();
            columns.ids.push(heading.id);
            columns.booked_on.push(heading.booked_on);
            columns.value_on.push(heading.value_on);
            columns.branches.push(heading.branch_id);
            columns.events.push(heading.event);
            columns.subjects.push(heading.subject_id);
            columns.descriptions.push(heading.description.clone());
            columns.line_counts.push(narrow(draft.lines().len(), "journal_entry.line_count")?);
            columns.users.push(heading.user_id);
            columns.commands.push(draft.command_id());
            if let Some(reversed) = heading.reverses {
                columns.reversed.push(reversed);
                columns.reversals.push(heading.id);
            }
        }
        Ok(columns)
    }
}

#[derive(Default)]
struct Lines {
    entries: Vec<Uuid>,
    numbers: Vec<i16>,
    accounts: Vec<Uuid>,
    branches: Vec<Uuid>,
    products: Vec<Option<Uuid>>,
    currencies: Vec<String>,
    amounts: Vec<i64>,
    subjects: Vec<Option<Uuid>>,
    booked_on: Vec<NaiveDate>,
}

impl Lines {
    fn of(drafts: &[Draft]) -> Result<Lines, Fault> {
        let mut columns = Lines::default();
        for draft in drafts {
            for (line, number) in draft.lines().iter().zip(1_i32..) {
                columns.entries.push(draft.heading().id);
                columns.numbers.push(narrow(number, "journal_line.line_no")?);
                columns.accounts.push(line.account_id);
                columns.branches.push(line.branch_id);
                columns.products.push(line.product_id);
                columns.currencies.push(line.currency.code().to_owned());
                columns.amounts.push(line.amount.minor());
                columns.subjects.push(line.subject_id);
                columns.booked_on.push(draft.heading().booked_on);
            }
        }
        Ok(columns)
    }
}

/// The place of a sum: account, branch, product, currency, day.
type Place<'a> = (Uuid, Uuid, Option<Uuid>, &'a str, NaiveDate);

#[derive(Debug, Default)]
struct Turnover {
    accounts: Vec<Uuid>,
    branches: Vec<Uuid>,
    products: Vec<Option<Uuid>>,
    currencies: Vec<String>,
    booked_on: Vec<NaiveDate>,
    debits: Vec<i64>,
    credits: Vec<i64>,
}

impl Turnover {
    fn of(drafts: &[Draft]) -> Result<Turnover, Fault> {
        let mut columns = Turnover::default();
        for ((account, branch, product, currency, day), (debit, credit)) in sums(drafts)? {
            columns.accounts.push(account);
            columns.branches.push(branch);
            columns.products.push(product);
            columns.currencies.push(currency.to_owned());
            columns.booked_on.push(day);
            columns.debits.push(debit);
            columns.credits.push(credit);
        }
        Ok(columns)
    }
}

/// Debits and credits of a batch by place; both positive.
fn sums(drafts: &[Draft]) -> Result<BTreeMap<Place<'_>, (i64, i64)>, Fault> {
    let mut sums: BTreeMap<Place<'_>, (i64, i64)> = BTreeMap::new();
    for draft in drafts {
        for line in draft.lines() {
            let (debit, credit) = sums.entry(place(line, draft.heading().booked_on)).or_default();
            let side = if line.amount.is_negative() { credit } else { debit };
            *side = side
                .checked_add(line.amount.abs().minor())
                .ok_or_else(|| Fault::Invariant("the sums of a batch leave 64 bits".into()))?;
        }
    }
    Ok(sums)
}

fn place(line: &DraftLine, booked_on: NaiveDate) -> Place<'_> {
    (line.account_id, line.branch_id, line.product_id, line.currency.code(), booked_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Books;
    use crate::draft::{Drafting, Heading};
    use crate::setup;
    use kernel::amount::Amount;

    #[test]
    fn a_batch_has_one_row_of_turnover_for_each_place() {
        let books = Books::new(setup::sample_rows(), None);
        let draft = |id, day: &str, amounts: [i64; 2]| {
            let day = day.parse().unwrap();
            let mut drafting = Drafting::new(Heading {
                id: Uuid::from_u128(id),
                booked_on: day,
                value_on: day,
                branch_id: Uuid::from_u128(10),
                event: "loan.repaid",
                subject_id: None,
                description: None,
                user_id: Uuid::from_u128(2),
                reverses: None,
            });
            for (code, amount) in ["1020", "1210"].into_iter().zip(amounts) {
                drafting.add(DraftLine {
                    account_id: books.account_by_code(code).unwrap().id,
                    branch_id: Uuid::from_u128(10),
                    product_id: None,
                    currency: "KES".parse().unwrap(),
                    amount: Amount::of_minor(amount),
                    subject_id: Some(Uuid::from_u128(id)),
                });
            }
            drafting.finish(&books).unwrap().unwrap()
        };
        let drafts = [
            draft(1, "2026-02-28", [100, -100]),
            draft(2, "2026-02-28", [50, -50]),
            draft(3, "2026-02-28", [-30, 30]),
            draft(4, "2026-01-31", [7, -7]),
        ];
        let turnover = Turnover::of(&drafts).unwrap();
        let mut sums: Vec<_> = turnover.debits.into_iter().zip(turnover.credits).collect();
        sums.sort_unstable();
        assert_eq!(sums, [(0, 7), (7, 0), (30, 150), (150, 30)]);
    }
}
