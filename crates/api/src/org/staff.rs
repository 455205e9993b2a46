//! `/v1/staff`

use edge::answer::{Json, Response};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::{get, post};
use edge::wire::{Code, Name, new_id};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use org::staff::{EmployStaff, Staff};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/staff", "staff.list", Access::Needs(Permission::BranchRead), || get(list))
        .about("Institution", "The staff of the branches that you may see")
        .query(parameters::<WholeQuery>)
        .answers(200, schema::<List<StaffView>>),
    Operation::post("/v1/staff", "staff.employ", Access::Needs(Permission::BranchManage), || post(employ))
        .about("Institution", "Take a person on the staff; loan officers own clients and loans")
        .takes(
            schema::<StaffRequest>,
            r#"{"number": "S-014", "name": "Wanjiru Kamau", "branch_id": "0198c0de-0000-7000-8000-000000000002"}"#,
        )
        .answers(201, schema::<StaffView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffRequest {
    id: Option<Uuid>,
    /// Left out: the next free one.
    number: Option<Code>,
    name: Name,
    branch_id: Uuid,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StaffView {
    id: Uuid,
    number: String,
    name: String,
    branch_id: Uuid,
    active: bool,
    version: i64,
}

impl StaffView {
    pub fn of(staff: &Staff) -> StaffView {
        StaffView {
            id: staff.id,
            number: staff.number.clone(),
            name: staff.name.clone(),
            branch_id: staff.branch_id,
            active: staff.active,
            version: staff.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<StaffView>>, Problem> {
    let staff = org::store::staff_all(&reading.tx, reading.caller.scope.branch_id).await?;
    cursor::whole(staff, &query.0, "staff", |staff| staff.id, StaffView::of).map(Json)
}

async fn employ(asking: Asking, body: Body<StaffRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = EmployStaff {
        id: new_id(request.id)?,
        number: request.number.map(|code| code.0),
        name: request.name.0,
        branch_id: request.branch_id,
    };
    asking.submit(&body.canonical, OfficeCommand::EmployStaff(command)).await
}
