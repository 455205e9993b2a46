//! Lists of loans.

use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::Tx;
use uuid::Uuid;

use crate::record::LoanRecord;
use crate::store::loans_by_ids;

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
const OF_ALL: &str = "select loan.id, loan.created_at from loan
     where branch_id in (select branch.id from branch where $1 = any(branch.ancestors) and ($3::uuid is null or $3 = any(branch.ancestors)))
       and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
       and ($5::uuid is null or client_id = $5) and ($6::uuid is null or product_id = $6)
       and ($7::text is null or status = $7) and ($8::text is null or loan.number = $8)
       and ($9::timestamptz is null or (loan.created_at, loan.id) < ($9, $10))
     order by loan.created_at desc, loan.id desc limit $11";

/// A page of each branch below $3, by the branch's index, then the page of all: a branch has few of a million loans.
const OF_BRANCHES: &str = "select loan.id, loan.created_at from branch cross join lateral (
         select id, created_at from loan
         where branch_id = branch.id
           and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
           and ($5::uuid is null or client_id = $5) and ($6::uuid is null or product_id = $6)
           and ($7::text is null or status = $7) and ($8::text is null or number = $8)
           and ($9::timestamptz is null or (created_at, id) < ($9, $10))
         order by created_at desc, id desc limit $11) loan
     where $1 = any(branch.ancestors) and $3 = any(branch.ancestors)
     order by loan.created_at desc, loan.id desc limit $11";

/// The same of one status, by an index that has it: where few or none are, few are looked at.
const OF_BRANCHES_IN_STATUS: &str = "select loan.id, loan.created_at from branch cross join lateral (
         select id, created_at from loan
         where branch_id = branch.id and status = $7
           and ($2::uuid is null or officer_id = $2) and ($4::uuid is null or officer_id = $4)
           and ($5::uuid is null or client_id = $5) and ($6::uuid is null or product_id = $6)
           and ($8::text is null or number = $8)
           and ($9::timestamptz is null or (created_at, id) < ($9, $10))
         order by created_at desc, id desc limit $11) loan
     where $1 = any(branch.ancestors) and $3 = any(branch.ancestors)
     order by loan.created_at desc, loan.id desc limit $11";

/// Loans newest first, within a scope.
pub async fn loans_page(tx: &Tx, scope: &Scope, filter: &LoanFilter, page: &Page) -> Result<Rows<LoanRecord>, Fault> {
    let branch_id = org::store::narrowed_to(tx, scope.branch_id, filter.branch_id).await?;
    // An officer, a client and a number have indexes of their own.
    let by_own_index = scope.officer_id.or(filter.officer_id).or(filter.client_id).is_some() || filter.number.is_some();
    let sql = match (branch_id, filter.status) {
        (Some(_), Some(_)) if !by_own_index => OF_BRANCHES_IN_STATUS,
        (Some(_), None) if !by_own_index => OF_BRANCHES,
        _ => OF_ALL,
    };
    let rows = tx
        .query(
            sql,
            &[
                &scope.branch_id,
                &scope.officer_id,
                &branch_id,
                &filter.officer_id,
                &filter.client_id,
                &filter.product_id,
                &filter.status,
                &filter.number,
                &page.after_at(),
                &page.after_id(),
                &page.fetch(),
            ],
        )
        .await?;
    let positions: Vec<Position> =
        rows.iter().map(|row| Position { at: row.get("created_at"), id: row.get("id") }).collect();
    let ids: Vec<Uuid> = positions.iter().map(|position| position.id).collect();
    let mut records = loans_by_ids(tx, &ids, tx.business_date).await?;
    let rows = page.rows(positions, |position| *position);
    let next = rows.next;
    Ok(Rows { rows: rows.rows.iter().filter_map(|position| records.remove(&position.id)).collect(), next })
}
