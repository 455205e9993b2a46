//! The table of approvals.

use chrono::{DateTime, Utc};
use db::caller::Scope;
use db::fault::Fault;
use db::page::{Page, Position, Rows};
use db::tx::{Locking, Row, Tx};
use uuid::Uuid;

use crate::approvals::{Approval, ApprovalStatus, Decided, Locked, Maker, NewApproval, Verdict};

/// Holds commands back.
pub async fn approvals_insert(tx: &Tx, approvals: &[NewApproval]) -> Result<(), Fault> {
    let ids: Vec<Uuid> = approvals.iter().map(|approval| approval.id).collect();
    let operations: Vec<&str> = approvals.iter().map(|approval| approval.operation.as_str()).collect();
    let commands: Vec<&serde_json::Value> = approvals.iter().map(|approval| &approval.command).collect();
    let summaries: Vec<&str> = approvals.iter().map(|approval| approval.summary.as_str()).collect();
    let branches: Vec<Uuid> = approvals.iter().map(|approval| approval.branch_id).collect();
    let makers: Vec<Uuid> = approvals.iter().map(|approval| approval.maker_id).collect();
    let expiries: Vec<DateTime<Utc>> = approvals.iter().map(|approval| approval.expires_at).collect();
    tx.execute(
        "insert into approval (status, asked_at, id, operation, command, summary, branch_id, maker_id, expires_at)
         select 'pending', $1, * from unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::uuid[], $7::uuid[], $8::timestamptz[])",
        &[&tx.now, &ids, &operations, &commands, &summaries, &branches, &makers, &expiries],
    )
    .await?;
    Ok(())
}

/// One approval that a scope covers.
pub async fn find_approval(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Option<Approval>, Fault> {
    let row = tx
        .query_opt(
            "select approval.id, operation, command, summary, approval.branch_id, maker_id, maker.staff_id, maker.name as maker_name,
                    status, asked_at, expires_at, decided_by, decided_at, result_id, approval.version
             from approval join branch on branch.id = approval.branch_id join app_user maker on maker.id = maker_id
             where approval.id = $1 and $2 = any(branch.ancestors)",
            &[&id, &scope.branch_id],
        )
        .await?;
    row.as_ref().map(approval_of_row).transpose()
}

/// One approval that a scope covers, locked until the end of the transaction and read after that.
pub async fn approval_for_update(tx: &Tx, id: Uuid, scope: &Scope) -> Result<Locked<Approval>, Fault> {
    let locked = match tx.locking {
        Locking::None => true,
        Locking::Skip => !tx.query(LOCK_OR_SKIP, &[&id, &scope.branch_id]).await?.is_empty(),
        Locking::Wait => !tx.query(LOCK, &[&id, &scope.branch_id]).await?.is_empty(),
    };
    Ok(match find_approval(tx, id, scope).await? {
        None => Locked::Absent,
        Some(_) if !locked => Locked::Busy,
        Some(approval) => Locked::Here(approval),
    })
}

const LOCK_OR_SKIP: &str = "select approval.id from approval join branch on branch.id = approval.branch_id
     where approval.id = $1 and $2 = any(branch.ancestors) for no key update of approval skip locked";
const LOCK: &str = "select approval.id from approval join branch on branch.id = approval.branch_id
     where approval.id = $1 and $2 = any(branch.ancestors) for no key update of approval";

/// Writes what a second person said of a locked approval, and gives it as it then stands.
pub async fn approval_decided(
    tx: &Tx,
    approval: &Approval,
    verdict: Verdict,
    by: Uuid,
    result_id: Option<Uuid>,
) -> Result<Approval, Fault> {
    let status = match verdict {
        Verdict::Approved => ApprovalStatus::Approved,
        Verdict::Rejected => ApprovalStatus::Rejected,
    };
    let written = tx
        .execute(
            "update approval set status = $2, decided_by = $3, decided_at = $4, result_id = $5, version = version + 1
             where id = $1 and status = 'pending'",
            &[&approval.id, &status.as_str(), &by, &tx.now, &result_id],
        )
        .await?;
    if written != 1 {
        return Err(Fault::Invariant(format!("the approval {} was decided on twice", approval.id)));
    }
    let decided = Some(Decided { verdict, by, at: tx.now, result_id });
    Ok(Approval { decided, version: approval.version + 1, ..approval.clone() })
}

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
            "select approval.id, operation, command, summary, approval.branch_id, maker_id, maker.staff_id, maker.name as maker_name,
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
    let status: &str = row.get("status");
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
        command: row.get("command"),
        summary: row.get("summary"),
        branch_id: row.get("branch_id"),
        maker: Maker { user_id: row.get("maker_id"), staff_id: row.get("staff_id"), name: row.get("maker_name") },
        asked_at: row.get("asked_at"),
        expires_at: row.get("expires_at"),
        decided,
        version: row.get("version"),
    })
}
