//! `/v1/roles`

use access::roles::{CreateRole, Role};
use edge::answer::{Json, Response};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::{get, post};
use edge::wire::{Code, Name};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/roles", "role.list", Access::Needs(Permission::UserRead), || get(list))
        .about("Access", "The roles of the institution, by code")
        .query(parameters::<WholeQuery>)
        .answers(200, schema::<List<RoleView>>),
    Operation::post("/v1/roles", "role.create", Access::Needs(Permission::UserManage), || post(create))
        .about("Access", "Make a role: a named set of permissions")
        .takes(
            schema::<RoleRequest>,
            r#"{"code": "collector", "name": "Field collector", "permissions": ["client.read", "loan.read", "loan.repay"]}"#,
        )
        .answers(201, schema::<RoleView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    code: Code,
    name: Name,
    permissions: Vec<Permission>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RoleView {
    code: String,
    name: String,
    permissions: Vec<Permission>,
    version: i64,
}

impl RoleView {
    pub fn of(role: &Role) -> RoleView {
        RoleView {
            code: role.code.clone(),
            name: role.name.clone(),
            permissions: role.permissions.to_vec(),
            version: role.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<RoleView>>, Problem> {
    let roles = access::store::roles_all(&reading.tx).await?;
    cursor::whole(roles, &query.0, "roles", |role| cursor::id_of_code(&role.code), RoleView::of).map(Json)
}

async fn create(asking: Asking, body: Body<RoleRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = CreateRole { code: request.code.0, name: request.name.0, permissions: request.permissions };
    asking.submit(&body.canonical, OfficeCommand::CreateRole(command)).await
}
