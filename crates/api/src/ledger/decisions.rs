//! `/v1/approvals/{id}/approve` and `/reject`

use access::approvals::Verdict;
use access::permission::Permission;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use db::lane::{Answer, Asked, OutcomeOf};
use flows::approvals::{DecideApproval, Foreseen};
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::access::approvals::ApprovalView;
use crate::asking::Asking;
use crate::body::{Body, Id};
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::render;

pub const OPERATIONS: &[Operation] = &[
    Operation::post("/v1/approvals/{id}/approve", "approve", Access::Needs(Permission::ApprovalDecide), || {
        post(approve)
    })
    .about("Access", "Agree to what another person asked for: it is carried out now")
    .takes(schema::<DecisionRequest>, r#"{"version": 1}"#)
    .answers(200, schema::<ApprovalView>),
    Operation::post("/v1/approvals/{id}/reject", "reject", Access::Needs(Permission::ApprovalDecide), || post(reject))
        .about("Access", "Refuse what another person asked for")
        .takes(schema::<DecisionRequest>, r#"{"version": 1}"#)
        .answers(200, schema::<ApprovalView>),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionRequest {
    /// The version that was seen. Left out: as it stands.
    version: Option<i64>,
}

async fn approve(asking: Asking, id: Id, body: Body<DecisionRequest>) -> Result<Response, Problem> {
    decide(asking, id.0, body, Verdict::Approved).await
}

async fn reject(asking: Asking, id: Id, body: Body<DecisionRequest>) -> Result<Response, Problem> {
    decide(asking, id.0, body, Verdict::Rejected).await
}

async fn decide(asking: Asking, id: Uuid, body: Body<DecisionRequest>, verdict: Verdict) -> Result<Response, Problem> {
    let foreseen = foresee(&asking, id).await?;
    let command = DecideApproval { id, verdict, seen_version: body.value.version, foreseen };
    asking.submit(&asking.app.lanes.decide_approval, &body.canonical, command).await
}

/// A look ahead at what will be carried out. One that is absent is left for the command to say.
async fn foresee(asking: &Asking, id: Uuid) -> Result<Foreseen, Problem> {
    let reading = asking.read().await?;
    let approval = access::approvals::find_approval(&reading.tx, id, &reading.caller.scope).await?;
    Ok(approval.as_ref().map(Foreseen::of).transpose()?.unwrap_or_default())
}

pub fn decided(asked: &Asked<'_, DecideApproval>, outcome: &OutcomeOf<DecideApproval>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |approval| {
        // Decided it is, so its status no longer depends on the time.
        let at = approval.decided.map_or(approval.asked_at, |decided| decided.at);
        (approval.id, ApprovalView::of(approval, at))
    })
}
