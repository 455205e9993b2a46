//! `/v1/periods`

use edge::answer::{Json, Response};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::{Parameters, first_part};
use edge::route::{get, post};
use edge::wire::Day;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use chrono::{DateTime, Utc};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use ledger::periods::{ClosePeriod, Month, Period, PeriodStatus, ReopenPeriod, months};
use ledger::store_periods::{calendar, period, periods_changed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::given::Given;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/periods", "period.list", Access::Needs(Permission::JournalRead), || get(list))
        .about("Ledger", "The months from the first in which anything was booked to the open one")
        .query(parameters::<WholeQuery>)
        .answers(200, schema::<List<PeriodView>>),
    Operation::get("/v1/periods/{period}", "period.get", Access::Needs(Permission::JournalRead), || get(show))
        .about("Ledger", "One month: whether it is open, being closed, or closed")
        .answers(200, schema::<PeriodView>),
    Operation::post("/v1/periods/{period}/close", "period.close", Access::Needs(Permission::PeriodManage), || {
        post(close)
    })
    .about("Ledger", "Order the close of a month such as 2026-01; look at the month to see it closed")
    .takes(schema::<PeriodRequest>, "{}")
    .answers(202, schema::<PeriodView>),
    Operation::command("/v1/periods/{period}/reopen", "period.reopen", Access::Needs(Permission::PeriodManage), reopen)
        .about("Ledger", "Open the last closed month again; always waits for a second person")
        .of_office()
        .takes(schema::<PeriodRequest>, "{}")
        .answers(202, schema::<HeldView>),
];

/// A command without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodRequest {}

#[derive(Debug, Serialize, ToSchema)]
pub struct PeriodView {
    /// Year and month: 2026-01.
    period: String,
    starts_on: Day,
    ends_on: Day,
    status: PeriodStatus,
    /// When it was last closed or reopened; null: it always was open.
    changed_at: Option<DateTime<Utc>>,
    changed_by: Option<Uuid>,
    /// The order to close it, until it is closed.
    close_order: Option<CloseOrderView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CloseOrderView {
    ordered_at: DateTime<Utc>,
    ordered_by: Uuid,
    /// Why the month was not closed after all: correct that, and order the close again.
    refused: Option<String>,
}

/// A command that waits for a second person.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldView {
    approval: HeldApproval,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HeldApproval {
    id: Uuid,
    status: String,
    expires_at: DateTime<Utc>,
    /// How many people could decide now.
    deciders: i64,
}

impl PeriodView {
    pub fn of(period: &Period) -> PeriodView {
        PeriodView {
            period: period.month.to_string(),
            starts_on: Day(period.month.starts_on()),
            ends_on: Day(period.month.ends_on()),
            status: period.status,
            changed_at: period.changed.map(|(at, _)| at),
            changed_by: period.changed.map(|(_, by)| by),
            close_order: period.order.as_ref().map(|order| CloseOrderView {
                ordered_at: order.at,
                ordered_by: order.by,
                refused: order.refused.clone(),
            }),
        }
    }
}

/// The month in the path. One that is no month names nothing.
#[derive(Debug, Clone, Copy)]
pub struct InPath(Month);

impl FromRequest for InPath {
    type Error = Problem;
    type Future = Ready<Result<InPath, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(first_part(request).map(InPath))
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<PeriodView>>, Problem> {
    let (calendar, changed) = (calendar(&reading.tx).await?, periods_changed(&reading.tx).await?);
    let id = |period: &Period| cursor::id_of_code(&period.month.to_string());
    cursor::whole(months(&calendar, &changed), &query.0, "periods", id, PeriodView::of).map(Json)
}

async fn show(reading: Reading, month: InPath) -> Result<Json<PeriodView>, Problem> {
    let calendar = calendar(&reading.tx).await?;
    if !(calendar.first..=Month::of(calendar.business_date)).contains(&month.0) {
        return Err(Problem::not_found());
    }
    Ok(Json(PeriodView::of(&period(&reading.tx, month.0).await?)))
}

async fn close(asking: Asking, month: InPath, body: Body<PeriodRequest>) -> Result<Response, Problem> {
    let command = OfficeCommand::ClosePeriod(ClosePeriod { month: month.0 });
    let ordered = asking.submit(&body.canonical, command).await?;
    asking.app.closer.notify_one();
    Ok(ordered)
}

fn reopen(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    given.body::<PeriodRequest>()?;
    let month = given.first().parse().map_err(|_| Problem::not_found())?;
    Ok(OfficeCommand::ReopenPeriod(ReopenPeriod { month }).into())
}
