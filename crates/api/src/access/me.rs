//! `/v1/me`

use edge::answer::Json;
use edge::problem::Problem;
use edge::route::get;
use kernel::permission::Permission;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::Reading;
use crate::operation::{Access, Operation, schema};

pub const OPERATIONS: &[Operation] = &[Operation::get("/v1/me", "me.get", Access::SignedIn, || get(show))
    .about("Access", "Who you are, what you may do, and in which branches")
    .answers(200, schema::<MeView>)];

#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    user_id: Uuid,
    username: String,
    name: String,
    staff_id: Option<Uuid>,
    /// You act in this branch and all below it.
    branch_id: Uuid,
    /// You see only clients and loans of your own staff record.
    own_portfolio: bool,
    roles: Vec<String>,
    permissions: Vec<Permission>,
    branches: Vec<VisibleBranch>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct VisibleBranch {
    id: Uuid,
    code: String,
    name: String,
}

async fn show(reading: Reading) -> Result<Json<MeView>, Problem> {
    let Reading { tx, caller } = reading;
    let branches = org::store::branches_all(&tx).await?;
    let visible = branches.iter().filter(|branch| branch.is_in(&caller.scope));
    let branches = visible
        .map(|branch| VisibleBranch { id: branch.id, code: branch.code.clone(), name: branch.name.clone() })
        .collect();
    let mut roles = caller.granted.roles.clone();
    roles.sort();
    let mut permissions: Vec<Permission> = caller.granted.permissions.iter().copied().collect();
    permissions.sort_by_key(|permission| permission.as_str());
    Ok(Json(MeView {
        user_id: caller.user_id,
        username: caller.granted.username.clone(),
        name: caller.granted.name.clone(),
        staff_id: caller.staff_id,
        branch_id: caller.scope.branch_id,
        own_portfolio: caller.scope.officer_id.is_some(),
        roles,
        permissions: permissions.into_iter().collect(),
        branches,
    }))
}
