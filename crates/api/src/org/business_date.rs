//! `/v1/business-date`

use axum::Json;
use axum::routing::get;
use schemars::JsonSchema;
use serde::Serialize;

use crate::asking::Reading;
use crate::operation::{Access, Operation, schema};
use crate::wire::Day;

pub const OPERATIONS: &[Operation] =
    &[Operation::get("/v1/business-date", "get_business_date", Access::SignedIn, || get(show))
        .about("Institution", "The open business day: everything is booked on it")
        .answers(200, schema::<BusinessDateView>)];

#[derive(Debug, Serialize, JsonSchema)]
pub struct BusinessDateView {
    business_date: Day,
}

async fn show(reading: Reading) -> Json<BusinessDateView> {
    Json(BusinessDateView { business_date: Day(reading.tx.business_date) })
}
