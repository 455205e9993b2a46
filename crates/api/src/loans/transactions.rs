//! Commands that move a loan's money: disburse, repay, reverse.

use edge::problem::Problem;
use edge::wire::{AmountText, Code, Day, Name};
use flows::desk_command::DeskCommand;
use kernel::permission::Permission;
use ledger::slots::Channel;
use loans::actions::disburse::Disburse;
use loans::actions::repay::{Overpayment, Repay};
use loans::actions::reverse::Reverse;
use loans::command::LoanCommand;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::AnyCommand;
use crate::given::Given;
use crate::loans::views::RecordedView;
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::command("/v1/loans/{id}/disburse", "loan.disburse", Access::Needs(Permission::LoanDisburse), disburse)
        .about("Loans", "Pay an approved loan out")
        .takes(schema::<DisburseRequest>, r#"{"disbursed_on": "2026-01-31", "channel": "bank"}"#)
        .answers(200, schema::<RecordedView>),
    Operation::command("/v1/loans/{id}/repayments", "loan.repay", Access::Needs(Permission::LoanRepay), repay)
        .about("Loans", "Take a repayment")
        .takes(
            schema::<RepaymentRequest>,
            r#"{"amount": "1134.72", "paid_on": "2026-02-28", "channel": "mobile_money", "receipt": "QJK7XYZ123"}"#,
        )
        .answers(201, schema::<RecordedView>),
    Operation::command(
        "/v1/loans/{id}/transactions/{transaction_id}/reverse",
        "loan.reverse",
        Access::Needs(Permission::LoanReverse),
        reverse,
    )
    .about("Loans", "Reverse a disbursement or a repayment: it keeps its value date and is booked today")
    .takes(schema::<ReverseRequest>, r#"{"reason": "Keyed twice"}"#)
    .answers(200, schema::<RecordedView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DisburseRequest {
    /// Left out: the business date.
    disbursed_on: Option<Day>,
    /// Left out: what was approved.
    amount: Option<AmountText>,
    channel: Channel,
    receipt: Option<Code>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepaymentRequest {
    amount: AmountText,
    /// Left out: the business date.
    paid_on: Option<Day>,
    channel: Channel,
    /// Each receipt number is used once.
    receipt: Option<Code>,
    /// What becomes of money beyond the payoff: `take` (the default; it is owed to the client) or `refuse`.
    overpayment: Option<Overpayment>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseRequest {
    reason: Option<Name>,
}

fn disburse(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: DisburseRequest = given.body()?;
    let command = Disburse {
        loan_id: given.id()?,
        disbursed_on: request.disbursed_on.map(|day| day.0),
        amount: request.amount.map(|amount| amount.0),
        channel: request.channel,
        receipt: request.receipt.map(|code| code.0),
    };
    Ok(DeskCommand::Loan(LoanCommand::Disburse(command)).into())
}

fn repay(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: RepaymentRequest = given.body()?;
    let command = Repay {
        loan_id: given.id()?,
        amount: request.amount.0,
        paid_on: request.paid_on.map(|day| day.0),
        channel: request.channel,
        receipt: request.receipt.map(|code| code.0),
        overpayment: request.overpayment.unwrap_or_default(),
    };
    Ok(DeskCommand::Loan(LoanCommand::Repay(command)).into())
}

fn reverse(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: ReverseRequest = given.body()?;
    let (loan_id, transaction_id) = given.ids()?;
    let command = Reverse { loan_id, transaction_id, reason: request.reason.map(|text| text.0) };
    Ok(DeskCommand::Loan(LoanCommand::Reverse(command)).into())
}
