//! `/v1/clients`

use chrono::Datelike;
use clients::actions::activate::Activate;
use clients::actions::register::Register;
use clients::client::{Area, Birth, Client, ClientKind, ClientName, ClientStatus, Gender};
use clients::command::ClientCommand;
use clients::store::ClientFilter;
use edge::answer::{Json, Response, versioned};
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use edge::wire::{Day, Name, new_id};
use flows::desk_command::DeskCommand;
use kernel::permission::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::asking::Reading;
use crate::given::Given;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/clients", "client.list", Access::Needs(Permission::ClientRead), || get(list))
        .about("Clients", "Clients, newest first")
        .query(parameters::<ClientQuery>)
        .answers(200, schema::<List<ClientView>>),
    Operation::command("/v1/clients", "client.register", Access::Needs(Permission::ClientManage), register)
        .about("Clients", "Register a person or an organisation")
        .takes(
            schema::<ClientRequest>,
            r#"{"branch_id": "0198c0de-0000-7000-8000-000000000002", "kind": "person", "name": {"given": "Achieng", "family": "Odhiambo"},
                "birth": {"year": 1987}, "gender": "female", "area": "rural", "phone": "+254700000001"}"#,
        )
        .answers(201, schema::<ClientView>),
    Operation::get("/v1/clients/{id}", "client.get", Access::Needs(Permission::ClientRead), || get(show))
        .about("Clients", "One client")
        .answers(200, schema::<ClientView>),
    Operation::command("/v1/clients/{id}/activate", "client.activate", Access::Needs(Permission::ClientManage), activate)
        .about("Clients", "Activate a client that was registered as pending")
        .takes(schema::<NoFields>, "{}")
        .answers(200, schema::<ClientView>),
];

/// A command without fields.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFields {}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ClientQuery {
    branch_id: Option<Uuid>,
    officer_id: Option<Uuid>,
    status: Option<ClientStatus>,
    number: Option<String>,
    /// The beginning of the full name.
    name: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientRequest {
    id: Option<Uuid>,
    branch_id: Uuid,
    /// The member of staff who looks after the client.
    officer_id: Option<Uuid>,
    kind: ClientKind,
    name: NameRequest,
    birth: Option<BirthRequest>,
    /// Of persons: they must have one.
    gender: Option<Gender>,
    area: Option<Area>,
    phone: Option<Name>,
    /// Left out: active.
    status: Option<ClientStatus>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameRequest {
    given: Option<Name>,
    family: Option<Name>,
    second_family: Option<Name>,
    /// As it is printed; left out, it is made of the parts.
    full: Option<Name>,
}

/// The day, or only the year.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BirthRequest {
    on: Option<Day>,
    #[schema(minimum = 1900, maximum = 2199)]
    year: Option<i16>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClientView {
    id: Uuid,
    number: String,
    branch_id: Uuid,
    officer_id: Option<Uuid>,
    kind: ClientKind,
    status: ClientStatus,
    name: NameView,
    birth: Option<BirthView>,
    gender: Option<Gender>,
    area: Option<Area>,
    phone: Option<String>,
    registered_on: Day,
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct NameView {
    given: Option<String>,
    family: Option<String>,
    second_family: Option<String>,
    full: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct BirthView {
    on: Option<Day>,
    year: i32,
}

impl ClientView {
    pub fn of(client: &Client) -> ClientView {
        ClientView {
            id: client.id,
            number: client.number.clone(),
            branch_id: client.branch_id,
            officer_id: client.officer_id,
            kind: client.kind,
            status: client.status,
            name: NameView {
                given: client.name.given.clone(),
                family: client.name.family.clone(),
                second_family: client.name.second_family.clone(),
                full: client.name.full.clone(),
            },
            birth: client.birth.map(|birth| match birth {
                Birth::On(day) => BirthView { on: Some(Day(day)), year: day.year() },
                Birth::Year(year) => BirthView { on: None, year: i32::from(year) },
            }),
            gender: client.gender,
            area: client.area,
            phone: client.phone.clone(),
            registered_on: Day(client.registered_on),
            version: client.version,
        }
    }
}

async fn list(reading: Reading, query: Parameters<ClientQuery>) -> Result<Json<List<ClientView>>, Problem> {
    let query = query.0;
    let bound =
        format!("{:?}{:?}{:?}{:?}{:?}", query.branch_id, query.officer_id, query.status, query.number, query.name);
    let page = cursor::page(query.limit, query.cursor.as_deref(), &bound)?;
    let filter = ClientFilter {
        branch_id: query.branch_id,
        officer_id: query.officer_id,
        status: query.status.map(ClientStatus::as_str),
        number: query.number,
        name: query.name,
    };
    let rows = clients::store::clients_page(&reading.tx, &reading.caller.scope, &filter, &page).await?;
    Ok(Json(cursor::list(rows, &bound, |client| ClientView::of(&client))))
}

async fn show(reading: Reading, id: Id) -> Result<Response, Problem> {
    let client =
        clients::store::find_client(&reading.tx, id.0, &reading.caller.scope).await?.ok_or_else(Problem::not_found)?;
    Ok(versioned(client.version, ClientView::of(&client)))
}

fn register(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: ClientRequest = given.body()?;
    let command = Register {
        id: new_id(request.id)?,
        branch_id: request.branch_id,
        officer_id: request.officer_id,
        kind: request.kind,
        status: request.status.unwrap_or(ClientStatus::Active),
        name: name_of(request.name)?,
        birth: request.birth.map(birth_of).transpose()?,
        gender: request.gender,
        area: request.area,
        phone: request.phone.map(|phone| phone.0),
    };
    Ok(DeskCommand::Client(ClientCommand::Register(command)).into())
}

fn name_of(name: NameRequest) -> Result<ClientName, Problem> {
    let text = |part: Option<Name>| part.map(|part| part.0);
    ClientName::try_new(text(name.given), text(name.family), text(name.second_family), text(name.full)).ok_or_else(
        || {
            Problem::malformed("a client has a name: send name.full, or name.given and name.family").at(
                "/name",
                "field.required",
                "no part of a name is given",
            )
        },
    )
}

fn birth_of(birth: BirthRequest) -> Result<Birth, Problem> {
    match (birth.on, birth.year) {
        (Some(day), None) => Ok(Birth::On(day.0)),
        (None, Some(year)) if (1900..=2199).contains(&year) => Ok(Birth::Year(year)),
        _ => Err(Problem::malformed("birth has either on (a day) or year").at(
            "/birth",
            "field.invalid",
            "either on or year",
        )),
    }
}

fn activate(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    given.body::<NoFields>()?;
    Ok(DeskCommand::Client(ClientCommand::Activate(Activate { client_id: given.id()? })).into())
}
