//! Applications, the loans that they become, and the shared copies of terms.

use std::collections::{HashMap, HashSet};

use db::fault::Fault;
use db::narrow::narrow;
use db::tx::{Today, Tx, Writing};
use kernel::amount::Amount;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::products::{json, of_json};
use super::read::amount;
use crate::record::{Application, LoanRecord};
use crate::terms::{Calculation, Terms};

const APPLICATIONS: &str = "select loan_id, principal_minor, expected_disbursed_on, charges, withholds, applied_on, applied_by, approved_on, approved_by,
            approved_minor, valid_until, conditions, closed_reason, loan_application.created_at, app_user.staff_id
     from loan_application left join app_user on app_user.id = applied_by where loan_id = any($1)";

pub async fn applications_by_loans(tx: &Tx, ids: &[Uuid]) -> Result<HashMap<Uuid, Application>, Fault> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = tx.query(APPLICATIONS, &[&ids]).await?;
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

/// A loan that is new, with its application.
type NewLoan<'a> = (&'a LoanRecord, &'a Application);

/// The statements that save loans which were applied for: the copies of terms that are new, their state, their applications.
pub(crate) fn loans_insert(today: Today, loans: &[NewLoan<'_>]) -> Result<Vec<Writing>, Fault> {
    if loans.is_empty() {
        return Ok(Vec::new());
    }
    let records = || loans.iter().map(|(record, _)| *record);
    let instalments: Result<Vec<i16>, Fault> =
        records().map(|record| narrow(record.loan.agreement.instalments, "loan_state.instalments")).collect();
    let inserted = Writing::new(LOANS_INSERT)
        .with(today.business_date)
        .with(today.now)
        .with(records().map(|record| record.id).collect::<Vec<_>>())
        .with(records().map(|record| record.number.clone()).collect::<Vec<_>>())
        .with(records().map(|record| record.client_id).collect::<Vec<_>>())
        .with(records().map(|record| record.product_id).collect::<Vec<_>>())
        .with(records().map(|record| record.terms_id).collect::<Vec<_>>())
        .with(records().map(|record| record.currency.code().to_owned()).collect::<Vec<_>>())
        .with(records().map(|record| record.branch_id).collect::<Vec<_>>())
        .with(records().map(|record| record.officer_id).collect::<Vec<_>>())
        .with(instalments?)
        .with(records().map(|record| record.loan.agreement.first_due_on).collect::<Vec<_>>());
    Ok(vec![terms_insert(loans)?, inserted, applications_insert(today, loans)?])
}

const LOANS_INSERT: &str = "with loan as (
         insert into loan (created_at, id, number, client_id, product_id, terms_id, currency)
         select $2, * from unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[])
     )
     insert into loan_state (status, committed_minor, deducted_fees_minor, withheld_minor, principal_minor, principal_paid_minor,
                             interest_minor, interest_paid_minor, overpaid_minor, schedule_version, version, since_on, created_at,
                             loan_id, client_id, product_id, terms_id, currency, branch_id, officer_id, instalments, first_due_on)
     select 'applied', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, $1, $2, *
     from unnest($3::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::uuid[], $10::uuid[], $11::smallint[], $12::date[])";

