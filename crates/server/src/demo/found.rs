//! What is in the database already: nothing, a demo in part or whole, or somebody's institution.

use access::setup::ADMINISTRATOR;
use chrono::NaiveDate;
use db::caller::Scope;
use db::gates::{self, Gate};
use db::pool::Pool;
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::currency::Currency;
use secrecy::SecretString;
use uuid::Uuid;

use crate::arguments::DEMO_PASSWORD;
use crate::demo::id;
use crate::demo::institution::Span;
use crate::failure::Failure;

/// The branch that no other institution has: where it is, a demo was begun.
pub const FIRST_BRANCH: usize = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Not set up, or set up and nothing more.
    Nothing,
    /// A load that has come up to this open day.
    Part {
        span: Span,
        open_on: NaiveDate,
    },
    Whole,
    /// No demo.
    Foreign,
}

const SEEN: &str = "select
    exists (select from branch where id = $1) as begun,
    (select open_on from business_day) as open_on,
    (select min(closed_on) from day_close) as first_closed_on,
    exists (select 1 from day_close union all select 1 from client union all select 1 from staff
            union all select 1 from journal_entry union all select 1 from loan_product
            union all select 1 from branch where parent_id is not null
            union all select 1 from app_user where username <> $2) as used";

pub async fn found(pool: &Pool) -> Result<Found, Failure> {
    let tx = Tx::begin_reading(pool).await?;
    let row = tx.query_one(SEEN, &[&id("branch", FIRST_BRANCH), &ADMINISTRATOR]).await?;
    let open_on: Option<NaiveDate> = row.get("open_on");
    Ok(match open_on {
        Some(open_on) if row.get("begun") => {
            let first: Option<NaiveDate> = row.get("first_closed_on");
            let span = Span::beginning(first.unwrap_or(open_on));
            if open_on > span.last { Found::Whole } else { Found::Part { span, open_on } }
        }
        _ if row.get("used") => Found::Foreign,
        _ => Found::Nothing,
    })
}

/// An institution that is there in part must not be served as if it were whole.
pub async fn refuse_part(pool: &Pool) -> Result<(), Failure> {
    match found(pool).await? {
        Found::Part { .. } => Err(Failure::Said(PART.to_owned())),
        Found::Nothing | Found::Whole | Found::Foreign => Ok(()),
    }
}

const PART: &str = "the demo data here were loaded in part only: `ayni demo` goes on where it stopped";

/// Sets up the head office on the first day of the demo. Where `ayni serve` did so on another day and nothing happened since,
/// the day and the currency are those of the demo now.
pub async fn prepare(pool: &Pool, currency: Currency, span: Span) -> Result<(), Failure> {
    let password = SecretString::from(DEMO_PASSWORD);
    crate::house::furnish(pool, currency, span.first, Some(password)).await?;
    let tx = Tx::begin_long(pool).await?;
    gates::close(&tx, Gate::Day).await?;
    ledger::store::chart_touch(&tx).await?;
    org::setup::begin_again(&tx, currency, span.first).await?;
    tx.commit().await?;
    Ok(())
}

pub async fn administrator_and_head_office(pool: &Pool) -> Result<(Uuid, Uuid), Failure> {
    let tx = Tx::begin_reading(pool).await?;
    let users = access::store::users_taken(&tx, &[], &[ADMINISTRATOR]).await?;
    let branches = org::store::branches_all(&tx).await?;
    let head_office = branches.iter().find(|branch| branch.parent_id.is_none());
    match (users.first(), head_office) {
        (Some((administrator, _)), Some(head_office)) => Ok((*administrator, head_office.id)),
        _ => Err(Failure::Said(format!("the database has no user {ADMINISTRATOR} or no head office"))),
    }
}

/// The version of the administrator's record, where the password is not the demo's.
pub async fn administrator_to_change(pool: &Pool, id: Uuid, head_office: Uuid) -> Result<Option<i64>, Failure> {
    let tx = Tx::begin_reading(pool).await?;
    let password = SecretString::from(DEMO_PASSWORD);
    if !access::setup::users_with_password(&tx, &[ADMINISTRATOR], &password).await?.is_empty() {
        return Ok(None);
    }
    let scope = Scope { branch_id: head_office, officer_id: None };
    Ok(access::store::find_user(&tx, id, &scope).await?.map(|user| user.version))
}

#[derive(Debug, Clone, Copy)]
pub struct Counts {
    pub branches: i64,
    pub staff: i64,
    pub clients: i64,
    pub loans: i64,
    pub open_on: NaiveDate,
}

const COUNTS: &str = "select (select count(*) from branch) as branches, (select count(*) from staff) as staff,
    (select count(*) from client) as clients, (select count(*) from loan) as loans, open_on from business_day";

pub async fn counts(pool: &Pool) -> Result<Counts, Failure> {
    let row = Tx::begin_reading(pool).await?.query_one(COUNTS, &[]).await?;
    Ok(Counts {
        branches: row.get("branches"),
        staff: row.get("staff"),
        clients: row.get("clients"),
        loans: row.get("loans"),
        open_on: row.get("open_on"),
    })
}

const OUTSTANDING: &str = "select coalesce(sum(principal_minor - principal_paid_minor), 0)::bigint as outstanding from loan_state where status = 'active'";

/// The principal that clients owe.
pub async fn outstanding(pool: &Pool) -> Result<Amount, Failure> {
    Ok(Amount::of_minor(Tx::begin_reading(pool).await?.query_one(OUTSTANDING, &[]).await?.get("outstanding")))
}
