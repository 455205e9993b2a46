//! The institution's tables.

use chrono::NaiveDate;
use db::fault::Fault;
use db::narrow::narrow;
use db::statement::Kept;
use db::tx::{Row, Tx};
use diesel::prelude::*;
use kernel::amount::Amount;
use kernel::currency::Currency;
use schema::{branch, day_close, day_close_order, holiday, setting, staff};
use uuid::Uuid;

use crate::record::{Branch, DayClose, Holiday, Places, Sequence, Settings, Staff};

/// The branch below which a list lies: the one that is asked for, or the caller's own; `None`: the whole institution.
pub async fn narrowed_to(tx: &Tx, own: Uuid, asked: Option<Uuid>) -> Result<Option<Uuid>, Fault> {
    if asked.is_some() {
        return Ok(asked);
    }
    let row = tx.query_opt("select parent_id is null as is_head from branch where id = $1", &[&own]).await?;
    let is_head = row.is_some_and(|row| row.get("is_head"));
    Ok((!is_head).then_some(own))
}

/// All branches, parents before children. There are hundreds at most.
pub async fn branches_all(tx: &Tx) -> Result<Vec<Branch>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, parent_id, ancestors, created_at, version from branch order by array_length(ancestors, 1), code",
            &[],
        )
        .await?;
    Ok(rows.iter().map(branch_of_row).collect())
}

pub(crate) async fn places(tx: &Tx, branches: &[Uuid], officers: &[Uuid]) -> Result<Places, Fault> {
    let rows = tx
        .query(
            "select id, ancestors, false as is_officer from branch where id = any($1)
             union all select staff.id, branch.ancestors, true from staff join branch on branch.id = staff.branch_id
             where staff.id = any($2) and staff.active",
            &[&branches, &officers],
        )
        .await?;
    let mut places = Places::default();
    for row in rows {
        let is_officer: bool = row.get("is_officer");
        let of_kind = if is_officer { &mut places.officers } else { &mut places.branches };
        of_kind.insert(row.get("id"), row.get("ancestors"));
    }
    Ok(places)
}

pub(crate) async fn head_office(tx: &Tx) -> Result<Uuid, Fault> {
    let head = tx.find(branch::table.filter(branch::parent_id.is_null()).select(branch::id)).await?;
    head.ok_or_else(|| Fault::Invariant("there is no head office".into()))
}

fn branch_of_row(row: &Row) -> Branch {
    Branch {
        id: row.get("id"),
        code: row.get("code"),
        name: row.get("name"),
        parent_id: row.get("parent_id"),
        ancestors: row.get("ancestors"),
        created_at: row.get("created_at"),
        version: row.get("version"),
    }
}

pub async fn branches_insert(tx: &Tx, branches: &[Branch]) -> Result<(), Fault> {
    for branch in branches {
        tx.execute(
            "insert into branch (id, code, name, parent_id, ancestors, created_at) values ($1, $2, $3, $4, $5, $6)",
            &[&branch.id, &branch.code, &branch.name, &branch.parent_id, &branch.ancestors, &branch.created_at],
        )
        .await?;
    }
    Ok(())
}

pub async fn staff_all(tx: &Tx, within: Uuid) -> Result<Vec<Staff>, Fault> {
    let below = branch::ancestors.contains(vec![within]);
    tx.load(staff::table.inner_join(branch::table).filter(below).order(staff::number).select(Staff::as_select())).await
}

pub async fn staff_by_ids_or_numbers(tx: &Tx, ids: &[Uuid], numbers: &[&str]) -> Result<Vec<Staff>, Fault> {
    let named = staff::id.eq_any(ids).or(staff::number.eq_any(numbers));
    tx.load(staff::table.filter(named).select(Staff::as_select())).await
}

/// The text of the statement is chosen here, never made from a name.
const fn numbers_statement(sequence: Sequence) -> &'static str {
    // At least so many digits: to pad to fewer would cut a longer number.
    match sequence {
        Sequence::Client => {
            "select 'C-' || lpad(number, greatest(6, length(number)), '0') as number
             from (select nextval('client_number')::text as number from generate_series(1, $1)) as next"
        }
        Sequence::Loan => {
            "select 'L-' || lpad(number, greatest(6, length(number)), '0') as number
             from (select nextval('loan_number')::text as number from generate_series(1, $1)) as next"
        }
        Sequence::Staff => {
            "select 'S-' || lpad(number, greatest(4, length(number)), '0') as number
             from (select nextval('staff_number')::text as number from generate_series(1, $1)) as next"
        }
    }
}

pub(crate) async fn numbers_draw(tx: &Tx, sequence: Sequence, count: usize) -> Result<Vec<String>, Fault> {
    let count: i32 = narrow(count, "the count of numbers")?;
    let rows = tx.query(numbers_statement(sequence), &[&count]).await?;
    Ok(rows.iter().map(|row| row.get("number")).collect())
}

pub async fn staff_insert(tx: &Tx, staff: &[Staff]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = staff.iter().map(|staff| staff.id).collect();
    let numbers: Vec<&str> = staff.iter().map(|staff| staff.number.as_str()).collect();
    let names: Vec<&str> = staff.iter().map(|staff| staff.name.as_str()).collect();
    let branches: Vec<Uuid> = staff.iter().map(|staff| staff.branch_id).collect();
    tx.execute(
        "insert into staff (created_at, id, number, name, branch_id)
         select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[])",
        &[&tx.now, &ids, &numbers, &names, &branches],
    )
    .await?;
    Ok(())
}

