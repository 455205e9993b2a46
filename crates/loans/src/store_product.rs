//! Products, applications, and the shared copies of terms.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Row, Tx};
use kernel::amount::Amount;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::product::{Charge, Limits, Product, Withhold};
use crate::record::{LoanRecord, LoanStatus};
use crate::store::{amount, currency};
use crate::terms::{Calculation, Terms};

pub async fn products_taken(tx: &Tx, ids: &[Uuid], codes: &[&str]) -> Result<Vec<(Uuid, String)>, Fault> {
    let rows =
        tx.query("select id, code from loan_product where id = any($1) or code = any($2)", &[&ids, &codes]).await?;
    Ok(rows.iter().map(|row| (row.get("id"), row.get("code"))).collect())
}

pub async fn product_insert(tx: &Tx, product: &Product) -> Result<(), Fault> {
    let limits = &product.limits;
    tx.execute(
        "insert into loan_product (id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest,
                                   instalments_most, charges, withholds, basis, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &product.id,
            &product.code,
            &product.name,
            &product.currency.code(),
            &json(&product.terms)?,
            &limits.principal_least.minor(),
            &limits.principal_most.minor(),
            &i16::try_from(limits.instalments_fewest).unwrap_or(i16::MAX),
            &i16::try_from(limits.instalments_most).unwrap_or(i16::MAX),
            &json(&product.charges)?,
            &json(&product.withholds)?,
            &product.terms.basis.as_str(),
            &product.created_at,
        ],
    )
    .await?;
    Ok(())
}

fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, Fault> {
    serde_json::to_value(value).map_err(|error| Fault::Invariant(format!("a stored part can not be written: {error}")))
}

fn of_json<T: DeserializeOwned>(row: &Row, column: &str) -> Result<T, Fault> {
    serde_json::from_value(row.get(column))
        .map_err(|error| Fault::Invariant(format!("stored {column} can not be read: {error}")))
}

pub async fn products_by_ids(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Product>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest, instalments_most,
                    charges, withholds, created_at, version
             from loan_product where id = any($1)",
            &[&ids],
        )
        .await?;
    rows.iter().map(|row| Ok((row.get("id"), product_of_row(row)?))).collect()
}

pub async fn products_page(tx: &Tx, page: &Page) -> Result<Rows<Product>, Fault> {
    let rows = tx
        .query(
            "select id, code, name, currency, terms, principal_least_minor, principal_most_minor, instalments_fewest, instalments_most,
                    charges, withholds, created_at, version
             from loan_product where $1::timestamptz is null or (created_at, id) < ($1, $2)
             order by created_at desc, id desc limit $3",
            &[&page.after_at(), &page.after_id(), &page.fetch()],
        )
        .await?;
    let products: Result<Vec<Product>, Fault> = rows.iter().map(product_of_row).collect();
    Ok(page.rows(products?, |product| Position { at: product.created_at, id: product.id }))
}

fn product_of_row(row: &Row) -> Result<Product, Fault> {
    let count = |column: &str| u32::try_from(row.get::<_, i16>(column)).unwrap_or_default();
    Ok(Product {
        id: row.get("id"),
        code: row.get("code"),
        name: row.get("name"),
        currency: currency(row)?,
        terms: of_json(row, "terms")?,
        limits: Limits {
            principal_least: amount(row, "principal_least_minor"),
            principal_most: amount(row, "principal_most_minor"),
            instalments_fewest: count("instalments_fewest"),
            instalments_most: count("instalments_most"),
        },
        charges: of_json(row, "charges")?,
        withholds: of_json(row, "withholds")?,
        created_at: row.get("created_at"),
        version: row.get("version"),
    })
}

/// What was applied for and decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    pub loan_id: Uuid,
    pub principal: Amount,
    pub expected_disbursed_on: NaiveDate,
    pub charges: Vec<Charge>,
    pub withholds: Vec<Withhold>,
    pub applied_on: NaiveDate,
    pub applied_by: Uuid,
    pub approved_on: Option<NaiveDate>,
    pub approved_by: Option<Uuid>,
    pub approved: Option<Amount>,
    pub valid_until: Option<NaiveDate>,
    pub conditions: Option<String>,
    pub closed_reason: Option<String>,
    pub created_at: DateTime<Utc>,
    /// The member of staff behind the user who applied.
    pub applied_by_staff: Option<Uuid>,
}

pub async fn applications_by_loans(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Application>, Fault> {
    let rows = tx
        .query(
            "select loan_id, principal_minor, expected_disbursed_on, charges, withholds, applied_on, applied_by, approved_on, approved_by,
                    approved_minor, valid_until, conditions, closed_reason, loan_application.created_at, app_user.staff_id
             from loan_application left join app_user on app_user.id = applied_by where loan_id = any($1)",
            &[&ids],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let application = Application {
                loan_id: row.get("loan_id"),
                principal: amount(row, "principal_minor"),
                expected_disbursed_on: row.get("expected_disbursed_on"),
                charges: of_json(row, "charges")?,
                withholds: of_json(row, "withholds")?,
                applied_on: row.get("applied_on"),
                applied_by: row.get("applied_by"),
                approved_on: row.get("approved_on"),
                approved_by: row.get("approved_by"),
                approved: row.get::<_, Option<i64>>("approved_minor").map(Amount::of_minor),
                valid_until: row.get("valid_until"),
                conditions: row.get("conditions"),
                closed_reason: row.get("closed_reason"),
                created_at: row.get("created_at"),
                applied_by_staff: row.get("staff_id"),
            };
            Ok((application.loan_id, application))
        })
        .collect()
}

