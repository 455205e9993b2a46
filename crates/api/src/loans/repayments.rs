//! `POST /v1/repayments`: up to 1,000 repayments in one request. Each item is its own command under its own key, the same as if
//! it had been sent alone: one that is refused touches no other.

use edge::answer::Json;
use edge::body::{self, Members};
use edge::problem::Problem;
use edge::route::post;
use edge::wire::{AmountText, Code, Day};
use kernel::permission::Permission;
use ledger::slots::Channel;
use loans::actions::repay::Overpayment;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::Asking;
use crate::body::Body;
use crate::bulk::{BulkItem, Told, give_all, key_of};
use crate::operation::{Access, Operation, Repeat, schema};

/// Most items in one request.
const MOST: usize = 1_000;

pub const OPERATIONS: &[Operation] = &[Operation::post(
    "/v1/repayments",
    "repayments.run",
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepaymentsRequest {
    #[schema(value_type = Vec<RepaymentItem>, min_items = 1, max_items = 1000)]
    items: Vec<Box<RawValue>>,
}

/// A repayment with its key and its loan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "it describes an item; an item is read as the single command reads it")]
pub struct RepaymentItem {
    /// The item's idempotency key; keys of items and of single commands are one space.
    key: String,
    loan_id: Uuid,
    amount: AmountText,
    paid_on: Option<Day>,
    channel: Channel,
    receipt: Option<Code>,
    overpayment: Option<Overpayment>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepaymentsView {
    /// In the order of the items.
    data: Vec<RepaidItemView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepaidItemView {
    /// Null where the item could not be read so far.
    key: Option<String>,
    /// As the single repayment would have answered.
    status: u16,
    replayed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    transaction: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    loan: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
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
        let detail = format!("send 1 to {MOST} items");
        return Err(Problem::malformed(detail.clone()).at("/items", "field.invalid", detail));
    }
    let (keys, items): (Vec<Option<String>>, Vec<Result<BulkItem, Problem>>) =
        items.iter().map(|item| bulk_item(item.get())).unzip();
    let told = give_all(&asking, items).await?;
    let data = keys.into_iter().zip(told).map(|(key, told)| RepaidItemView::of(key, told)).collect();
    Ok(Json(RepaymentsView { data }))
}

/// The item's key, and the item as the single command has it: without the key and the loan, which stand in header and path.
fn bulk_item(text: &str) -> (Option<String>, Result<BulkItem, Problem>) {
    let mut members = match body::read::<Members>(text.as_bytes()) {
        Ok(members) => members,
        Err(problem) => return (None, Err(problem)),
    };
    let (sent, loan_id) = (members.text("key"), members.text("loan_id").unwrap_or_default());
    members.0.remove("key");
    members.0.remove("loan_id");
    let item = key_of(sent.as_deref()).map(|key| BulkItem {
        key,
        operation: "loan.repay".to_owned(),
        path: vec![loan_id],
        body: members.to_json(),
    });
    (sent, item)
}

impl RepaidItemView {
    fn of(key: Option<String>, told: Told) -> RepaidItemView {
        let parts: Option<Answered> = serde_json::from_str(&told.body).ok();
        let problem = parts.is_none().then(|| RawValue::from_string(told.body).ok()).flatten();
        let (transaction, loan) = parts.map(|parts| (parts.transaction, parts.loan)).unzip();
        RepaidItemView { key, status: told.status, replayed: told.replayed, transaction, loan, problem }
    }
}
