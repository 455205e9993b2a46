//! Many commands in one request. Each item is read by its operation's row, carries its own key, and is decided on its own, the same as
//! if it had been sent alone; an item that cannot be read is that item's 400.

use std::sync::Arc;

use db::keys::Key;
use db::lane::{Answer, Order, Reply, Sent, Share};
use edge::problem::Problem;
use futures::StreamExt;
use futures::stream;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::asking::{Asking, is_key, problem_of};
use crate::given::{Given, joined};
use crate::operation::{Operation, Repeat};

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
    /// Whether it was read, and the caller may give such a command.
    pub given: bool,
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
        edge::answer::StatusCode::UNPROCESSABLE_ENTITY,
        "command.not_here",
        format!("{operation:.60} is no command about a client or about money that repeats by its key: send it alone"),
    )
    .at("/operation", "command.not_here", "not a command that can be sent here")
}

/// Hands all items to the desk and returns what became of each, in their order. One that could not be read brings its problem.
pub async fn give_all(asking: &Asking, items: Vec<Result<BulkItem, Problem>>) -> Result<Vec<Told>, Problem> {
    // On the runtime of the lanes: what one call brings is in the line before the lane looks, and so comes into one batch.
    // It ends with the call: items that still wait for a share are then not given.
    let told = AbortOnDropHandle::new(asking.app.main.spawn(told_of(asking.clone(), items)));
    let told = told.await.map_err(|_| Problem::internal())?;
    // A caller who may do none of it is refused as a whole.
    if !told.iter().any(|told| told.given) {
        asking.read().await?;
    }
    Ok(told)
}

/// What became of each item.
async fn told_of(asking: Asking, items: Vec<Result<BulkItem, Problem>>) -> Vec<Told> {
    let (lane, user_id) = (asking.app.lanes.desk.clone(), asking.actor.user_id);
    let asking = Arc::new(asking);
    // Shares are taken one after the other, so that commands on one row keep their order.
    let shared = stream::iter(items).then(move |item| {
        let lane = lane.clone();
        async move { (lane.share(user_id).await, item) }
    });
    shared.map(|(share, item)| give_one(asking.clone(), item, share)).buffered(AT_ONCE).collect().await
}

async fn give_one(asking: Arc<Asking>, item: Result<BulkItem, Problem>, share: Share) -> Told {
    let request_id = asking.actor.request_id;
    let read =
        item.and_then(|item| read(&asking, &item.operation, &item.path, &item.body).map(|read| (item.key, read)));
    let (key, Read { row, command, sent }) = match read {
        Ok(read) => read,
        Err(problem) => return Told::of_problem(&problem, request_id),
    };
    let key = Key::of(asking.actor.namespace, &key, row.id, &sent.path, &sent.body);
    let order = Order {
        actor: asking.actor.clone(),
        share: Some(share),
        permissions: row.permission().into_iter().collect(),
        key: Some(key),
        sent: Some(sent),
        command,
    };
    match asking.app.lanes.submit(order).await {
        Reply::Answer(Answer { status, body, replayed, .. }) => Told { status, replayed, body, given: true },
        other => {
            let given = !matches!(other, Reply::Denied(_));
            Told { given, ..Told::of_problem(&problem_of(&other), request_id) }
        }
    }
}

impl Told {
    fn of_problem(problem: &Problem, request_id: Uuid) -> Told {
        Told { status: problem.status.as_u16(), replayed: false, body: problem.body(request_id), given: false }
    }
}

/// The key of an item, where it is one.
pub fn key_of(key: Option<&str>) -> Result<String, Problem> {
    key.filter(|key| is_key(key)).map(str::to_owned).ok_or_else(|| {
        let detail = "a key has 1 to 255 visible ASCII characters";
        Problem::malformed(detail).at("/key", "field.invalid", detail)
    })
}