/// Loans that were applied for: their state, their application, and the copies of terms that are new.
pub async fn loans_insert(tx: &Tx, loans: &[(LoanRecord, Application)]) -> Result<(), Fault> {
    if loans.is_empty() {
        return Ok(());
    }
    terms_insert(tx, loans).await?;
    let records: Vec<&LoanRecord> = loans.iter().map(|(record, _)| record).collect();
    let ids: Vec<Uuid> = records.iter().map(|record| record.id).collect();
    let numbers: Vec<&str> = records.iter().map(|record| record.number.as_str()).collect();
    let clients: Vec<Uuid> = records.iter().map(|record| record.client_id).collect();
    let products: Vec<Uuid> = records.iter().map(|record| record.product_id).collect();
    let branches: Vec<Uuid> = records.iter().map(|record| record.branch_id).collect();
    let officers: Vec<Option<Uuid>> = records.iter().map(|record| record.officer_id).collect();
    let terms: Vec<Uuid> = records.iter().map(|record| record.terms_id).collect();
    let currencies: Vec<&str> = records.iter().map(|record| record.currency.code()).collect();
    let instalments: Vec<i16> =
        records.iter().map(|record| i16::try_from(record.loan.agreement.instalments).unwrap_or(i16::MAX)).collect();
    let first_due: Vec<Option<NaiveDate>> = records.iter().map(|record| record.loan.agreement.first_due_on).collect();
    tx.execute(
        "insert into loan (status, committed_minor, deducted_fees_minor, withheld_minor, principal_minor, principal_paid_minor, interest_minor,
                           interest_paid_minor, overpaid_minor, schedule_version, version, since_on, created_at, id, number, client_id, product_id,
                           branch_id, officer_id, terms_id, currency, instalments, first_due_on)
         select 'applied', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, $1, $2, * from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::uuid[],
                $9::uuid[], $10::text[], $11::smallint[], $12::date[])",
        &[
            &tx.business_date,
            &tx.now, &ids, &numbers, &clients, &products, &branches, &officers, &terms, &currencies, &instalments,
            &first_due,
        ],
    )
    .await?;
    applications_insert(tx, loans).await
}

async fn applications_insert(tx: &Tx, loans: &[(LoanRecord, Application)]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = loans.iter().map(|(_, application)| application.loan_id).collect();
    let principals: Vec<i64> = loans.iter().map(|(_, application)| application.principal.minor()).collect();
    let expected: Vec<NaiveDate> = loans.iter().map(|(_, application)| application.expected_disbursed_on).collect();
    let charges: Result<Vec<_>, Fault> = loans.iter().map(|(_, application)| json(&application.charges)).collect();
    let withholds: Result<Vec<_>, Fault> = loans.iter().map(|(_, application)| json(&application.withholds)).collect();
    let applied_on: Vec<NaiveDate> = loans.iter().map(|(_, application)| application.applied_on).collect();
    let applied_by: Vec<Uuid> = loans.iter().map(|(_, application)| application.applied_by).collect();
    tx.execute(
        "insert into loan_application (created_at, loan_id, principal_minor, expected_disbursed_on, charges, withholds, applied_on, applied_by)
         select $1, * from unnest($2::uuid[], $3::bigint[], $4::date[], $5::jsonb[], $6::jsonb[], $7::date[], $8::uuid[])",
        &[&tx.now, &ids, &principals, &expected, &charges?, &withholds?, &applied_on, &applied_by],
    )
    .await?;
    Ok(())
}

/// Where a copy of terms stands: loans with the same terms share one.
pub fn terms_id(terms: &Terms) -> Result<Uuid, Fault> {
    let digest: [u8; 32] = Sha256::digest(json(terms)?.to_string()).into();
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    Ok(uuid::Builder::from_custom_bytes(head).into_uuid())
}

async fn terms_insert(tx: &Tx, loans: &[(LoanRecord, Application)]) -> Result<(), Fault> {
    let mut copies: HashMap<Uuid, &Terms> = HashMap::new();
    for (record, _) in loans {
        copies.insert(record.terms_id, &record.loan.agreement.terms);
    }
    let ids: Vec<Uuid> = copies.keys().copied().collect();
    let texts: Result<Vec<_>, Fault> = copies.values().map(json).collect();
    let weights: Vec<&str> = copies.values().map(|terms| accrual_weight(terms)).collect();
    let bases: Vec<&str> = copies.values().map(|terms| terms.basis.as_str()).collect();
    let thresholds: Vec<i32> = copies.values().map(|terms| i32::from(terms.non_accrual_days)).collect();
    tx.execute(
        "insert into loan_terms (id, terms, accrual_weight, basis, non_accrual_days)
         select * from unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[], $5::integer[]) on conflict (id) do nothing",
        &[&ids, &texts?, &weights, &bases, &thresholds],
    )
    .await?;
    Ok(())
}

