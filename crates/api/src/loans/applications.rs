//! Applying for a loan, and what is decided about it: approve, reject, withdraw.

use edge::problem::Problem;
use edge::wire::{AmountText, Day, Name, new_id};
use flows::desk_command::DeskCommand;
use kernel::permission::Permission;
use loans::actions::apply::Apply;
use loans::actions::approve::Approve;
use loans::actions::end_application::{EndApplication, Ending};
use loans::actions::renegotiate::Renegotiate;
use loans::command::LoanCommand;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::given::Given;
use crate::loans::show::LoanView;
use crate::loans::views::{LoanSummaryView, RecordedView};
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::command("/v1/loans", "loan.apply", Access::Needs(Permission::LoanApply), apply)
        .about("Loans", "Apply for a loan on behalf of a client")
        .takes(
            schema::<LoanRequest>,
            r#"{"client_id": "0198c0de-0000-7000-8000-000000000010", "product_id": "0198c0de-0000-7000-8000-000000000020",
                "principal": "12000.00", "instalments": 12, "expected_disbursed_on": "2026-01-31"}"#,
        )
        .answers(201, schema::<LoanView>),
    Operation::command("/v1/loans/{id}/approve", "loan.approve", Access::Needs(Permission::LoanApprove), approve)
        .about("Loans", "Approve an application that somebody else made")
        .takes(schema::<ApproveRequest>, r#"{"approved_on": "2026-01-31", "conditions": "Stock to be seen first"}"#)
        .answers(200, schema::<RecordedView>),
    Operation::command("/v1/loans/{id}/reject", "loan.reject", Access::Needs(Permission::LoanApprove), reject)
        .about("Loans", "Decline an application")
        .takes(schema::<EndRequest>, r#"{"reason": "Too many other debts"}"#)
        .answers(200, schema::<LoanSummaryView>),
    Operation::command("/v1/loans/{id}/withdraw", "loan.withdraw", Access::Needs(Permission::LoanApply), withdraw)
        .about("Loans", "Withdraw an application, approved or not, before any money has moved")
        .takes(schema::<EndRequest>, r#"{"reason": "The client found another lender"}"#)
        .answers(200, schema::<LoanSummaryView>),
    Operation::command("/v1/loans/{id}/renegotiated", "loan.renegotiate", Access::Needs(Permission::LoanFlag), renegotiate)
        .about("Loans", "Flag a loan as renegotiated, or (renegotiated: false) as cured")
        .takes(schema::<RenegotiatedRequest>, r#"{"on": "2026-03-15", "reason": "Payment dates moved after the flood"}"#)
        .answers(200, schema::<RecordedView>),
];

#[derive(Debug, Deserialize, ToSchema)]
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    approved_on: Option<Day>,
    /// Left out: as applied for.
    principal: Option<AmountText>,
    instalments: Option<u32>,
    conditions: Option<Name>,
    valid_until: Option<Day>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndRequest {
    reason: Option<Name>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenegotiatedRequest {
    on: Option<Day>,
    reason: Name,
    /// Left out: true. False cures the loan.
    renegotiated: Option<bool>,
}

fn apply(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: LoanRequest = given.body()?;
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
    Ok(DeskCommand::Loan(LoanCommand::Apply(command)).into())
}

fn approve(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: ApproveRequest = given.body()?;
    let command = Approve {
        loan_id: given.id()?,
        approved_on: request.approved_on.map(|day| day.0),
        principal: request.principal.map(|amount| amount.0),
        instalments: request.instalments,
        conditions: request.conditions.map(|text| text.0),
        valid_until: request.valid_until.map(|day| day.0),
    };
    Ok(DeskCommand::Loan(LoanCommand::Approve(command)).into())
}

fn reject(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    end(given, Ending::Reject)
}

fn withdraw(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    end(given, Ending::Withdraw)
}

fn end(given: &Given<'_>, ending: Ending) -> Result<AnyCommand, Problem> {
    let request: EndRequest = given.body()?;
    let command = EndApplication { loan_id: given.id()?, ending, reason: request.reason.map(|text| text.0) };
    Ok(DeskCommand::Loan(LoanCommand::EndApplication(command)).into())
}

fn renegotiate(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: RenegotiatedRequest = given.body()?;
    let command = Renegotiate {
        loan_id: given.id()?,
        on: request.on.map(|day| day.0),
        reason: request.reason.0,
        renegotiated: request.renegotiated.unwrap_or(true),
    };
    Ok(DeskCommand::Loan(LoanCommand::Renegotiate(command)).into())
}
