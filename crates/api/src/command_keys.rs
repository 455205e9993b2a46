//! `/v1/operations/{key}`: what became of a command whose answer was lost.

use access::api_clients::CreateApiClient;
use access::permission::Permission;
use access::roles::CreateRole;
use access::users::CreateUser;
use axum::Json;
use axum::extract::Path;
use axum::routing::get;
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use db::keys::key_id;
use db::lane::{Command, Stored};
use flows::approvals::DecideApproval;
use flows::close_of_day::CloseDays;
use ledger::chart::OpenAccount;
use ledger::manual::PostManualEntry;
use ledger::periods::{ClosePeriod, ReopenPeriod};
use ledger::reversal::ReverseEntry;
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::disburse::Disburse;
use loans::actions::end_application::EndApplication;
use loans::actions::offer_product::OfferProduct;
use loans::actions::renegotiate::Renegotiate;
use loans::actions::repay::Repay;
use loans::actions::reverse::Reverse;
use org::branches::OpenBranch;
use org::holidays::DeclareHoliday;
use org::staff::EmployStaff;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;

pub const OPERATIONS: &[Operation] =
    &[Operation::get("/v1/operations/{key}", "get_operation", Access::SignedIn, || get(show))
        .about("Commands", "What became of your command with this Idempotency-Key")
        .answers(200, schema::<OperationView>)];

/// `unknown`: never seen or rolled back, send it again with the same key; `in_progress`; `done` with the answer, whose body is
/// left out where you may no longer give the command or see its record; `held` with the approval that it waits for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationView {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    body: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<Uuid>,
}

async fn show(asking: Asking, Path(key): Path<String>) -> Result<Json<OperationView>, Problem> {
    let id = key_id(asking.actor.namespace, &key);
    let view = |state| OperationView { state, status: None, body: None, approval_id: None };
    let mut reading = asking.read().await?;
    let mut stored = db::lane::stored_answer(&reading.tx, id).await?;
    if stored.is_none() {
        if asking.app.in_flight.holds(id) || db::lane::is_claimed(&reading.tx, id).await? {
            return Ok(Json(view("in_progress")));
        }
        // It may have ended between the two looks: what is on its way no more is seen by a third. Never two connections at once:
        // many who look at the same time would wait for each other.
        drop(reading);
        reading = asking.read().await?;
        stored = db::lane::stored_answer(&reading.tx, id).await?;
    }
    Ok(Json(match stored {
        None => view("unknown"),
        Some(stored) if stored.approval_id.is_some() => {
            OperationView { approval_id: stored.approval_id, ..view("held") }
        }
        Some(stored) => {
            let body = if may_see(&reading, &stored).await? { Some(stored.answer.body) } else { None };
            OperationView {
                status: Some(stored.answer.status),
                body: body.and_then(|body| RawValue::from_string(body).ok()),
                ..view("done")
            }
        }
    }))
}

/// Whether the caller could send the command now and see its record: whoever lost the permission, or works in another branch
/// since, hears that it was done and no more.
async fn may_see(reading: &Reading, stored: &Stored) -> Result<bool, Problem> {
    let (tx, scope) = (&reading.tx, &reading.caller.scope);
    if !needed(&stored.operation).iter().any(|permission| reading.caller.may(permission.as_str())) {
        return Ok(false);
    }
    let made_nothing = stored.answer.status >= 400
        && [Apply::OPERATION, Register::OPERATION, PostManualEntry::OPERATION].contains(&stored.operation.as_str());
    let Some(record) = stored.answer.subject_id.filter(|_| !made_nothing) else { return Ok(true) };
    Ok(match stored.operation.split('.').next() {
        Some("loan") => loans::store::loans_visible(tx, &[(record, *scope)]).await? == [true],
        Some("client") => clients::store::find_client(tx, record, scope).await?.is_some(),
        Some("journal") => ledger::store_journal::find_entry(tx, record, scope).await?.is_some(),
        _ => true,
    })
}

/// What a command asks of its caller: one of these. One that is not here shows nothing.
fn needed(operation: &str) -> &'static [Permission] {
    match operation {
        Apply::OPERATION => &[Permission::LoanApply],
        Approve::OPERATION => &[Permission::LoanApprove],
        // Withdrawn or rejected.
        EndApplication::OPERATION => &[Permission::LoanApply, Permission::LoanApprove],
        Disburse::OPERATION => &[Permission::LoanDisburse],
        Repay::OPERATION => &[Permission::LoanRepay],
        Reverse::OPERATION => &[Permission::LoanReverse],
        Renegotiate::OPERATION => &[Permission::LoanFlag],
        Register::OPERATION | Activate::OPERATION => &[Permission::ClientManage],
        PostManualEntry::OPERATION | ReverseEntry::OPERATION => &[Permission::JournalPost],
        ClosePeriod::OPERATION | ReopenPeriod::OPERATION => &[Permission::PeriodManage],
        CloseDays::OPERATION => &[Permission::DayClose],
        OpenAccount::OPERATION => &[Permission::ChartManage],
        OfferProduct::OPERATION => &[Permission::ProductManage],
        OpenBranch::OPERATION | EmployStaff::OPERATION | DeclareHoliday::OPERATION => &[Permission::BranchManage],
        CreateUser::OPERATION | CreateRole::OPERATION | CreateApiClient::OPERATION => &[Permission::UserManage],
        DecideApproval::OPERATION => &[Permission::ApprovalDecide],
        _ => &[],
    }
}
