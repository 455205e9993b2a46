//! `/v1/users`

use access::error::AccessError;
use access::password::{self, PasswordHash, Salt, Turn};
use access::store;
use access::users::{ChangeUser, CreateUser, User};
use chrono::{DateTime, Utc};
use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::{get, patch, post};
use edge::wire::{Code, Name, new_id};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::of_password_fault;
use super::secret::{Secret, Username};
use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/users", "user.list", Access::Needs(Permission::UserRead), || get(list))
        .about("Access", "The users of your branches, newest first")
        .query(parameters::<UserQuery>)
        .answers(200, schema::<List<UserView>>),
    Operation::post("/v1/users", "user.create", Access::Needs(Permission::UserManage), || post(create))
        .about("Access", "Make a user whose password works at once")
        .takes(
            schema::<UserRequest>,
            r#"{"username": "wanjiru", "password": "river stone cloud lamp", "name": "Wanjiru Kamau", "roles": ["loan_officer"],
                "branch_id": "0198c0de-0000-7000-8000-000000000002", "staff_id": "0198c0de-0000-7000-8000-000000000014", "own_portfolio": true}"#,
        )
        .answers(201, schema::<UserView>),
    Operation::get("/v1/users/{id}", "user.get", Access::Needs(Permission::UserRead), || get(show))
        .about("Access", "One user")
        .answers(200, schema::<UserView>),
    Operation::patch("/v1/users/{id}", "user.change", Access::Needs(Permission::UserManage), || patch(change))
        .about("Access", "Change a user; a new password and active: false end all its sessions")
        .takes(schema::<UserChange>, r#"{"active": false}"#)
        .answers(200, schema::<UserView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct UserQuery {
    /// With all branches below it.
    branch_id: Option<Uuid>,
    active: Option<bool>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserRequest {
    id: Option<Uuid>,
    username: Username,
    /// 12 to 128 characters; neither a common one nor one that contains the username. No other rules.
    password: Secret,
    name: Name,
    /// Codes of roles.
    roles: Vec<Code>,
    /// The user acts in this branch and all below it.
    branch_id: Uuid,
    /// Who the user is. Two users of one member of staff are one person where a second one is asked for.
    staff_id: Option<Uuid>,
    /// The user sees only clients and loans of the own staff record.
    #[serde(default)]
    own_portfolio: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    name: Option<Name>,
    active: Option<bool>,
    roles: Option<Vec<Code>>,
    password: Option<Secret>,
    branch_id: Option<Uuid>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "given")]
    staff_id: Option<Option<Uuid>>,
    own_portfolio: Option<bool>,
    /// True: all tokens that the user holds are no longer taken.
    #[serde(default)]
    end_sessions: bool,
}

/// Tells null, which takes a value away, from absent, which leaves it.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Debug, Serialize, ToSchema)]
pub struct UserView {
    id: Uuid,
    username: String,
    name: String,
    roles: Vec<String>,
    branch_id: Uuid,
    staff_id: Option<Uuid>,
    own_portfolio: bool,
    active: bool,
    /// The integration whose API clients act as this user; null for people.
    integration: Option<String>,
    created_at: DateTime<Utc>,
    version: i64,
}

impl UserView {
    pub fn of(user: &User) -> UserView {
        UserView {
            id: user.id,
            username: user.username.clone(),
            name: user.name.clone(),
            roles: user.roles.clone(),
            branch_id: user.branch_id,
            staff_id: user.staff_id,
            own_portfolio: user.own_portfolio,
            active: user.active,
            integration: user.integration.clone(),
            created_at: user.created_at,
            version: user.version,
        }
    }
}

/// Codes as plain texts.
pub(super) fn codes(roles: Vec<Code>) -> Vec<String> {
    roles.into_iter().map(|code| code.0).collect()
}

async fn list(reading: Reading, query: Parameters<UserQuery>) -> Result<Json<List<UserView>>, Problem> {
    let query = query.0;
    let bound = format!("{:?}{:?}", query.branch_id, query.active);
    let page = cursor::page(query.limit, query.cursor.as_deref(), &bound)?;
    let scope = &reading.caller.scope;
    let rows = store::users_page(&reading.tx, scope, query.branch_id, query.active, &page).await?;
    Ok(Json(cursor::list(rows, &bound, |user| UserView::of(&user))))
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let user = store::find_user(&reading.tx, id.0, &reading.caller.scope).await?.ok_or_else(Problem::not_found)?;
    Ok(versioned(user.version, UserView::of(&user)))
}

async fn create(asking: Asking, body: Body<UserRequest>) -> Result<Response, Problem> {
    // A hash is costly: it is made only for who may make a user.
    asking.read().await?;
    let request = body.value;
    let salt = Salt::of_command(asking.actor.namespace, asking.sent_key(), &request.username.0);
    let password_hash = hashed(&request.password.0, &request.username.0, salt).await?;
    let canonical = without_password(&body.canonical, &password_hash)?;
    let command = CreateUser {
        id: new_id(request.id)?,
        username: request.username.0,
        password_hash,
        name: request.name.0,
        roles: codes(request.roles),
        branch_id: request.branch_id,
        staff_id: request.staff_id,
        own_portfolio: request.own_portfolio,
    };
    asking.submit(&canonical, OfficeCommand::CreateUser(command)).await
}

async fn hashed(password: &SecretString, username: &str, salt: Salt) -> Result<PasswordHash, Problem> {
    password::check(password, username).map_err(|error| Problem::of_refusal(&AccessError::from(error)))?;
    let turn = Turn::wait().await.map_err(|fault| of_password_fault(&fault))?;
    turn.hash(password, salt).await.map_err(|fault| of_password_fault(&fault))
}

/// The body with the hash in place of the password. Its fingerprint is stored, and a password could be guessed from a
/// fingerprint of itself much faster than from its hash.
fn without_password(canonical: &str, hash: &PasswordHash) -> Result<String, Problem> {
    let mut body: serde_json::Value = serde_json::from_str(canonical).map_err(|_| Problem::internal())?;
    body["password"] = hash.as_str().into();
    Ok(body.to_string())
}

async fn change(asking: Asking, id: Id, body: Body<UserChange>) -> Result<Response, Problem> {
    let request = body.value;
    let password_hash = match &request.password {
        None => None,
        Some(password) => Some(new_password(&asking, id.0, &password.0).await?),
    };
    let command = ChangeUser {
        id: id.0,
        seen_version: asking.if_match()?,
        name: request.name.map(|name| name.0),
        active: request.active,
        roles: request.roles.map(codes),
        password_hash,
        branch_id: request.branch_id,
        staff_id: request.staff_id,
        own_portfolio: request.own_portfolio,
        end_sessions: request.end_sessions,
    };
    asking.submit(&body.canonical, OfficeCommand::ChangeUser(command)).await
}

/// The hash of a new password, which is compared with the username. The change itself is decided later, on the locked row.
async fn new_password(asking: &Asking, id: Uuid, password: &SecretString) -> Result<PasswordHash, Problem> {
    let reading = asking.read().await?;
    let user = store::find_user(&reading.tx, id, &reading.caller.scope).await?.ok_or_else(Problem::not_found)?;
    drop(reading);
    if asking.if_match()? != user.version {
        return Err(Problem::of_refusal(&AccessError::Stale));
    }
    let salt = Salt::random().map_err(|fault| of_password_fault(&fault))?;
    hashed(password, &user.username, salt).await
}
