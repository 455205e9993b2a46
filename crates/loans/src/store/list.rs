//! Lists of loans.

use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Tx, Values};
use uuid::Uuid;

use super::read::loans_by_ids;
use crate::record::LoanRecord;

/// What a list of loans is narrowed by.
#[derive(Debug, Default)]
pub struct LoanFilter {
    pub branch_id: Option<Uuid>,
    pub officer_id: Option<Uuid>,
    pub client_id: Option<Uuid>,
    pub product_id: Option<Uuid>,
    pub status: Option<&'static str>,
    pub number: Option<String>,
}

/// The newest of the institution, filtered as they come.
const OF_ALL: &str = "select loan_id as id, created_at from loan_state
     where branch_id in (select branch.id from branch where $1 = any(branch.ancestors) and ($3::uuid is null or $3 = any(branch.ancestors)))
       and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
       and ($5::uuid is null or product_id = $5) and ($6::text is null or status = $6)
       and ($7::timestamptz is null or (created_at, loan_id) < ($7, $8))
     order by created_at desc, loan_id desc limit $9";

/// Those of a client, or the one of a number: what never changes of them is looked up first, by an index of its own.
const OF_CLIENT_OR_NUMBER: &str = "select state.loan_id as id, state.created_at from loan join loan_state state on state.loan_id = loan.id
     where ($10::uuid is null or loan.client_id = $10) and ($11::text is null or loan.number = $11)
       and branch_id in (select branch.id from branch where $1 = any(branch.ancestors) and ($3::uuid is null or $3 = any(branch.ancestors)))
       and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
       and ($5::uuid is null or state.product_id = $5) and ($6::text is null or status = $6)
       and ($7::timestamptz is null or (state.created_at, state.loan_id) < ($7, $8))
     order by state.created_at desc, state.loan_id desc limit $9";

/// A page of each branch below $3, by the branch's index, then the page of all: a branch has few of a million loans.
const OF_BRANCHES: &str = "select state.loan_id as id, state.created_at from branch cross join lateral (
         select loan_id, created_at from loan_state
         where branch_id = branch.id
           and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
           and ($5::uuid is null or product_id = $5) and ($6::text is null or status = $6)
           and ($7::timestamptz is null or (created_at, loan_id) < ($7, $8))
         order by created_at desc, loan_id desc limit $9) state
     where $1 = any(branch.ancestors) and $3 = any(branch.ancestors)
     order by state.created_at desc, state.loan_id desc limit $9";

/// The same of one status, by an index that has it: where few or none are, few are looked at.
const OF_BRANCHES_IN_STATUS: &str = "select state.loan_id as id, state.created_at from branch cross join lateral (
         select loan_id, created_at from loan_state
         where branch_id = branch.id and status = $6
           and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
           and ($5::uuid is null or product_id = $5)
           and ($7::timestamptz is null or (created_at, loan_id) < ($7, $8))
         order by created_at desc, loan_id desc limit $9) state
     where $1 = any(branch.ancestors) and $3 = any(branch.ancestors)
     order by state.created_at desc, state.loan_id desc limit $9";

/// Loans newest first, within a scope.
pub async fn loans_page(tx: &Tx, scope: &Scope, filter: &LoanFilter, page: &Page) -> Result<Rows<LoanRecord>, Fault> {
    let branch_id = org::store::narrowed_to(tx, scope.branch_id, filter.branch_id).await?;
    let values: Values = &[
        &scope.branch_id,
        &scope.officer_id,
        &branch_id,
        &filter.officer_id,
        &filter.product_id,
        &filter.status,
        &page.after_at(),
        &page.after_id(),
        &page.fetch(),
        &filter.client_id,
        &filter.number,
    ];
    let rows = if filter.client_id.is_some() || filter.number.is_some() {
        tx.query(OF_CLIENT_OR_NUMBER, values).await?
    } else {
        // An officer's loans have an index of their own.
        let of_officer = scope.officer_id.or(filter.officer_id).is_some();
        let sql = match (branch_id, filter.status) {
            (Some(_), Some(_)) if !of_officer => OF_BRANCHES_IN_STATUS,
            (Some(_), None) if !of_officer => OF_BRANCHES,
            _ => OF_ALL,
        };
        tx.query(sql, &values[..9]).await?
    };
    let positions: Vec<Position> =
        rows.iter().map(|row| Position { at: row.get("created_at"), id: row.get("id") }).collect();
    let ids: Vec<Uuid> = positions.iter().map(|position| position.id).collect();
    let mut records = loans_by_ids(tx, &ids, tx.business_date).await?;
    let rows = page.rows(positions, |position| *position);
    let next = rows.next;
    Ok(Rows { rows: rows.rows.iter().filter_map(|position| records.remove(&position.id)).collect(), next })
}
