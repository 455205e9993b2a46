//! `/v1/holidays`

use edge::answer::{Json, Response};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::{get, post};
use edge::wire::{Day, Name, new_id};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use org::holidays::{DeclareHoliday, Holiday};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/holidays", "holiday.list", Access::Needs(Permission::BranchRead), || get(list))
        .about("Institution", "Days off, of one branch or of all")
        .query(parameters::<HolidayQuery>)
        .answers(200, schema::<List<HolidayView>>),
    Operation::post("/v1/holidays", "holiday.declare", Access::Needs(Permission::BranchManage), || post(declare))
        .about("Institution", "Declare a day off")
        .takes(schema::<HolidayRequest>, r#"{"held_on": "2026-12-12", "name": "Jamhuri Day"}"#)
        .answers(201, schema::<HolidayView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HolidayQuery {
    from: Option<Day>,
    to: Option<Day>,
    /// Rows on a page, up to 200. Left out: all rows, and behind a cursor 50.
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolidayRequest {
    id: Option<Uuid>,
    held_on: Day,
    name: Name,
    /// Left out: in all branches.
    branch_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct HolidayView {
    id: Uuid,
    held_on: Day,
    name: String,
    branch_id: Option<Uuid>,
}

impl HolidayView {
    pub fn of(holiday: &Holiday) -> HolidayView {
        HolidayView {
            id: holiday.id,
            held_on: Day(holiday.held_on),
            name: holiday.name.clone(),
            branch_id: holiday.branch_id,
        }
    }
}

async fn list(reading: Reading, query: Parameters<HolidayQuery>) -> Result<Json<List<HolidayView>>, Problem> {
    let HolidayQuery { from, to, limit, cursor } = query.0;
    let from = from.map_or(kernel::date::EARLIEST, |day| day.0);
    let to = to.map_or(kernel::date::LATEST, |day| day.0);
    let holidays = org::store::holidays_between(&reading.tx, from, to).await?;
    let (page, filter) = (WholeQuery { limit, cursor }, format!("holidays {from} {to}"));
    cursor::whole(holidays, &page, &filter, |holiday| holiday.id, HolidayView::of).map(Json)
}

async fn declare(asking: Asking, body: Body<HolidayRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = DeclareHoliday {
        id: new_id(request.id)?,
        held_on: request.held_on.0,
        name: request.name.0,
        branch_id: request.branch_id,
    };
    asking.submit(&body.canonical, OfficeCommand::DeclareHoliday(command)).await
}
