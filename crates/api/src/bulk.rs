//! Many commands in one request. Each item is read by its operation's row, carries its own key, and is decided on its own, the same as
//! if it had been sent alone; an item that cannot be read is that item's 400.

use db::keys::Key;
use db::lane::{Answer, Order, Reply, Sent};
use futures::StreamExt;
use futures::stream;
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::asking::{Asking, problem_of};
use crate::given::{Given, joined};
use crate::operation::{Operation, Repeat};
use crate::problem::Problem;

/// How many items of a call a lane has at a time; the time that a command may wait begins then.
const AT_ONCE: usize = 512;

/// One item, as it was sent.
#[derive(Debug)]
pub struct BulkItem {
    pub key: String,
    pub operation: String,
    pub path: Vec<String>,
    /// JSON.
    pub body: String,
}

/// What became of an item.
#[derive(Debug)]
pub struct Told {
    pub status: u16,
    pub replayed: bool,
    /// JSON: the answer, or the problem.
    pub body: String,
    /// Whether the caller may not give such a command at all.
    pub denied: bool,
}

/// A command of an item, with the row of its operation.
#[derive(Debug)]
pub struct Read {
    pub row: &'static Operation,
    pub command: AnyCommand,
    pub sent: Sent,
}

/// Reads an item as the single call would: only commands that repeat by key and are read by their row have a place here.
pub fn read(asking: &Asking, operation: &str, path: &[String], body: &str) -> Result<Read, Problem> {
    let row = asking.find(operation).filter(|row| row.repeat == Repeat::ByKey);
    let Some((row, parse)) = row.and_then(|row| row.command.map(|parse| (row, parse))) else {
        return Err(not_here(operation));
    };
    let parsed: serde_json::Value =
        serde_json::from_str(body).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    let command = parse(&Given { path, body, base_currency: asking.app.base_currency })?;
    if !matches!(command, AnyCommand::Desk(_)) {
        return Err(not_here(operation));
    }
    Ok(Read { row, command, sent: Sent { path: joined(path), body: parsed.to_string() } })
}

fn not_here(operation: &str) -> Problem {
    Problem::new(
        axum::http::StatusCode::UNPROCESSABLE_ENTITY,
        "command.not_here",
        format!("{operation:.60} is no command about a client or about money that repeats by its key: send it alone"),
    )
    .at("/operation", "command.not_here", "not a command that can be sent here")
}

/// Hands all items to the desk and returns what became of each, in their order.
pub async fn give_all(asking: &Asking, items: Vec<BulkItem>) -> Vec<Told> {
    let replies = items.into_iter().map(|item| give_one(asking, item));
    stream::iter(replies).buffered(AT_ONCE).collect().await
}

async fn give_one(asking: &Asking, item: BulkItem) -> Told {
    let request_id = asking.actor.request_id;
    let Read { row, command, sent } = match read(asking, &item.operation, &item.path, &item.body) {
        Ok(read) => read,
        Err(problem) => return Told::of_problem(&problem, request_id),
    };
    let key = Key::of(asking.actor.namespace, &item.key, row.id, &sent.path, &sent.body);
    let order = Order {
        actor: asking.actor.clone(),
        is_bulk: true,
        permissions: row.permission().into_iter().collect(),
        key: Some(key),
        sent: Some(sent),
        command,
    };
    match asking.app.lanes.submit(order).await {
        Reply::Answer(Answer { status, body, replayed, .. }) => Told { status, replayed, body, denied: false },
        other => {
            let denied = matches!(other, Reply::Denied(_));
            Told { denied, ..Told::of_problem(&problem_of(&other), request_id) }
        }
    }
}

impl Told {
    fn of_problem(problem: &Problem, request_id: Uuid) -> Told {
        Told { status: problem.status.as_u16(), replayed: false, body: problem.body(request_id), denied: false }
    }
}
