//! Outcomes as stored answers.

use axum::http::StatusCode;
use db::lane::{Answer, Asked, Command, Outcome, OutcomeOf};
use kernel::refusal::{Kind, Refusal};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::problem::Problem;

/// The answer of an outcome. `view` gives the id of the record that the command made or changed, and what the caller sees.
pub fn answer<C, V>(
    asked: &Asked<'_, C>,
    outcome: &OutcomeOf<C>,
    status: StatusCode,
    view: impl FnOnce(&C::Done) -> (Uuid, V),
) -> Answer
where
    C: Command,
    C::Refused: Refusal,
    V: Serialize,
{
    match outcome {
        Outcome::Done(done) => {
            let (subject_id, view) = view(done);
            let body = serde_json::to_string(&view).unwrap_or_default();
            Answer { status: status.as_u16(), body, stored: true, subject_id: Some(subject_id), replayed: false }
        }
        Outcome::Held(held) => {
            let view =
                json!({"approval": {"id": held.approval_id, "status": "pending", "expires_at": held.expires_at}});
            Answer {
                status: StatusCode::ACCEPTED.as_u16(),
                body: view.to_string(),
                stored: true,
                subject_id: Some(held.approval_id),
                replayed: false,
            }
        }
        Outcome::Refused(refusal) => {
            let stored = matches!(refusal.kind(), Kind::Conflict | Kind::Unprocessable);
            of_problem(&Problem::of_refusal(refusal), asked.caller.request_id, stored)
        }
        Outcome::Absent => of_problem(&Problem::not_found(), asked.caller.request_id, false),
        Outcome::Denied(denied) => of_problem(&Problem::of_denied(*denied), asked.caller.request_id, false),
        Outcome::Busy => of_problem(&Problem::unavailable(), asked.caller.request_id, false),
    }
}

fn of_problem(problem: &Problem, request_id: Uuid, stored: bool) -> Answer {
    Answer {
        status: problem.status.as_u16(),
        body: problem.body(request_id),
        stored,
        subject_id: None,
        replayed: false,
    }
}
