//! The table of approvals.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Locking, Row, Tx, Writing};
use kernel::permission::Permission;
use uuid::Uuid;

use crate::approvals::{Approval, ApprovalStatus, Decided, Maker, NewApproval, Verdict};

/// The statement that files commands which are held back.
pub(crate) fn approvals_insert(now: DateTime<Utc>, approvals: &[NewApproval]) -> Option<Writing> {
    if approvals.is_empty() {
        return None;
    }
    let writing = Writing::new(APPROVALS_INSERT)
        .with(now)
        .with(approvals.iter().map(|approval| approval.id).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.operation.clone()).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.path.clone()).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.body.clone()).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.summary.clone()).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.branch_id).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.maker_id).collect::<Vec<_>>())
        .with(approvals.iter().map(|approval| approval.expires_at).collect::<Vec<_>>());
    Some(writing)
}

const APPROVALS_INSERT: &str = "insert into approval (status, asked_at, id, operation, path, body, summary, branch_id, maker_id, expires_at)
     select 'pending', $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::uuid[], $8::uuid[], $9::timestamptz[])";

/// What a second person could decide about, before it is filed.
#[derive(Debug, Clone)]
pub struct Question {
    pub branch_id: Uuid,
    /// What the second person must be allowed to do, beside deciding at all.
    pub decided_by: Permission,
    pub maker_id: Uuid,
    pub maker_staff: Option<Uuid>,
}

/// How many people could decide about each now: active, allowed to, with the branch in scope, and not the maker.
pub async fn deciders(tx: &Tx, questions: &[Question]) -> Result<Vec<i64>, Fault> {
    let branches: Vec<Uuid> = questions.iter().map(|one| one.branch_id).collect();
    let permissions: Vec<&str> = questions.iter().map(|one| one.decided_by.as_str()).collect();
    let makers: Vec<Uuid> = questions.iter().map(|one| one.maker_id).collect();
    let staff: Vec<Option<Uuid>> = questions.iter().map(|one| one.maker_staff).collect();
    let rows =
        tx.query(DECIDERS, &[&branches, &permissions, &makers, &staff, &Permission::ApprovalDecide.as_str()]).await?;
    Ok(rows.iter().map(|row| row.get("deciders")).collect())
}

const DECIDERS: &str = "select count(distinct coalesce(candidate.staff_id, candidate.id)) as deciders
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[]) with ordinality as asked (branch_id, permission, maker_id, maker_staff, number)
     left join lateral (
         select app_user.id, app_user.staff_id
         from branch join app_user on app_user.branch_id = any(branch.ancestors) and app_user.active
         join user_role on user_role.user_id = app_user.id join role on role.code = user_role.role_code
         where branch.id = asked.branch_id and app_user.id <> asked.maker_id
           and (asked.maker_staff is null or app_user.staff_id is distinct from asked.maker_staff)
         group by app_user.id, app_user.staff_id
         having bool_or(asked.permission = any(role.permissions)) and bool_or($5 = any(role.permissions))) candidate on true
     group by asked.number order by asked.number";

