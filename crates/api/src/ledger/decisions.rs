//! `/v1/approvals/{id}/approve` and `/reject`

use access::approvals::{Approval, Verdict};
use access::limits::deciding_permission;
use edge::answer::Response;
use edge::problem::Problem;
use edge::request::Id;
use edge::route::post;
use flows::desk_command::DeskCommand;
use flows::held::{Decide, HeldCommand};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::approvals::ApprovalView;
use crate::app::AnyCommand;
use crate::asking::Asking;
use crate::body::Body;
use crate::given::{Given, parted};
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::post(
        "/v1/approvals/{id}/approve",
        "approval.approve",
        Access::Needs(Permission::ApprovalDecide),
        || post(approve),
    )
    .about("Access", "Agree to what another person asked for: it is carried out now")
    .takes(schema::<DecisionRequest>, r#"{"version": 1}"#)
    .answers(200, schema::<ApprovalView>),
    Operation::post("/v1/approvals/{id}/reject", "approval.reject", Access::Needs(Permission::ApprovalDecide), || {
        post(reject)
    })
    .about("Access", "Refuse what another person asked for")
    .takes(schema::<DecisionRequest>, r#"{"version": 1}"#)
    .answers(200, schema::<ApprovalView>),
];

#[derive(Debug, Deserialize, ToSchema)]
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
    let seen_version = body.value.version;
    let Held { command, maker_id, permissions, decided_by } = held(&asking, id, verdict).await?;
    let command: AnyCommand = match (verdict, command) {
        (Verdict::Approved, Some(AnyCommand::Desk(command))) => {
            let held = Some(HeldCommand { command, maker_id, permissions });
            DeskCommand::Decide(Box::new(Decide { approval_id: id, verdict, seen_version, decided_by, held })).into()
        }
        (Verdict::Approved, Some(AnyCommand::Office(command))) => {
            let held = Some(HeldCommand { command, maker_id, permissions });
            OfficeCommand::Decide(Box::new(Decide { approval_id: id, verdict, seen_version, decided_by, held })).into()
        }
        // Rejecting carries nothing out; an approval that is absent is left for the lane to say.
        (Verdict::Rejected, _) | (Verdict::Approved, None) => {
            let decide = Decide { approval_id: id, verdict, seen_version, decided_by, held: None };
            DeskCommand::Decide(Box::new(decide)).into()
        }
    };
    asking.submit(&body.canonical, command).await
}

/// What an approval holds, read again as it was sent. It never changes, so it may be read ahead of the decision.
#[derive(Default)]
struct Held {
    command: Option<AnyCommand>,
    maker_id: Uuid,
    /// What the maker must be granted.
    permissions: Vec<Permission>,
    /// What the second person must be granted, for all that the call could be held for.
    decided_by: Vec<Permission>,
}

/// A rejection carries nothing out: then the command is not read, so one that can be read no more can still be rejected.
async fn held(asking: &Asking, id: Uuid, verdict: Verdict) -> Result<Held, Problem> {
    let reading = asking.read().await?;
    let approval = access::approvals::find_approval(&reading.tx, id, &reading.caller.scope).await?;
    let Some(approval) = approval else { return Ok(Held::default()) };
    let decided_by = operations(&approval).into_iter().filter_map(deciding_permission).collect();
    let (command, permissions) = match verdict {
        Verdict::Rejected => (None, Vec::new()),
        Verdict::Approved => {
            let (command, permissions) = read(asking, &approval)?;
            (Some(command), permissions)
        }
    };
    Ok(Held { command, maker_id: approval.maker.user_id, permissions, decided_by })
}

/// The operations that are held: those of the items of an atomic call.
fn operations(approval: &Approval) -> Vec<&str> {
    match approval.body.get("items").and_then(Value::as_array).filter(|_| approval.operation == "commands.run") {
        Some(items) => items.iter().filter_map(|item| item.get("operation")?.as_str()).collect(),
        None => vec![&approval.operation],
    }
}

/// What is held as the command that it was, and what its maker must be granted.
fn read(asking: &Asking, approval: &Approval) -> Result<(AnyCommand, Vec<Permission>), Problem> {
    let row = asking.find(&approval.operation).ok_or_else(Problem::internal)?;
    let body = approval.body.to_string();
    let Some(parse) = row.command else { return crate::commands::held(asking, &body) };
    let path = parted(&approval.path);
    let given = Given { path: &path, body: &body, base_currency: asking.app.base_currency };
    Ok((parse(&given)?, row.permission().into_iter().collect()))
}
