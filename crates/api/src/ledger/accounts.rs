//! `/v1/gl-accounts`

use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List, WholeQuery};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::{get, post};
use edge::wire::{Code, Name, new_id};
use flows::office::OfficeCommand;
use kernel::permission::Permission;
use ledger::chart::{Account, Class, OpenAccount, Side};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::Body;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/gl-accounts", "gl_account.list", Access::Needs(Permission::JournalRead), || get(list))
        .about("Ledger", "The chart of accounts, by code")
        .query(parameters::<WholeQuery>)
        .answers(200, schema::<List<AccountView>>),
    Operation::post("/v1/gl-accounts", "gl_account.open", Access::Needs(Permission::ChartManage), || post(open))
        .about("Ledger", "Open an account")
        .takes(
            schema::<AccountRequest>,
            r#"{"code": "1041", "name": "Bank of the lake, current account", "class": "asset"}"#,
        )
        .answers(201, schema::<AccountView>),
    Operation::get("/v1/gl-accounts/{id}", "gl_account.get", Access::Needs(Permission::JournalRead), || get(show))
        .about("Ledger", "One account")
        .answers(200, schema::<AccountView>),
];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountRequest {
    id: Option<Uuid>,
    code: Code,
    name: Name,
    class: Class,
    /// The side of its balance. Left out: that of the class; contra accounts have the other one.
    side: Option<Side>,
    /// Only groups other accounts: nothing is posted to it.
    #[serde(default)]
    header: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    id: Uuid,
    code: String,
    name: String,
    class: Class,
    side: Side,
    header: bool,
    /// A sub-ledger keeps it: nobody posts to it by hand.
    control: bool,
    version: i64,
}

impl AccountView {
    pub fn of(account: &Account) -> AccountView {
        AccountView {
            id: account.id,
            code: account.code.clone(),
            name: account.name.clone(),
            class: account.class,
            side: account.side,
            header: account.header,
            control: account.control,
            version: account.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<WholeQuery>) -> Result<Json<List<AccountView>>, Problem> {
    let accounts = ledger::store::accounts_all(&reading.tx).await?;
    cursor::whole(accounts, &query.0, "gl-accounts", |account| account.id, AccountView::of).map(Json)
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let account = ledger::store::find_account(&reading.tx, id.0).await?.ok_or_else(Problem::not_found)?;
    Ok(versioned(account.version, AccountView::of(&account)))
}

async fn open(asking: Asking, body: Body<AccountRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let command = OpenAccount {
        id: new_id(request.id)?,
        code: request.code.0,
        name: request.name.0,
        class: request.class,
        side: request.side,
        header: request.header,
    };
    asking.submit(&body.canonical, OfficeCommand::OpenAccount(command)).await
}