/// How the close of day weighs an instalment's days: `accrual::weight`, as a word that SQL reads.
fn accrual_weight(terms: &Terms) -> &'static str {
    match terms.interest.calculation {
        Calculation::PerPeriod => "actual_days",
        Calculation::Daily => terms.interest.day_count.as_str(),
    }
}

/// Numbers for new loans.
pub async fn loan_numbers(tx: &Tx, count: usize) -> Result<Vec<String>, Fault> {
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let rows = tx
        .query(
            // At least 6 digits: to pad to 6 would cut a longer one.
            "select 'L-' || lpad(number, greatest(6, length(number)), '0') as number
             from (select nextval('loan_number')::text as number from generate_series(1, $1)) as next",
            &[&count],
        )
        .await?;
    Ok(rows.iter().map(|row| row.get("number")).collect())
}

pub async fn loan_ids_taken(tx: &Tx, ids: &[Uuid]) -> Result<Vec<Uuid>, Fault> {
    let rows = tx.query("select id from loan where id = any($1)", &[&ids]).await?;
    Ok(rows.iter().map(|row| row.get("id")).collect())
}

/// What was decided about applications.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    pub loan_id: Uuid,
    pub approved_on: Option<NaiveDate>,
    pub approved_by: Option<Uuid>,
    pub approved: Option<Amount>,
    pub valid_until: Option<NaiveDate>,
    pub conditions: Option<String>,
    pub closed_reason: Option<String>,
}

/// Writes decisions; what a decision does not say stays as it was.
pub async fn applications_decide(tx: &Tx, decisions: &[Decision]) -> Result<(), Fault> {
    if decisions.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = decisions.iter().map(|decision| decision.loan_id).collect();
    let approved_on: Vec<_> = decisions.iter().map(|decision| decision.approved_on).collect();
    let approved_by: Vec<_> = decisions.iter().map(|decision| decision.approved_by).collect();
    let approved: Vec<_> = decisions.iter().map(|decision| decision.approved.map(Amount::minor)).collect();
    let valid_until: Vec<_> = decisions.iter().map(|decision| decision.valid_until).collect();
    let conditions: Vec<_> = decisions.iter().map(|decision| decision.conditions.as_deref()).collect();
    let reasons: Vec<_> = decisions.iter().map(|decision| decision.closed_reason.as_deref()).collect();
    tx.execute(
        "update loan_application set approved_on = coalesce(new.approved_on, loan_application.approved_on),
                approved_by = coalesce(new.approved_by, loan_application.approved_by),
                approved_minor = coalesce(new.approved, approved_minor), valid_until = coalesce(new.valid_until, loan_application.valid_until),
                conditions = coalesce(new.conditions, loan_application.conditions), closed_reason = coalesce(new.reason, closed_reason)
         from unnest($1::uuid[], $2::date[], $3::uuid[], $4::bigint[], $5::date[], $6::text[], $7::text[])
              as new (loan_id, approved_on, approved_by, approved, valid_until, conditions, reason)
         where loan_application.loan_id = new.loan_id",
        &[&ids, &approved_on, &approved_by, &approved, &valid_until, &conditions, &reasons],
    )
    .await?;
    Ok(())
}

/// Approving may change the number of instalments, and that of a loan that was only applied for is not yet part of its
/// history: it is written with the state.
pub async fn loans_update_instalments(tx: &Tx, loans: &[(Uuid, u32)]) -> Result<(), Fault> {
    if loans.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = loans.iter().map(|(id, _)| *id).collect();
    let counts: Vec<i16> = loans.iter().map(|(_, count)| i16::try_from(*count).unwrap_or(i16::MAX)).collect();
    tx.execute(
        "update loan set instalments = new.instalments from unnest($1::uuid[], $2::smallint[]) as new (id, instalments)
         where loan.id = new.id",
        &[&ids, &counts],
    )
    .await?;
    Ok(())
}

/// Applications that have ended without a loan: their status. The state before is kept like any other.
pub async fn loans_end(tx: &Tx, ended: &[(Uuid, LoanStatus)]) -> Result<(), Fault> {
    if ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = ended.iter().map(|(id, _)| *id).collect();
    let statuses: Vec<&str> = ended.iter().map(|(_, status)| status.as_str()).collect();
    tx.execute(
        "insert into loan_past select $2::date, loan.* from loan where id = any($1) and since_on < $2",
        &[&ids, &tx.business_date],
    )
    .await?;
    tx.execute(
        "update loan set status = new.status, version = version + 1, since_on = $3
         from unnest($1::uuid[], $2::text[]) as new (id, status) where loan.id = new.id and loan.status <> new.status",
        &[&ids, &statuses, &tx.business_date],
    )
    .await?;
    Ok(())
}
