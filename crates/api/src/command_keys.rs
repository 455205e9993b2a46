//! `/v1/operations/{key}`: what became of a command whose answer was lost.

use axum::Json;
use axum::extract::Path;
use axum::routing::get;
use db::keys::key_id;
use db::lane::Stored;
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
/// left out where you may no longer see the record; `held` with the approval that it waits for.
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
    let reading = asking.read().await?;
    let mut stored = db::lane::stored_answer(&reading.tx, id).await?;
    if stored.is_none() {
        if asking.app.in_flight.holds(id) || db::lane::is_claimed(&reading.tx, id).await? {
            return Ok(Json(view("in_progress")));
        }
        // It may have ended between the two looks: what is on its way no more is seen by a third.
        drop(reading);
        stored = db::lane::stored_answer(&asking.read().await?.tx, id).await?;
    }
    let shows_body = match &stored {
        Some(stored) => may_see_record(&asking.read().await?, stored).await?,
        None => true,
    };
    Ok(Json(match stored {
        None => view("unknown"),
        Some(stored) if stored.approval_id.is_some() => {
            OperationView { approval_id: stored.approval_id, ..view("held") }
        }
        Some(stored) => OperationView {
            status: Some(stored.answer.status),
            body: Some(stored.answer.body).filter(|_| shows_body).and_then(|body| RawValue::from_string(body).ok()),
            ..view("done")
        },
    }))
}

/// As the same command sent again would be asked: whoever moved to another branch since sees no more of its loans.
async fn may_see_record(reading: &Reading, stored: &Stored) -> Result<bool, Problem> {
    match stored.answer.subject_id {
        Some(loan_id) if stored.operation.starts_with("loan.") => {
            let visible = loans::store::loans_visible(&reading.tx, &[(loan_id, reading.caller.scope)]).await?;
            Ok(visible == [true])
        }
        _ => Ok(true),
    }
}
