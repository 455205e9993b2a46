//! `/v1/approvals`. What is approved or rejected is carried out where its operation lives.

use access::approvals::{Approval, ApprovalStatus};
use chrono::{DateTime, Utc};
use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use kernel::permission::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::asking::Reading;
use crate::given::parted;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/approvals", "approval.list", Access::Needs(Permission::ApprovalRead), || get(list))
        .about("Access", "Commands that wait for a second person, or did, newest first")
        .query(parameters::<ApprovalQuery>)
        .answers(200, schema::<List<ApprovalView>>),
    Operation::get("/v1/approvals/{id}", "approval.get", Access::Needs(Permission::ApprovalRead), || get(show))
        .about("Access", "One command that waits for a second person")
        .answers(200, schema::<ApprovalView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ApprovalQuery {
    status: Option<ApprovalStatus>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalView {
    id: Uuid,
    /// What will be done.
    operation: String,
    summary: String,
    /// The parameters of its path, in their order.
    path: Vec<String>,
    /// The command as it was sent, with what was left out and is known since.
    #[schema(value_type = Object)]
    body: serde_json::Value,
    branch_id: Uuid,
    maker: MakerView,
    status: ApprovalStatus,
    asked_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// The user who decided.
    decided_by: Option<Uuid>,
    decided_at: Option<DateTime<Utc>>,
    /// The record that the command made.
    result_id: Option<Uuid>,
    version: i64,
}

/// Who gave the command.
#[derive(Debug, Serialize, ToSchema)]
pub struct MakerView {
    user_id: Uuid,
    staff_id: Option<Uuid>,
    name: String,
}

impl ApprovalView {
    /// As it was decided: from then on its status does not depend on the time.
    pub fn decided(approval: &Approval) -> ApprovalView {
        ApprovalView::of(approval, approval.decided.map_or(approval.asked_at, |decided| decided.at))
    }

    pub fn of(approval: &Approval, now: DateTime<Utc>) -> ApprovalView {
        ApprovalView {
            id: approval.id,
            operation: approval.operation.clone(),
            summary: approval.summary.clone(),
            path: parted(&approval.path),
            body: approval.body.clone(),
            branch_id: approval.branch_id,
            maker: MakerView {
                user_id: approval.maker.user_id,
                staff_id: approval.maker.staff_id,
                name: approval.maker.name.clone(),
            },
            status: approval.status(now),
            asked_at: approval.asked_at,
            expires_at: approval.expires_at,
            decided_by: approval.decided.map(|decided| decided.by),
            decided_at: approval.decided.map(|decided| decided.at),
            result_id: approval.decided.and_then(|decided| decided.result_id),
            version: approval.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<ApprovalQuery>) -> Result<Json<List<ApprovalView>>, Problem> {
    let status = query.0.status;
    let bound = format!("{status:?}");
    let page = cursor::page(query.0.limit, query.0.cursor.as_deref(), &bound)?;
    let scope = &reading.caller.scope;
    let rows = access::approvals::approvals_page(&reading.tx, scope, status, &page).await?;
    Ok(Json(cursor::list(rows, &bound, |approval| ApprovalView::of(&approval, reading.tx.now))))
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let approval = access::approvals::find_approval(&reading.tx, id.0, &reading.caller.scope)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(versioned(approval.version, ApprovalView::of(&approval, reading.tx.now)))
}