/// One approval that a scope covers.
pub async fn find_approval(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<Approval>, Fault> {
    let row = tx
        .query_opt(
            "select approval.id, operation, path, body, summary, approval.branch_id, maker_id, maker.staff_id, maker.name as maker_name,
                    status, asked_at, expires_at, decided_by, decided_at, result_id, approval.version
             from approval join branch on branch.id = approval.branch_id join app_user maker on maker.id = maker_id
             where approval.id = $1 and $2 = any(branch.ancestors)",
            &[&id, &scope.branch_id],
        )
        .await?;
    row.as_ref().map(approval_of_row).transpose()
}

/// Approvals with who sees them: each with the ancestors of its branch.
pub(crate) type Placed = Vec<(Approval, Vec<Uuid>)>;

const APPROVALS_WITH_PLACE: &str = "select approval.id, operation, path, body, summary, approval.branch_id, maker_id, maker.staff_id, maker.name as maker_name,
            status, asked_at, expires_at, decided_by, decided_at, result_id, approval.version, branch.ancestors
     from approval join branch on branch.id = approval.branch_id join app_user maker on maker.id = maker_id
     where approval.id = any($1)";
const LOCK_SKIPPING: &str = "select approval.id from unnest($1::uuid[], $2::uuid[]) as wanted (id, scope)
     join approval on approval.id = wanted.id
     join branch on branch.id = approval.branch_id and wanted.scope = any(branch.ancestors)
     order by approval.id for no key update of approval skip locked";
const LOCK_WAITING: &str = "select approval.id from unnest($1::uuid[], $2::uuid[]) as wanted (id, scope)
     join approval on approval.id = wanted.id
     join branch on branch.id = approval.branch_id and wanted.scope = any(branch.ancestors)
     order by approval.id for no key update of approval";

/// Locks approvals within the callers' scopes, and reads them after that. Returns the ids that are locked, and all that there are.
pub(crate) async fn approvals_for_update(tx: &Tx, wanted: &[(Uuid, Scope)]) -> Result<(HashSet<Uuid>, Placed), Fault> {
    let ids: Vec<Uuid> = wanted.iter().map(|(id, _)| *id).collect();
    let scopes: Vec<Uuid> = wanted.iter().map(|(_, scope)| scope.branch_id).collect();
    let (values, by_ids): (db::tx::Values, db::tx::Values) = (&[&ids, &scopes], &[&ids]);
    // Sent together, carried out in this order.
    let (locked, rows) = futures::try_join!(
        async {
            match tx.locking {
                Locking::Skip => tx.query(LOCK_SKIPPING, values).await,
                Locking::Wait => tx.query(LOCK_WAITING, values).await,
                Locking::None => Ok(Vec::new()),
            }
        },
        tx.query(APPROVALS_WITH_PLACE, by_ids),
    )?;
    let locked = match tx.locking {
        // A dry run locks nothing, and waits for nobody.
        Locking::None => ids.into_iter().collect(),
        Locking::Skip | Locking::Wait => locked.iter().map(|row| row.get("id")).collect(),
    };
    let placed: Result<Placed, Fault> =
        rows.iter().map(|row| Ok((approval_of_row(row)?, row.get("ancestors")))).collect();
    Ok((locked, placed?))
}

/// The statement that writes what second persons said of locked approvals.
pub(crate) fn approvals_decided(approvals: &[&Approval]) -> Option<Writing> {
    let decided: Vec<(&Approval, Decided)> =
        approvals.iter().filter_map(|approval| Some((*approval, approval.decided?))).collect();
    if decided.is_empty() {
        return None;
    }
    let status = |verdict| match verdict {
        Verdict::Approved => ApprovalStatus::Approved.as_str(),
        Verdict::Rejected => ApprovalStatus::Rejected.as_str(),
    };
    let writing = Writing::new(APPROVALS_DECIDED)
        .with(decided.iter().map(|(approval, _)| approval.id).collect::<Vec<_>>())
        .with(decided.iter().map(|(_, decided)| status(decided.verdict)).collect::<Vec<_>>())
        .with(decided.iter().map(|(_, decided)| decided.by).collect::<Vec<_>>())
        .with(decided.iter().map(|(_, decided)| decided.at).collect::<Vec<_>>())
        .with(decided.iter().map(|(_, decided)| decided.result_id).collect::<Vec<_>>())
        .with(decided.iter().map(|(approval, _)| approval.version).collect::<Vec<_>>());
    Some(writing)
}

const APPROVALS_DECIDED: &str =
    "update approval set status = said.status, decided_by = said.decided_by, decided_at = said.decided_at,
            result_id = said.result_id, version = said.version
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[], $5::uuid[], $6::bigint[])
          as said (id, status, decided_by, decided_at, result_id, version)
     where approval.id = said.id and approval.status = 'pending'";

/// Those that a scope covers, newest first.
pub async fn approvals_page(
    tx: &Tx,
    scope: &Scope,
    status: Option<ApprovalStatus>,
    page: &Page,
) -> Result<Rows<Approval>, Fault> {
    let status = status.map(ApprovalStatus::as_str);
    let rows = tx
        .query(
            "select approval.id, operation, path, body, summary, approval.branch_id, maker_id, maker.staff_id, maker.name as maker_name,
                    status, asked_at, expires_at, decided_by, decided_at, result_id, approval.version
             from approval join branch on branch.id = approval.branch_id join app_user maker on maker.id = maker_id
             where $1 = any(branch.ancestors)
               and ($2::text is null or $2 = case when status = 'pending' and expires_at <= $3 then 'expired' else status end)
               and ($4::timestamptz is null or (asked_at, approval.id) < ($4, $5::uuid))
             order by asked_at desc, approval.id desc limit $6",
            &[&scope.branch_id, &status, &tx.now, &page.after_at(), &page.after_id(), &page.fetch()],
        )
        .await?;
    let approvals = rows.iter().map(approval_of_row).collect::<Result<Vec<_>, _>>()?;
    Ok(page.rows(approvals, |approval| Position { at: approval.asked_at, id: approval.id }))
}

fn approval_of_row(row: &Row) -> Result<Approval, Fault> {
    let status: String = row.get("status");
    let verdict = match status.parse() {
        Ok(ApprovalStatus::Approved) => Some(Verdict::Approved),
        Ok(ApprovalStatus::Rejected) => Some(Verdict::Rejected),
        Ok(ApprovalStatus::Pending) => None,
        _ => return Err(Fault::Invariant(format!("an approval has the status {status}, which does not exist"))),
    };
    let by: Option<Uuid> = row.get("decided_by");
    let at: Option<DateTime<Utc>> = row.get("decided_at");
    let decided = match (verdict, by, at) {
        (Some(verdict), Some(by), Some(at)) => Some(Decided { verdict, by, at, result_id: row.get("result_id") }),
        _ => None,
    };
    Ok(Approval {
        id: row.get("id"),
        operation: row.get("operation"),
        path: row.get("path"),
        body: row.get("body"),
        summary: row.get("summary"),
        branch_id: row.get("branch_id"),
        maker: Maker { user_id: row.get("maker_id"), staff_id: row.get("staff_id"), name: row.get("maker_name") },
        asked_at: row.get("asked_at"),
        expires_at: row.get("expires_at"),
        decided,
        version: row.get("version"),
    })
}
