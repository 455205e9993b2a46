//! Commands that move a loan's money: disburse, repay, reverse. Each has a dry run.

use access::permission::Permission;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use db::lane::{Answer, Asked, OutcomeOf};
use ledger::slots::Channel;
use loans::actions::disburse::Disburse;
use loans::actions::repay::{Overpayment, Repay};
use loans::actions::reverse::Reverse;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::asking::Asking;
use crate::body::{Body, Id, Ids, Parameters};
use crate::loans::preview::preview;
use crate::loans::views::RecordedView;
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::render;
use crate::wire::{AmountText, Code, Day, DryRun, Name, Word};

pub const OPERATIONS: &[Operation] = &[
    Operation::post("/v1/loans/{id}/disburse", "disburse_loan", Access::Needs(Permission::LoanDisburse), || {
        post(disburse)
    })
    .about("Loans", "Pay an approved loan out")
    .query(schema::<DryRun>)
    .takes(schema::<DisburseRequest>, r#"{"disbursed_on": "2026-01-31", "channel": "bank"}"#)
    .answers(200, schema::<RecordedView>),
    Operation::post("/v1/loans/{id}/repayments", "repay_loan", Access::Needs(Permission::LoanRepay), || post(repay))
        .about("Loans", "Take a repayment")
        .query(schema::<DryRun>)
        .takes(
            schema::<RepaymentRequest>,
            r#"{"amount": "1134.72", "paid_on": "2026-02-28", "channel": "mobile_money", "receipt": "QJK7XYZ123"}"#,
        )
        .answers(201, schema::<RecordedView>),
    Operation::post(
        "/v1/loans/{id}/transactions/{transaction_id}/reverse",
        "reverse_loan_transaction",
        Access::Needs(Permission::LoanReverse),
        || post(reverse),
    )
    .about("Loans", "Take a disbursement or a repayment back: it keeps its value date and is booked today")
    .query(schema::<DryRun>)
    .takes(schema::<ReverseRequest>, r#"{"reason": "Keyed twice"}"#)
    .answers(200, schema::<RecordedView>),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisburseRequest {
    /// Left out: the business date.
    disbursed_on: Option<Day>,
    /// Left out: what was approved.
    amount: Option<AmountText>,
    channel: Word<Channel>,
    receipt: Option<Code>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepaymentRequest {
    pub amount: AmountText,
    /// Left out: the business date.
    pub paid_on: Option<Day>,
    pub channel: Word<Channel>,
    /// Each receipt number is used once.
    pub receipt: Option<Code>,
    /// What becomes of money beyond the payoff: `take` (the default; it is owed to the client) or `refuse`.
    pub overpayment: Option<Word<Overpayment>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseRequest {
    reason: Option<Name>,
}

impl RepaymentRequest {
    pub fn command(self, loan_id: uuid::Uuid) -> Repay {
        Repay {
            loan_id,
            amount: self.amount.0,
            paid_on: self.paid_on.map(|day| day.0),
            channel: self.channel.0,
            receipt: self.receipt.map(|code| code.0),
            overpayment: self.overpayment.map_or(Overpayment::default(), |word| word.0),
        }
    }
}

async fn disburse(
    asking: Asking,
    id: Id,
    dry_run: Parameters<DryRun>,
    body: Body<DisburseRequest>,
) -> Result<Response, Problem> {
    let request = body.value;
    let command = Disburse {
        loan_id: id.0,
        disbursed_on: request.disbursed_on.map(|day| day.0),
        amount: request.amount.map(|amount| amount.0),
        channel: request.channel.0,
        receipt: request.receipt.map(|code| code.0),
    };
    match dry_run.0.is_wanted() {
        true => preview(&asking, command).await,
        false => asking.submit(&asking.app.lanes.disburse, &body.canonical, command).await,
    }
}

async fn repay(
    asking: Asking,
    id: Id,
    dry_run: Parameters<DryRun>,
    body: Body<RepaymentRequest>,
) -> Result<Response, Problem> {
    let command = body.value.command(id.0);
    match dry_run.0.is_wanted() {
        true => preview(&asking, command).await,
        false => asking.submit(&asking.app.lanes.repay, &body.canonical, command).await,
    }
}

async fn reverse(
    asking: Asking,
    ids: Ids,
    dry_run: Parameters<DryRun>,
    body: Body<ReverseRequest>,
) -> Result<Response, Problem> {
    let Ids(loan_id, transaction_id) = ids;
    let command = Reverse { loan_id, transaction_id, reason: body.value.reason.map(|text| text.0) };
    match dry_run.0.is_wanted() {
        true => preview(&asking, command).await,
        false => asking.submit(&asking.app.lanes.reverse, &body.canonical, command).await,
    }
}

pub fn disbursed(asked: &Asked<'_, Disburse>, outcome: &OutcomeOf<Disburse>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |recorded| (recorded.loan.id, RecordedView::of(recorded)))
}

pub fn repaid(asked: &Asked<'_, Repay>, outcome: &OutcomeOf<Repay>) -> Answer {
    render::answer(asked, outcome, StatusCode::CREATED, |recorded| (recorded.loan.id, RecordedView::of(recorded)))
}

pub fn reversed(asked: &Asked<'_, Reverse>, outcome: &OutcomeOf<Reverse>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |recorded| (recorded.loan.id, RecordedView::of(recorded)))
}
