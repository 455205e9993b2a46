//! `POST /v1/repayments`: up to 1,000 repayments in one request. Each item is its own command under its own key, the same as if
//! it had been sent alone: one that is refused touches no other.

use access::permission::Permission;
use axum::Json;
use axum::routing::post;
use db::keys::Key;
use db::lane::{Command, Reply};
use futures::future::join_all;
use ledger::slots::Channel;
use loans::actions::repay::{Overpayment, Repay};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::asking::{Asking, is_key, problem_of};
use crate::body::Body;
use crate::loans::transactions::RepaymentRequest;
use crate::operation::{Access, Operation, Repeat, schema};
use crate::problem::Problem;
use crate::wire::{AmountText, Code, Day, Word};

/// Most items in one request.
const MOST: usize = 1_000;

pub const OPERATIONS: &[Operation] = &[Operation::post(
    "/v1/repayments",
    "repay_loans",
    Access::Needs(Permission::LoanRepay),
    || post(repay_all),
)
.about("Loans", "Take up to 1,000 repayments; each item carries its key and is decided on its own")
.repeat(Repeat::ByItemKeys)
.takes(
    schema::<RepaymentsRequest>,
    r#"{"items": [{"key": "collection-17-1", "loan_id": "0198c0de-0000-7000-8000-000000000030", "amount": "110.00",
                   "paid_on": "2026-02-28", "channel": "officer", "receipt": "R-000117"}]}"#,
)
.answers(200, schema::<RepaymentsView>)];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepaymentsRequest {
    #[schemars(length(min = 1, max = 1000))]
    items: Vec<RepaymentItem>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepaymentItem {
    /// The item's idempotency key; keys of items and of single commands are one space.
    key: String,
    loan_id: Uuid,
    amount: AmountText,
    paid_on: Option<Day>,
    channel: Word<Channel>,
    receipt: Option<Code>,
    overpayment: Option<Word<Overpayment>>,
}

impl RepaymentItem {
    fn command(self) -> Repay {
        let RepaymentItem { loan_id, amount, paid_on, channel, receipt, overpayment, .. } = self;
        RepaymentRequest { amount, paid_on, channel, receipt, overpayment }.command(loan_id)
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RepaymentsView {
    /// In the order of the items.
    data: Vec<RepaidItemView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RepaidItemView {
    key: String,
    /// As the single repayment would have answered.
    status: u16,
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    transaction: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    loan: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<serde_json::Value>")]
    problem: Option<Box<RawValue>>,
}

/// The parts of a repayment's answer, as they were stored.
#[derive(Debug, Deserialize)]
struct Answered {
    transaction: Box<RawValue>,
    loan: Box<RawValue>,
}

async fn repay_all(asking: Asking, body: Body<RepaymentsRequest>) -> Result<Json<RepaymentsView>, Problem> {
    let items = body.value.items;
    if items.is_empty() || items.len() > MOST {
        return Err(Problem::malformed(format!("send 1 to {MOST} items")).at(
            "/items",
            "field.invalid",
            "too many or none",
        ));
    }
    if let Some(index) = items.iter().position(|item| !is_key(&item.key)) {
        let pointer = format!("/items/{index}/key");
        return Err(Problem::malformed("a key has 1 to 255 visible ASCII characters").at(
            pointer,
            "field.invalid",
            "not a key",
        ));
    }
    let sent: serde_json::Value = serde_json::from_str(&body.canonical).unwrap_or_default();
    let permission = Permission::LoanRepay.as_str();
    let waiting = items.into_iter().enumerate().map(|(index, item)| {
        let fingerprint = as_single(&sent["items"][index]);
        let path = format!("/v1/loans/{}/repayments", item.loan_id);
        let key = Key::of(asking.actor.namespace, &item.key, Repay::OPERATION, &path, &fingerprint);
        let name = item.key.clone();
        let reply = asking.app.lanes.repay.submit_item(asking.actor.clone(), permission, key, item.command());
        async move { (name, reply.await) }
    });
    let replies = join_all(waiting).await;
    // Who may not repay at all is refused as a whole.
    if let Some((_, denied)) = replies.first()
        && replies.iter().all(|(_, reply)| matches!(reply, Reply::Denied(_)))
    {
        return Err(problem_of(denied));
    }
    let request_id = asking.actor.request_id;
    let data = replies.into_iter().map(|(key, reply)| RepaidItemView::of(key, reply, request_id)).collect();
    Ok(Json(RepaymentsView { data }))
}

/// The item's body as the single command would have had it: without the key and the loan, which stand in header and path.
fn as_single(item: &serde_json::Value) -> String {
    let mut single = item.clone();
    if let Some(fields) = single.as_object_mut() {
        fields.remove("key");
        fields.remove("loan_id");
    }
    single.to_string()
}

impl RepaidItemView {
    fn of(key: String, reply: Reply, request_id: Uuid) -> RepaidItemView {
        let raw = |text: String| RawValue::from_string(text).ok();
        match reply {
            Reply::Answer(answer) => {
                let parts: Option<Answered> = serde_json::from_str(&answer.body).ok();
                let problem = parts.is_none().then(|| raw(answer.body)).flatten();
                let (transaction, loan) = parts.map(|parts| (parts.transaction, parts.loan)).unzip();
                RepaidItemView { key, status: answer.status, replayed: answer.replayed, transaction, loan, problem }
            }
            other => {
                let problem = problem_of(&other);
                let status = problem.status.as_u16();
                let problem = raw(problem.body(request_id));
                RepaidItemView { key, status, replayed: false, transaction: None, loan: None, problem }
            }
        }
    }
}