fn applications_insert(today: Today, loans: &[NewLoan<'_>]) -> Result<Writing, Fault> {
    let applications = || loans.iter().map(|(_, application)| *application);
    let charges: Result<Vec<_>, Fault> = applications().map(|application| json(&application.charges)).collect();
    let withholds: Result<Vec<_>, Fault> = applications().map(|application| json(&application.withholds)).collect();
    let writing = Writing::new(APPLICATIONS_INSERT)
        .with(today.now)
        .with(applications().map(|application| application.loan_id).collect::<Vec<_>>())
        .with(applications().map(|application| application.principal.minor()).collect::<Vec<_>>())
        .with(applications().map(|application| application.expected_disbursed_on).collect::<Vec<_>>())
        .with(charges?)
        .with(withholds?)
        .with(applications().map(|application| application.applied_on).collect::<Vec<_>>())
        .with(applications().map(|application| application.applied_by).collect::<Vec<_>>());
    Ok(writing)
}

const APPLICATIONS_INSERT: &str = "insert into loan_application (created_at, loan_id, principal_minor, expected_disbursed_on, charges, withholds, applied_on, applied_by)
     select $1, * from unnest($2::uuid[], $3::bigint[], $4::date[], $5::jsonb[], $6::jsonb[], $7::date[], $8::uuid[])";

/// Where a copy of terms stands: loans with the same terms share one.
pub fn terms_id(terms: &Terms) -> Result<Uuid, Fault> {
    let digest: [u8; 32] = Sha256::digest(json(terms)?.to_string()).into();
    let [head @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = digest;
    Ok(uuid::Builder::from_custom_bytes(head).into_uuid())
}

fn terms_insert(loans: &[NewLoan<'_>]) -> Result<Writing, Fault> {
    let mut copies: HashMap<Uuid, &Terms> = HashMap::new();
    for (record, _) in loans {
        copies.insert(record.terms_id, &record.loan.agreement.terms);
    }
    let texts: Result<Vec<_>, Fault> = copies.values().map(json).collect();
    let writing = Writing::new(TERMS_INSERT)
        .with(copies.keys().copied().collect::<Vec<_>>())
        .with(texts?)
        .with(copies.values().map(|terms| accrual_weight(terms)).collect::<Vec<_>>())
        .with(copies.values().map(|terms| terms.basis.as_str()).collect::<Vec<_>>())
        .with(copies.values().map(|terms| i32::from(terms.non_accrual_days)).collect::<Vec<_>>());
    Ok(writing)
}

const TERMS_INSERT: &str = "insert into loan_terms (id, terms, accrual_weight, basis, non_accrual_days)
     select * from unnest($1::uuid[], $2::jsonb[], $3::text[], $4::text[], $5::integer[]) on conflict (id) do nothing";

/// How the close of day weighs an instalment's days: `accrual::weight`, as a word that SQL reads.
fn accrual_weight(terms: &Terms) -> &'static str {
    match terms.interest.calculation {
        Calculation::PerPeriod => "actual_days",
        Calculation::Daily => terms.interest.day_count.as_str(),
    }
}

const LOAN_IDS: &str = "select id from loan where id = any($1)";

pub async fn loan_ids_taken(tx: &Tx, ids: &[Uuid]) -> Result<HashSet<Uuid>, Fault> {
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    Ok(tx.query(LOAN_IDS, &[&ids]).await?.iter().map(|row| row.get("id")).collect())
}

/// The statement that saves what was decided about applications.
pub(crate) fn applications_decide(applications: &[&Application]) -> Option<Writing> {
    if applications.is_empty() {
        return None;
    }
    let writing = Writing::new(APPLICATIONS_DECIDE)
        .with(applications.iter().map(|application| application.loan_id).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.approved_on).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.approved_by).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.approved.map(Amount::minor)).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.valid_until).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.conditions.clone()).collect::<Vec<_>>())
        .with(applications.iter().map(|application| application.closed_reason.clone()).collect::<Vec<_>>());
    Some(writing)
}

const APPLICATIONS_DECIDE: &str = "update loan_application set approved_on = new.approved_on, approved_by = new.approved_by,
            approved_minor = new.approved, valid_until = new.valid_until, conditions = new.conditions, closed_reason = new.reason
     from unnest($1::uuid[], $2::date[], $3::uuid[], $4::bigint[], $5::date[], $6::text[], $7::text[])
          as new (loan_id, approved_on, approved_by, approved, valid_until, conditions, reason)
     where loan_application.loan_id = new.loan_id";

/// The statement that saves the number of instalments, which an approval may change: it is no part of what an event tells.
pub(crate) fn loans_update_instalments(loans: &[&LoanRecord]) -> Result<Option<Writing>, Fault> {
    if loans.is_empty() {
        return Ok(None);
    }
    let counts: Result<Vec<i16>, Fault> =
        loans.iter().map(|record| narrow(record.loan.agreement.instalments, "loan_state.instalments")).collect();
    let ids: Vec<Uuid> = loans.iter().map(|record| record.id).collect();
    Ok(Some(Writing::new(LOANS_UPDATE_INSTALMENTS).with(ids).with(counts?)))
}

const LOANS_UPDATE_INSTALMENTS: &str = "update loan_state set instalments = new.instalments
     from unnest($1::uuid[], $2::smallint[]) as new (loan_id, instalments) where loan_state.loan_id = new.loan_id";
