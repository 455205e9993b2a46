//! The first thing that is loaded: branches, staff and their users, holidays, products. The administrator does it.

use access::password::{self, PasswordHash, Salt, Turn};
use access::setup::SetupError;
use access::users::{ChangeUser, CreateUser};
use db::pool::Pool;
use flows::office::OfficeCommand;
use futures::future::try_join_all;
use kernel::permission::Permission as P;
use org::branches::OpenBranch;
use org::holidays::DeclareHoliday;
use org::staff::EmployStaff;
use secrecy::SecretString;

use crate::arguments::{DEMO_PASSWORD, DEMO_USERS};
use crate::demo::desk::Desk;
use crate::demo::found::FIRST_BRANCH;
use crate::demo::institution::{BRANCHES, HEAD_OFFICE, STAFF, Who, holidays};
use crate::demo::plan::Plan;
use crate::demo::{found, id};
use crate::failure::Failure;

pub async fn furnish(desk: &Desk<'_>, plan: &Plan, pool: &Pool) -> Result<(), Failure> {
    open_branches(desk).await?;
    let seen_version = found::administrator_to_change(pool, desk.administrator, desk.head_office).await?;
    if let Some(seen_version) = seen_version {
        change_password(desk, seen_version).await?;
    }
    employ(desk).await?;
    create_users(desk).await?;
    declare_holidays(desk, plan).await?;
    for (index, offer) in plan.world.offers.iter().enumerate() {
        let by = (Who::Administrator, P::ProductManage);
        desk.give(by, format!("product/{index}"), OfficeCommand::OfferProduct(offer.command.clone())).await?;
    }
    Ok(())
}

async fn open_branches(desk: &Desk<'_>) -> Result<(), Failure> {
    for (index, branch) in BRANCHES.iter().enumerate().skip(FIRST_BRANCH) {
        let command = OpenBranch {
            id: id("branch", index),
            code: branch.code.to_owned(),
            name: branch.name.to_owned(),
            parent_id: Some(desk.branch(HEAD_OFFICE)),
        };
        let by = (Who::Administrator, P::BranchManage);
        desk.give(by, format!("branch/{index}"), OfficeCommand::OpenBranch(command)).await?;
    }
    Ok(())
}

/// One after the other: they get their numbers in this order.
async fn employ(desk: &Desk<'_>) -> Result<(), Failure> {
    for (index, member) in STAFF.iter().enumerate() {
        let command = EmployStaff {
            id: id("staff", index),
            number: None,
            name: member.name.to_owned(),
            branch_id: desk.branch(member.branch),
        };
        let by = (Who::Administrator, P::BranchManage);
        desk.give(by, format!("staff/{index}"), OfficeCommand::EmployStaff(command)).await?;
    }
    Ok(())
}

/// People sign in as the demo's users; of the others nobody knows the password.
async fn create_users(desk: &Desk<'_>) -> Result<(), Failure> {
    let unknown = hash(&password::random().map_err(SetupError::from)?).await?;
    for (index, member) in STAFF.iter().enumerate() {
        let password_hash = match DEMO_USERS.contains(&member.username) {
            true => hash(&SecretString::from(DEMO_PASSWORD)).await?,
            false => unknown.clone(),
        };
        let command = CreateUser {
            id: id("user", index),
            username: member.username.to_owned(),
            password_hash,
            name: member.name.to_owned(),
            roles: vec![member.role.to_owned()],
            branch_id: desk.branch(member.branch),
            staff_id: Some(id("staff", index)),
            own_portfolio: member.own_portfolio,
        };
        let by = (Who::Administrator, P::UserManage);
        desk.give(by, format!("user/{index}"), OfficeCommand::CreateUser(command)).await?;
    }
    Ok(())
}

/// Where `ayni serve` set the institution up, the administrator has another password.
async fn change_password(desk: &Desk<'_>, seen_version: i64) -> Result<(), Failure> {
    let command = ChangeUser {
        id: desk.administrator,
        seen_version,
        name: None,
        active: None,
        roles: None,
        password_hash: Some(hash(&SecretString::from(DEMO_PASSWORD)).await?),
        branch_id: None,
        staff_id: None,
        own_portfolio: None,
        end_sessions: false,
    };
    let by = (Who::Administrator, P::UserManage);
    desk.give(by, format!("administrator/{seen_version}"), OfficeCommand::ChangeUser(command)).await?;
    Ok(())
}

async fn hash(password: &SecretString) -> Result<PasswordHash, Failure> {
    let turn = Turn::wait().await.map_err(SetupError::from)?;
    Ok(turn.hash(password, Salt::random().map_err(SetupError::from)?).await.map_err(SetupError::from)?)
}

async fn declare_holidays(desk: &Desk<'_>, plan: &Plan) -> Result<(), Failure> {
    let given = holidays(plan.world.span).into_iter().enumerate().map(|(index, (held_on, name))| {
        let command = DeclareHoliday { id: id("holiday", index), held_on, name: name.to_owned(), branch_id: None };
        let by = (Who::Administrator, P::BranchManage);
        desk.give(by, format!("holiday/{index}"), OfficeCommand::DeclareHoliday(command))
    });
    try_join_all(given).await?;
    Ok(())
}
