//! Applying for a loan, and what is decided about it: approve, reject, withdraw.

use access::permission::Permission;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use db::lane::{Answer, Asked, OutcomeOf};
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::end_application::{EndApplication, Ending};
use loans::actions::renegotiate::Renegotiate;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::asking::Asking;
use crate::body::{Body, Id};
use crate::loans::show::LoanView;
use crate::loans::views::{LoanSummaryView, RecordedView};
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::render;
use crate::wire::{AmountText, Day, Name, new_id};

pub const OPERATIONS: &[Operation] = &[
    Operation::post("/v1/loans", "apply_for_loan", Access::Needs(Permission::LoanApply), || post(apply))
        .about("Loans", "Apply for a loan on behalf of a client")
        .takes(
            schema::<LoanRequest>,
            r#"{"client_id": "0198c0de-0000-7000-8000-000000000010", "product_id": "0198c0de-0000-7000-8000-000000000020",
                "principal": "12000.00", "instalments": 12, "expected_disbursed_on": "2026-01-31"}"#,
        )
        .answers(201, schema::<LoanView>),
    Operation::post("/v1/loans/{id}/approve", "approve_loan", Access::Needs(Permission::LoanApprove), || post(approve))
        .about("Loans", "Approve an application that somebody else made")
        .takes(schema::<ApproveRequest>, r#"{"approved_on": "2026-01-31", "conditions": "Stock to be seen first"}"#)
        .answers(200, schema::<RecordedView>),
    Operation::post("/v1/loans/{id}/reject", "reject_loan", Access::Needs(Permission::LoanApprove), || post(reject))
        .about("Loans", "Decline an application")
        .takes(schema::<EndRequest>, r#"{"reason": "Too many other debts"}"#)
        .answers(200, schema::<LoanSummaryView>),
    Operation::post("/v1/loans/{id}/withdraw", "withdraw_loan", Access::Needs(Permission::LoanApply), || post(withdraw))
        .about("Loans", "Withdraw an application, approved or not, before any money has moved")
        .takes(schema::<EndRequest>, r#"{"reason": "The client found another lender"}"#)
        .answers(200, schema::<LoanSummaryView>),
    Operation::post("/v1/loans/{id}/renegotiated", "flag_renegotiated_loan", Access::Needs(Permission::LoanFlag), || post(renegotiate))
        .about("Loans", "Flag a loan as renegotiated, or (renegotiated: false) as cured")
        .takes(schema::<RenegotiatedRequest>, r#"{"on": "2026-03-15", "reason": "Payment dates moved after the flood"}"#)
        .answers(200, schema::<RecordedView>),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoanRequest {
    id: Option<Uuid>,
    client_id: Uuid,
    product_id: Uuid,
    principal: AmountText,
    instalments: u32,
    expected_disbursed_on: Day,
    first_due_on: Option<Day>,
    /// Left out: the client's officer.
    officer_id: Option<Uuid>,
    applied_on: Option<Day>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    approved_on: Option<Day>,
    /// Left out: as applied for.
    principal: Option<AmountText>,
    instalments: Option<u32>,
    conditions: Option<Name>,
    valid_until: Option<Day>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRequest {
    reason: Option<Name>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RenegotiatedRequest {
    on: Option<Day>,
    reason: Name,
    /// Left out: true. False cures the loan.
    renegotiated: Option<bool>,
}

async fn apply(asking: Asking, body: Body<LoanRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = Apply {
        id: new_id(request.id)?,
        client_id: request.client_id,
        product_id: request.product_id,
        principal: request.principal.0,
        instalments: request.instalments,
        expected_disbursed_on: request.expected_disbursed_on.0,
        first_due_on: request.first_due_on.map(|day| day.0),
        officer_id: request.officer_id,
        applied_on: request.applied_on.map(|day| day.0),
    };
    asking.submit(&asking.app.lanes.apply, &body.canonical, command).await
}

async fn approve(asking: Asking, id: Id, body: Body<ApproveRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = Approve {
        loan_id: id.0,
        approved_on: request.approved_on.map(|day| day.0),
        principal: request.principal.map(|amount| amount.0),
        instalments: request.instalments,
        conditions: request.conditions.map(|text| text.0),
        valid_until: request.valid_until.map(|day| day.0),
    };
    asking.submit(&asking.app.lanes.approve, &body.canonical, command).await
}

async fn reject(asking: Asking, id: Id, body: Body<EndRequest>) -> Result<Response, Problem> {
    end(asking, id, body, Ending::Reject).await
}

async fn withdraw(asking: Asking, id: Id, body: Body<EndRequest>) -> Result<Response, Problem> {
    end(asking, id, body, Ending::Withdraw).await
}

async fn end(asking: Asking, id: Id, body: Body<EndRequest>, ending: Ending) -> Result<Response, Problem> {
    let command = EndApplication { loan_id: id.0, ending, reason: body.value.reason.map(|text| text.0) };
    asking.submit(&asking.app.lanes.end_application, &body.canonical, command).await
}

async fn renegotiate(asking: Asking, id: Id, body: Body<RenegotiatedRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = Renegotiate {
        loan_id: id.0,
        on: request.on.map(|day| day.0),
        reason: request.reason.0,
        renegotiated: request.renegotiated.unwrap_or(true),
    };
    asking.submit(&asking.app.lanes.renegotiate, &body.canonical, command).await
}

pub fn applied(asked: &Asked<'_, Apply>, outcome: &OutcomeOf<Apply>) -> Answer {
    render::answer(asked, outcome, StatusCode::CREATED, |applied| {
        (applied.record.id, LoanView::of(&applied.record, &applied.application, applied.record.since_on))
    })
}

pub fn approved(asked: &Asked<'_, Approve>, outcome: &OutcomeOf<Approve>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |recorded| (recorded.loan.id, RecordedView::of(recorded)))
}

pub fn ended(asked: &Asked<'_, EndApplication>, outcome: &OutcomeOf<EndApplication>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |summary| (summary.id, LoanSummaryView::of(summary)))
}

pub fn renegotiated(asked: &Asked<'_, Renegotiate>, outcome: &OutcomeOf<Renegotiate>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |recorded| (recorded.loan.id, RecordedView::of(recorded)))
}
