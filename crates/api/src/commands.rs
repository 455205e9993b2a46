//! `POST /v1/commands`: many commands in one request, each on its own, or all of them or none.

use db::caller::Denied;
use db::lane::{Reply, Sent};
use edge::answer::{Json, Response, StatusCode};
use edge::body::{self, Members};
use edge::problem::Problem;
use edge::request::Parameters;
use edge::route::post;
use edge::wire::DryRun;
use flows::atomic::Item;
use flows::desk::foresee;
use flows::desk_command::DeskCommand;
use kernel::permission::Permission;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::app::AnyCommand;
use crate::asking::{Asking, Reading, respond};
use crate::body::Body;
use crate::bulk::{BulkItem, Read, Told, give_all, key_of, read};
use crate::giving::shown;
use crate::operation::{Access, Operation, Repeat, parameters, schema};

/// Most items in one request, and in an atomic one.
const MOST: usize = 1_000;
const MOST_ATOMIC: usize = 200;

pub const OPERATIONS: &[Operation] = &[Operation::post("/v1/commands", "commands.run", Access::SignedIn, || post(run))
    .about("Commands", "Give up to 1,000 commands: each is decided on its own, or (atomic: true, up to 200) all or none")
    .repeat(Repeat::ByItemKeys)
    .query(parameters::<DryRun>)
    .takes(
        schema::<CommandsRequest>,
        r#"{"items": [{"key": "visit-17-1", "operation": "loan.repay", "path": {"id": "0198c0de-0000-7000-8000-000000000030"},
                       "body": {"amount": "110.00", "channel": "officer", "receipt": "R-000118"}}]}"#,
    )
    .answers(200, schema::<CommandsView>)];

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandsRequest {
    #[schema(value_type = Vec<CommandItem>, min_items = 1, max_items = 1000)]
    items: Vec<Box<RawValue>>,
    /// True: all items or none, as one command under the header Idempotency-Key; then no item has a key.
    #[serde(default)]
    atomic: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandItem {
    /// The item's idempotency key; keys of items and of single commands are one space.
    key: Option<String>,
    /// The command by its name: `loan.repay`, the operationId with a dot.
    operation: String,
    /// The parameters of the operation's path.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    path: Option<Members>,
    /// The body of the single command. Left out: none.
    #[schema(value_type = Option<Object>)]
    body: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CommandsView {
    /// In the order of the items.
    data: Vec<CommandItemView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CommandItemView {
    /// Absent in an atomic call, and where the item could not be read so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// As the single command would have answered.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    replayed: Option<bool>,
    #[schema(value_type = Object)]
    body: Option<Box<RawValue>>,
}

async fn run(
    asking: Asking,
    dry_run: Result<Parameters<DryRun>, Problem>,
    body: Body<CommandsRequest>,
) -> Result<Response, Problem> {
    let CommandsRequest { items, atomic } = body.value;
    let most = if atomic { MOST_ATOMIC } else { MOST };
    if items.is_empty() || items.len() > most {
        let detail = format!("send 1 to {most} items");
        return Err(Problem::malformed(detail.clone()).at("/items", "field.invalid", detail));
    }
    match (atomic, dry_run?.0.is_wanted()) {
        (true, dry_run) => match run_all(&asking, &items, &body.canonical, dry_run).await {
            Err(problem) => Err(after_permissions(&asking, &items, problem).await),
            done => done,
        },
        (false, false) => run_each(&asking, items).await,
        (false, true) => {
            Err(Problem::malformed("a dry run of several commands is that of an atomic call: send atomic: true"))
        }
    }
}

async fn run_each(asking: &Asking, items: Vec<Box<RawValue>>) -> Result<Response, Problem> {
    let (keys, items): (Vec<Option<String>>, Vec<Result<BulkItem, Problem>>) =
        items.iter().map(|item| bulk_item(asking, item.get())).unzip();
    let told = give_all(asking, items).await?;
    let view = |(key, told): (Option<String>, Told)| CommandItemView {
        key,
        status: told.status,
        replayed: Some(told.replayed),
        body: RawValue::from_string(told.body).ok(),
    };
    Ok(Json(CommandsView { data: keys.into_iter().zip(told).map(view).collect() }).into_response())
}

/// The item's key as it was sent, and the item as far as it can be read.
fn bulk_item(asking: &Asking, text: &str) -> (Option<String>, Result<BulkItem, Problem>) {
    let item: CommandItem = match body::read(text.as_bytes()) {
        Ok(item) => item,
        Err(problem) => {
            return (body::read::<Members>(text.as_bytes()).ok().and_then(|item| item.text("key")), Err(problem));
        }
    };
    let read = key_of(item.key.as_deref()).and_then(|key| {
        let (path, body) = (path_of(asking, &item)?, body_of(&item));
        Ok(BulkItem { key, path, body, operation: item.operation.clone() })
    });
    (item.key, read)
}

/// The parameters in the order of the template; one that is missing names nothing.
fn path_of(asking: &Asking, item: &CommandItem) -> Result<Vec<String>, Problem> {
    let names: Vec<&str> = asking.find(&item.operation).into_iter().flat_map(Operation::path_names).collect();
    let Some(path) = &item.path else { return Ok(vec![String::new(); names.len()]) };
    for name in path.0.keys() {
        let detail = if !names.contains(&name.as_str()) {
            "not a parameter of this operation's path"
        } else if path.text(name).is_none() {
            "not a text"
        } else {
            continue;
        };
        return Err(Problem::malformed(format!("/path/{name:.60}: {detail}")).at(
            format!("/path/{name:.60}"),
            "field.invalid",
            detail,
        ));
    }
    Ok(names.iter().map(|name| path.text(name).unwrap_or_default()).collect())
}

fn body_of(item: &CommandItem) -> String {
    item.body.as_ref().map_or_else(|| "{}".to_owned(), |body| body.get().to_owned())
}

/// What is wrong with an atomic call, unless its caller may not give one of its items at all: that is said first.
async fn after_permissions(asking: &Asking, items: &[Box<RawValue>], problem: Problem) -> Problem {
    if problem.status != StatusCode::BAD_REQUEST && problem.status != StatusCode::NOT_FOUND {
        return problem;
    }
    let caller = match asking.read().await {
        Ok(reading) => reading.caller,
        Err(refused) => return refused,
    };
    let lacking = items.iter().enumerate().find_map(|(index, item)| {
        let item: Members = body::read(item.get().as_bytes()).ok()?;
        let permission = asking.find(&item.text("operation")?)?.permission()?;
        (!caller.may(permission)).then_some((index, permission))
    });
    match lacking {
        Some((index, permission)) => at_item(index, Problem::of_denied(Denied::Lacks(permission))),
        None => problem,
    }
}

/// All items as one command.
async fn run_all(
    asking: &Asking,
    items: &[Box<RawValue>],
    canonical: &str,
    dry_run: bool,
) -> Result<Response, Problem> {
    let (command, asked) = command_of(asking, items)?;
    if dry_run {
        let Reading { tx, caller } = asking.read().await?;
        if let Some(index) = asked.iter().position(|permission| !caller.may(*permission)) {
            return Err(at_item(index, Problem::of_denied(Denied::Lacks(asked[index]))));
        }
        let foreseen = foresee(&tx, &caller, &command).await?;
        return shown(&command, foreseen, tx.business_date).map(|view| Json(view).into_response());
    }
    let sent = Sent { path: String::new(), body: canonical.to_owned() };
    let key = asking.key(&sent)?;
    let mut permissions = asked.clone();
    permissions.sort_unstable();
    permissions.dedup();
    let reply = asking.app.lanes.submit(asking.order(permissions, Some(key), sent, command.into())).await;
    match reply {
        Reply::Denied(Denied::Lacks(lacking)) => {
            let index = asked.iter().position(|permission| *permission == lacking).unwrap_or_default();
            Err(at_item(index, Problem::of_denied(Denied::Lacks(lacking))))
        }
        other => respond(other),
    }
}

/// An atomic call that was held, read again, with what its items ask for.
pub fn held(asking: &Asking, body: &str) -> Result<(AnyCommand, Vec<Permission>), Problem> {
    let request: CommandsRequest = body::read(body.as_bytes())?;
    let (command, mut permissions) = command_of(asking, &request.items)?;
    permissions.sort_unstable();
    permissions.dedup();
    Ok((command.into(), permissions))
}

/// The items as one command, and what each asks for.
fn command_of(asking: &Asking, items: &[Box<RawValue>]) -> Result<(DeskCommand, Vec<Permission>), Problem> {
    let mut commands = Vec::with_capacity(items.len());
    let mut asked: Vec<Permission> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let Read { row, command, sent } = read_item(asking, item.get()).map_err(|problem| at_item(index, problem))?;
        let AnyCommand::Desk(command) = command else { return Err(Problem::internal()) };
        asked.extend(row.permission());
        commands.push(Item { command, sent });
    }
    Ok((DeskCommand::All(commands), asked))
}

fn read_item(asking: &Asking, text: &str) -> Result<Read, Problem> {
    let item: CommandItem = body::read(text.as_bytes())?;
    if item.key.is_some() {
        let detail =
            "an atomic call is one command: its key stands in the header Idempotency-Key, and its items have none";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "command.key_of_item", detail).at(
            "/key",
            "command.key_of_item",
            detail,
        ));
    }
    let path = path_of(asking, &item)?;
    read(asking, &item.operation, &path, &body_of(&item)).map_err(in_body)
}

/// The problem of a command as that of the item that holds it.
fn in_body(mut problem: Problem) -> Problem {
    for error in problem.errors.iter_mut().filter(|error| error.pointer != "/operation") {
        error.pointer = format!("/body{}", error.pointer);
    }
    problem
}

/// The problem of an item as that of the call, with the place of the item.
fn at_item(index: usize, mut problem: Problem) -> Problem {
    if problem.errors.is_empty() {
        let (code, detail) = (problem.code, problem.detail.clone());
        return problem.at(format!("/items/{index}"), code, detail);
    }
    for error in &mut problem.errors {
        error.pointer = format!("/items/{index}{}", error.pointer);
    }
    problem
}
