//! `/v1/periods`

use access::permission::Permission;
use axum::Json;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use db::lane::{Answer, Asked, OutcomeOf};
use ledger::periods::{ClosePeriod, Month, Period, PeriodStatus, ReopenPeriod, months};
use ledger::store_periods::{calendar, periods_changed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::{Body, Parameters};
use crate::cursor::{self, List, WholeQuery};
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::render;
use crate::wire::{Day, Word};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/periods", "list_periods", Access::Needs(Permission::JournalRead), || get(list))
        .about("Ledger", "The months from the first in which anything was booked to the open one")
        .query(schema::<WholeQuery>)
        .answers(200, schema::<List<PeriodView>>),
    Operation::post("/v1/periods/{period}/close", "close_period", Access::Needs(Permission::PeriodManage), || {
        post(close)
    })
    .about("Ledger", "Close a month such as 2026-01: nothing is booked into it any more")
    .takes(schema::<PeriodRequest>, "{}")
    .answers(200, schema::<PeriodView>),
    Operation::post("/v1/periods/{period}/reopen", "reopen_period", Access::Needs(Permission::PeriodManage), || {
        post(reopen)
    })
    .about("Ledger", "Open the last closed month again; always waits for a second person")
    .takes(schema::<PeriodRequest>, "{}")
    .answers(202, schema::<HeldView>),
];

/// A command without fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodRequest {}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PeriodView {
    /// Year and month: 2026-01.
    period: String,
    starts_on: Day,
    ends_on: Day,
    status: Word<PeriodStatus>,
    /// When it was last closed or reopened; null: it always was open.
    changed_at: Option<DateTime<Utc>>,
    changed_by: Option<Uuid>,
}

/// A command that waits for a second person.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HeldView {
    approval: HeldApproval,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HeldApproval {
    id: Uuid,
    status: String,
    expires_at: DateTime<Utc>,
}

impl PeriodView {
    fn of(period: &Period) -> PeriodView {
        PeriodView {
            period: period.month.to_string(),
            starts_on: Day(period.month.starts_on()),
            ends_on: Day(period.month.ends_on()),
            status: Word(period.status),
            changed_at: period.changed.map(|(at, _)| at),
            changed_by: period.changed.map(|(_, by)| by),
        }
    }
}

/// The month in the path. One that is no month names nothing.
#[derive(Debug, Clone, Copy)]
pub struct InPath(Month);

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await.ok();
        path.and_then(|path| path.0.parse().ok()).map(InPath).ok_or_else(Problem::not_found)
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<PeriodView>>, Problem> {
    let (calendar, changed) = (calendar(&reading.tx).await?, periods_changed(&reading.tx).await?);
    let id = |period: &Period| cursor::id_of_code(&period.month.to_string());
    cursor::whole(months(&calendar, &changed), &query.0, "periods", id, PeriodView::of).map(Json)
}

async fn close(asking: Asking, month: InPath, body: Body<PeriodRequest>) -> Result<Response, Problem> {
    asking.submit(&asking.app.lanes.close_period, &body.canonical, ClosePeriod { month: month.0 }).await
}

async fn reopen(asking: Asking, month: InPath, body: Body<PeriodRequest>) -> Result<Response, Problem> {
    asking.submit(&asking.app.lanes.reopen_period, &body.canonical, ReopenPeriod { month: month.0 }).await
}

pub fn closed(asked: &Asked<'_, ClosePeriod>, outcome: &OutcomeOf<ClosePeriod>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |period| (Uuid::nil(), PeriodView::of(period)))
}

pub fn reopened(asked: &Asked<'_, ReopenPeriod>, outcome: &OutcomeOf<ReopenPeriod>) -> Answer {
    render::answer(asked, outcome, StatusCode::OK, |period| (Uuid::nil(), PeriodView::of(period)))
}
