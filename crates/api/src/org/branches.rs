//! `/v1/branches`

use chrono::{DateTime, Utc};
use edge::answer::{Json, Response};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::{get, post};
use edge::wire::{Code, Name, new_id};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use org::branches::{Branch, OpenBranch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/branches", "branch.list", Access::Needs(Permission::BranchRead), || get(list))
        .about("Institution", "The branches that you may see, parents before children")
        .query(parameters::<WholeQuery>)
        .answers(200, schema::<List<BranchView>>),
    Operation::post("/v1/branches", "branch.open", Access::Needs(Permission::BranchManage), || post(open))
        .about("Institution", "Open a branch below another")
        .takes(
            schema::<BranchRequest>,
            r#"{"code": "KSM", "name": "Kisumu", "parent_id": "0198c0de-0000-7000-8000-000000000001"}"#,
        )
        .answers(201, schema::<BranchView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BranchRequest {
    id: Option<Uuid>,
    code: Code,
    name: Name,
    /// Left out: the head office.
    parent_id: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BranchView {
    id: Uuid,
    code: String,
    name: String,
    parent_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    version: i64,
}

impl BranchView {
    pub fn of(branch: &Branch) -> BranchView {
        BranchView {
            id: branch.id,
            code: branch.code.clone(),
            name: branch.name.clone(),
            parent_id: branch.parent_id,
            created_at: branch.created_at,
            version: branch.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<BranchView>>, Problem> {
    let mut branches = org::store::branches_all(&reading.tx).await?;
    branches.retain(|branch| branch.is_in(&reading.caller.scope));
    cursor::whole(branches, &query.0, "branches", |branch| branch.id, BranchView::of).map(Json)
}

async fn open(asking: Asking, body: Body<BranchRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = OpenBranch {
        id: new_id(request.id)?,
        code: request.code.0,
        name: request.name.0,
        parent_id: request.parent_id,
    };
    asking.submit(&body.canonical, OfficeCommand::OpenBranch(command)).await
}
