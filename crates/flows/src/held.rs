//! Commands that wait for a second person: how they are filed, and how they are decided.
//!
//! Desk and office share this. A hold files operation, path and body as they were sent, with what was left out and is now known written
//! in, under the maker. Who decides gives a command of its own, which carries the held one out again on today's state.

use std::collections::HashMap;

use access::approvals::{Approval, Decided, LIFETIME, NewApproval, Verdict, decidable, deciders};
use access::error::AccessError;
use access::limits::limit_for;
use access::shelf::ApprovalShelf;
use access::store_approvals::Question;
use db::caller::{Actor, Caller, Denied, admit};
use db::deciding::{Facts, Hold, NotDone};
use db::fault::Fault;
use db::lane::{Asked, Held};
use db::tx::Tx;
use kernel::permission::Permission;
use org::settings::Settings;
use serde_json::Value;
use uuid::Uuid;

/// A second person's word on a command that was held.
#[derive(Debug, Clone)]
pub struct Decide<C> {
    pub approval_id: Uuid,
    pub verdict: Verdict,
    /// None: as it stands.
    pub seen_version: Option<i64>,
    /// What the second person must be allowed to do, beside deciding at all.
    pub decided_by: Vec<Permission>,
    /// What was held, to be carried out. Read ahead of the transaction, which may be done because what is held never changes; `None`:
    /// there is no such approval, or it is rejected.
    pub held: Option<HeldCommand<C>>,
}

#[derive(Debug, Clone)]
pub struct HeldCommand<C> {
    pub command: C,
    pub maker_id: Uuid,
    /// What the maker must be granted now.
    pub permissions: Vec<Permission>,
}

impl<C> Decide<C> {
    pub fn operation(&self) -> &'static str {
        match self.verdict {
            Verdict::Approved => "approval.approve",
            Verdict::Rejected => "approval.reject",
        }
    }
}

/// Files holds; returns for each what its caller hears. Where nobody could decide, nothing is filed for it.
pub async fn file<C>(
    tx: &Tx,
    approvals: &mut ApprovalShelf,
    settings: &Settings,
    holds: Vec<(&Asked<'_, C>, Hold, Uuid)>,
    mut new_id: impl FnMut() -> Uuid,
) -> Result<Vec<Result<Held, AccessError>>, Fault> {
    let mut questions = Vec::with_capacity(holds.len());
    let mut limits = Vec::with_capacity(holds.len());
    for (asked, hold, branch_id) in &holds {
        let limit = limit_for(hold.operation, &hold.facts, settings)
            .ok_or_else(|| Fault::Invariant(format!("{} is held by no limit", hold.operation)))?;
        questions.push(Question {
            branch_id: *branch_id,
            decided_by: limit.decided_by,
            maker_id: asked.caller.user_id,
            maker_staff: asked.caller.staff_id,
        });
        limits.push(limit);
    }
    let counts = deciders(tx, &questions).await?;
    let mut heard = Vec::with_capacity(holds.len());
    for (((asked, hold, branch_id), limit), deciders) in holds.into_iter().zip(limits).zip(counts) {
        if deciders == 0 {
            heard.push(Err(AccessError::NobodyCanDecide));
            continue;
        }
        let (id, expires_at) = (new_id(), tx.now + LIFETIME);
        let unsent = || Fault::Invariant(format!("{} is held and was never sent", asked.about.operation));
        let sent = asked.sent.cloned().ok_or_else(unsent)?;
        approvals.file(NewApproval {
            id,
            operation: asked.about.operation.to_owned(),
            body: resolved(&sent.body, &hold.facts)?,
            path: sent.path,
            summary: limit.summary(&hold.facts),
            branch_id,
            maker_id: asked.caller.user_id,
            expires_at,
        });
        heard.push(Ok(Held { approval_id: id, expires_at, deciders }));
    }
    Ok(heard)
}

/// The body as it was sent, with what was left out and is now known.
fn resolved(sent: &str, facts: &Facts) -> Result<Value, Fault> {
    let mut body: Value =
        serde_json::from_str(sent).map_err(|error| Fault::Invariant(format!("a stored body is no JSON: {error}")))?;
    for (pointer, value) in &facts.resolved {
        write_in(&mut body, pointer, value);
    }
    Ok(body)
}

/// Writes a value where nothing was said; what was said stays. `pointer` is a JSON pointer.
fn write_in(body: &mut Value, pointer: &str, value: &Value) {
    let (parents, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    let Some(place) = body.pointer_mut(parents) else { return };
    if let Some(members) = place.as_object_mut() {
        let said = members.entry(name.to_owned()).or_insert(Value::Null);
        if said.is_null() {
            *said = value.clone();
        }
    }
}

/// What may be decided now: under the lock, only the state of the approval is looked at, and the grants of both.
pub fn may_decide<C>(
    command: &Decide<C>,
    approvals: &ApprovalShelf,
    caller: &Caller,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<Approval, NotDone> {
    let approval = approvals.find(command.approval_id, &caller.scope).ok_or(NotDone::Absent)?.clone();
    if let Some(lacking) = command.decided_by.iter().find(|permission| !caller.may(**permission)) {
        return Err(NotDone::Denied(Denied::Lacks(*lacking)));
    }
    decidable(&approval, caller, command.seen_version.unwrap_or(approval.version), now)?;
    Ok(approval)
}

/// The maker with the grants of now and the scope of who approves.
pub fn maker<C>(
    held: &HeldCommand<C>,
    makers: &HashMap<Uuid, Caller>,
    approver: &Caller,
) -> Result<Caller, AccessError> {
    // Sessions that were ended since say nothing of a command that was given before.
    let signed_in_at = chrono::DateTime::<chrono::Utc>::MAX_UTC;
    let actor =
        Actor { user_id: held.maker_id, namespace: held.maker_id, signed_in_at, request_id: approver.request_id };
    let maker = admit(&actor, makers, &held.permissions).map_err(|_| AccessError::MakerMayNot)?;
    // The days in it were judged when it was held: those that are of today then lie back by now.
    Ok(Caller { scope: approver.scope, ..maker }.granting(Permission::BackDate))
}

/// Writes down what was decided.
pub fn decide(approvals: &mut ApprovalShelf, approval_id: Uuid, decided: Decided) -> Result<Approval, Fault> {
    let approval = approvals.change(approval_id)?;
    approval.decided = Some(decided);
    approval.version += 1;
    Ok(approval.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_left_out_is_written_in_and_what_was_said_stays() {
        let facts = |value: &str| Facts { resolved: vec![("/value_on".to_owned(), json!(value))], ..Facts::default() };
        let given = resolved(r#"{"value_on":"2026-01-05","lines":[]}"#, &facts("2026-03-01")).unwrap();
        assert_eq!(given, json!({"value_on": "2026-01-05", "lines": []}));
        let left_out = resolved(r#"{"lines":[]}"#, &facts("2026-03-01")).unwrap();
        assert_eq!(left_out, json!({"value_on": "2026-03-01", "lines": []}));
        let null = resolved(r#"{"value_on":null,"lines":[]}"#, &facts("2026-03-01")).unwrap();
        assert_eq!(null, left_out);
        let of_item =
            Facts { resolved: vec![("/items/1/body/value_on".to_owned(), json!("2026-03-01"))], ..Facts::default() };
        let whole = resolved(r#"{"items":[{"body":{}},{"body":{"lines":[]}}]}"#, &of_item).unwrap();
        assert_eq!(whole["items"], json!([{"body": {}}, {"body": {"value_on": "2026-03-01", "lines": []}}]));
    }
}