pub async fn holidays_between(tx: &Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<Holiday>, Fault> {
    let between = holiday::table.filter(holiday::held_on.between(from, to));
    tx.load(between.order((holiday::held_on, holiday::id)).select(Holiday::as_select())).await
}

pub async fn holidays_by_ids_or_days(tx: &Tx, ids: &[Uuid], days: &[NaiveDate]) -> Result<Vec<Holiday>, Fault> {
    let named = holiday::id.eq_any(ids).or(holiday::held_on.eq_any(days));
    tx.load(holiday::table.filter(named).select(Holiday::as_select())).await
}

pub async fn holidays_insert(tx: &Tx, holidays: &[Holiday]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = holidays.iter().map(|holiday| holiday.id).collect();
    let days: Vec<NaiveDate> = holidays.iter().map(|holiday| holiday.held_on).collect();
    let names: Vec<&str> = holidays.iter().map(|holiday| holiday.name.as_str()).collect();
    let branches: Vec<Option<Uuid>> = holidays.iter().map(|holiday| holiday.branch_id).collect();
    tx.execute(
        "insert into holiday (created_at, id, held_on, name, branch_id)
         select $1, * from unnest($2::uuid[], $3::date[], $4::text[], $5::uuid[])",
        &[&tx.now, &ids, &days, &names, &branches],
    )
    .await?;
    Ok(())
}

pub(crate) async fn settings(tx: &Tx) -> Result<Settings, Fault> {
    let columns = setting::table.select((
        setting::base_currency,
        setting::backdating_limit_days,
        setting::journal_approval_limit_minor,
        setting::version,
    ));
    let row: Option<(String, Option<i32>, Option<i64>, i64)> = tx.find(columns).await?;
    let (currency, backdating_limit_days, limit, version) =
        row.ok_or_else(|| Fault::Invariant("there is no institution in this database".into()))?;
    let journal_approval_limit = limit.map(Amount::of_minor);
    Ok(Settings { base_currency: currency_of(&currency)?, backdating_limit_days, journal_approval_limit, version })
}

/// A currency as a table holds it: it was checked when it was written.
pub fn currency_of(code: &str) -> Result<Currency, Fault> {
    code.trim()
        .parse()
        .map_err(|_| Fault::Invariant(format!("the database names a currency {code} that does not exist")))
}

pub(crate) async fn settings_update(tx: &Tx, settings: &Settings) -> Result<(), Fault> {
    let changed = diesel::update(setting::table).set((
        setting::backdating_limit_days.eq(settings.backdating_limit_days),
        setting::journal_approval_limit_minor.eq(settings.journal_approval_limit.map(Amount::minor)),
        setting::version.eq(settings.version),
    ));
    tx.change(Kept(changed)).await?;
    Ok(())
}

pub async fn business_day_roll(tx: &Tx, day: NaiveDate, user_id: Uuid) -> Result<(), Fault> {
    tx.execute(
        "with rolled as (update business_day set open_on = $1::date + 1 where open_on = $1 returning open_on)
         insert into day_close (closed_on, rolled_at, rolled_by) select $1, $2, $3 from rolled",
        &[&day, &tx.now, &user_id],
    )
    .await?;
    Ok(())
}

/// Days that have rolled and are not booked, oldest first.
pub async fn day_closes_pending(tx: &Tx) -> Result<Vec<NaiveDate>, Fault> {
    let pending = day_close::table.filter(day_close::booked_at.is_null());
    tx.load(pending.order(day_close::closed_on).select(day_close::closed_on)).await
}

pub async fn day_close_booked(tx: &Tx, day: NaiveDate, entry_count: i32) -> Result<(), Fault> {
    let pending = day_close::table.filter(day_close::closed_on.eq(day)).filter(day_close::booked_at.is_null());
    let booked = (day_close::booked_at.eq(tx.now), day_close::entry_count.eq(entry_count));
    tx.change(Kept(diesel::update(pending).set(booked))).await?;
    Ok(())
}

pub async fn find_day_close(tx: &Tx, day: NaiveDate) -> Result<Option<DayClose>, Fault> {
    tx.find(day_close::table.filter(day_close::closed_on.eq(day)).select(DayClose::as_select())).await
}

/// Orders the close of all days through one. An order that reaches further stays.
pub async fn day_close_order(tx: &Tx, through: NaiveDate, ordered_by: Uuid) -> Result<(), Fault> {
    tx.execute(
        "insert into day_close_order (through, ordered_by) values ($1, $2)
         on conflict (one) do update set through = excluded.through, ordered_by = excluded.ordered_by
         where day_close_order.through < excluded.through",
        &[&through, &ordered_by],
    )
    .await?;
    Ok(())
}

pub async fn find_day_close_order(tx: &Tx) -> Result<Option<(NaiveDate, Uuid)>, Fault> {
    tx.find(day_close_order::table.select((day_close_order::through, day_close_order::ordered_by))).await
}
