//! `/v1/business-date`

use edge::answer::{Json, Response, StatusCode};
use edge::problem::Problem;
use edge::route::{get, post};
use edge::wire::Day;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use db::tx::Tx;
use flows::close_of_day::{CloseDays, Ordered};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use org::business_day::DayClose;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::app::App;
use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, schema};

/// How long a caller waits for days to be closed before it is told to look again.
const PATIENCE: Duration = Duration::from_secs(25);

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/business-date", "business_day.get", Access::SignedIn, || get(show))
        .about("Institution", "The open business day: everything is booked on it")
        .answers(200, schema::<BusinessDateView>),
    Operation::post("/v1/business-date/close", "business_day.close", Access::Needs(Permission::DayClose), || {
        post(close)
    })
    .about("Institution", "Close day after day, up to and including a date; 202 where it takes long")
    .takes(schema::<CloseRequest>, r#"{"through": "2026-01-31"}"#)
    .answers(200, schema::<ClosedView>),
    Operation::get("/v1/day-closes/{date}", "day_close.get", Access::SignedIn, || get(show_close))
        .about("Institution", "The close of one day")
        .answers(200, schema::<DayCloseView>),
];

#[derive(Debug, Serialize, ToSchema)]
pub struct BusinessDateView {
    business_date: Day,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    through: Day,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClosedView {
    through: Day,
    /// The open day when all is done.
    business_date: Day,
}

impl ClosedView {
    pub fn of(ordered: &Ordered) -> ClosedView {
        ClosedView { through: Day(ordered.through), business_date: Day(ordered.business_date) }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DayCloseView {
    closed_on: Day,
    /// `rolled`: nothing more is booked on it but its close; `booked`: its close is booked.
    status: &'static str,
    rolled_at: DateTime<Utc>,
    booked_at: Option<DateTime<Utc>>,
    entry_count: Option<i32>,
}

impl DayCloseView {
    pub fn of(close: &DayClose) -> DayCloseView {
        DayCloseView {
            closed_on: Day(close.closed_on),
            status: if close.booked_at.is_some() { "booked" } else { "rolled" },
            rolled_at: close.rolled_at,
            booked_at: close.booked_at,
            entry_count: close.entry_count,
        }
    }
}

async fn show(reading: Reading) -> Json<BusinessDateView> {
    Json(BusinessDateView { business_date: Day(reading.tx.business_date) })
}

async fn show_close(asking: Asking) -> Result<Json<DayCloseView>, Problem> {
    let date = asking.path.first().map(String::as_str).unwrap_or_default();
    let reading = asking.read().await?;
    let day = kernel::date::parse(date).map_err(|_| Problem::not_found())?;
    let close = org::store::find_day_close(&reading.tx, day).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(DayCloseView::of(&close)))
}

async fn close(asking: Asking, body: Body<CloseRequest>) -> Result<Response, Problem> {
    let through = body.value.through.0;
    let not_after = (!asking.app.sandbox_clock).then(db::clock::today);
    let ordered = asking.submit(&body.canonical, OfficeCommand::CloseDays(CloseDays { through, not_after })).await?;
    if !ordered.status().is_success() {
        return Ok(ordered);
    }
    asking.app.closer.notify_one();
    match wait_until_booked(&asking.app, through).await? {
        true => Ok(ordered),
        false => Ok(accepted(ordered)),
    }
}

fn accepted(mut ordered: Response) -> Response {
    *ordered.status_mut() = StatusCode::ACCEPTED;
    ordered
}

/// Whether all days through one are booked, after at most some time.
async fn wait_until_booked(app: &App, through: NaiveDate) -> Result<bool, Problem> {
    let until = Instant::now() + PATIENCE;
    loop {
        let tx = Tx::begin_reading(&app.pool).await?;
        let rolled = tx.business_date > through;
        if rolled && org::store::day_closes_pending(&tx).await?.iter().all(|pending| *pending > through) {
            return Ok(true);
        }
        if Instant::now() >= until {
            return Ok(false);
        }
        drop(tx);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
