//! `/v1/operations/{key}`: what became of a command whose answer was lost.

use db::keys::key_id;
use db::lane::Stored;
use edge::answer::Json;
use edge::problem::Problem;
use edge::route::get;
use flows::visible::{self, Record, Seen};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] =
    &[Operation::get("/v1/operations/{key}", "operation.get", Access::SignedIn, || get(show))
        .about("Commands", "What became of your command with this Idempotency-Key")
        .answers(200, schema::<OperationView>)];

/// `unknown`: never seen or rolled back, send it again with the same key; `in_progress`; `done` with the answer, whose body is
/// left out of an atomic call, and where you may no longer give the command or see its record; `held` with the approval under which it
/// was filed, which says what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OperationView {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_id: Option<Uuid>,
}

async fn show(asking: Asking) -> Result<Json<OperationView>, Problem> {
    let key = asking.path.first().map(String::as_str).unwrap_or_default();
    let id = key_id(asking.actor.namespace, key);
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
            let body = if may_see(&asking, &reading, &stored).await? { Some(stored.answer.body) } else { None };
            OperationView {
                status: Some(stored.answer.status),
                body: body.and_then(|body| RawValue::from_string(body).ok()),
                ..view("done")
            }
        }
    }))
}

/// Whether the caller could send the command now and see its record: a user who lost the permission, or works in another branch
/// since, hears that it was done and no more. An operation that is not in the list shows nothing, nor does an atomic call, whose
/// items are not stored: sent again with its key, it answers.
async fn may_see(asking: &Asking, reading: &Reading, stored: &Stored) -> Result<bool, Problem> {
    let permission = asking.find(&stored.operation).and_then(Operation::permission);
    if !permission.is_some_and(|permission| reading.caller.may(permission)) {
        return Ok(false);
    }
    let Some(id) = stored.answer.subject_id else { return Ok(true) };
    let Some(record) = Record::of(&stored.operation, id) else { return Ok(false) };
    let seen = visible::records(&reading.tx, &[(record, reading.caller.scope)]).await?;
    // What was refused has made nothing: then there is no record to hide.
    let made_nothing = stored.answer.status >= 400;
    Ok(seen.iter().all(|seen| *seen == Seen::Visible || (made_nothing && *seen == Seen::Missing)))
}
