//! Giving a command: the one handler of all that have a row with `command`, and their dry run.

use db::lane::{Outcome, Sent};
use edge::answer::{Json, Response, StatusCode};
use edge::body::RawBody;
use edge::problem::Problem;
use edge::request::Parameters;
use edge::wire::{CurrencyCode, DryRun};
use flows::desk::{Foreseen, foresee};
use flows::desk_command::{DeskCommand, DeskDone};
use ledger::books::Books;
use ledger::draft::DraftLine;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::{AnyCommand, App};
use crate::asking::{Asking, Reading};
use crate::body::Unread;
use crate::given::{Given, joined};
use crate::operation::Repeat;
use crate::render;
use crate::warnings::{WarningView, warnings};

/// What would happen: the answer of the command, the journal lines, and what should be seen before.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunView {
    dry_run: bool,
    /// Whether a second person would have to agree first.
    held: bool,
    /// As the command would answer. Numbers are drawn when it is carried out: here they are null.
    #[schema(value_type = Object)]
    answer: Value,
    lines: Vec<DryRunLine>,
    warnings: Vec<WarningView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunLine {
    account: String,
    account_name: String,
    branch_id: Uuid,
    currency: CurrencyCode,
    debit: String,
    credit: String,
}

/// Reads the command as its row says and hands it to its lane; or shows what it would do.
pub async fn give(
    app: App,
    asking: Asking,
    dry_run: Result<Parameters<DryRun>, Problem>,
    Unread(body): Unread,
) -> Result<Response, Problem> {
    let given = Given { path: &asking.path, body: &body.text, base_currency: app.base_currency };
    let parse = asking.operation.command.ok_or_else(Problem::internal)?;
    let command = match parse(&given) {
        Ok(command) => command,
        Err(problem) => return Err(refused(&asking, &body, problem)),
    };
    let dry_run = dry_run?.0;
    if dry_run.is_wanted() {
        // Where the row has no dry run, its parameter was refused before.
        let AnyCommand::Desk(command) = command else { return Err(Problem::internal()) };
        return show(&asking, &command).await;
    }
    asking.submit(&body.canonical, command).await
}

/// That the body cannot be read is said first; then that the key is missing; and last that the path names nothing.
fn refused(asking: &Asking, body: &RawBody, problem: Problem) -> Problem {
    if asking.operation.repeat != Repeat::ByKey || problem.status != StatusCode::NOT_FOUND {
        return problem;
    }
    let sent = Sent { path: joined(&asking.path), body: body.canonical.clone() };
    asking.key(&sent).err().unwrap_or(problem)
}

async fn show(asking: &Asking, command: &DeskCommand) -> Result<Response, Problem> {
    let Reading { tx, caller } = asking.read().await?;
    let foreseen = foresee(&tx, &caller, command).await?;
    shown(command, foreseen, tx.business_date).map(|view| Json(view).into_response())
}

/// A dry run as its caller sees it, or why the command would be refused.
pub fn shown(
    command: &DeskCommand,
    foreseen: Foreseen,
    business_date: chrono::NaiveDate,
) -> Result<DryRunView, Problem> {
    let done = match foreseen.outcome {
        Outcome::Done(done) => done,
        Outcome::Refused(refused) => return Err(Problem::of_refusal(refused.as_ref())),
        Outcome::Denied(denied) => return Err(Problem::of_denied(denied)),
        Outcome::Absent => return Err(Problem::not_found()),
        Outcome::Failed(fault) => return Err(fault.into()),
        Outcome::Held(_) | Outcome::Busy { .. } => return Err(Problem::unavailable()),
    };
    let lines = foreseen.drafts.iter().flat_map(|draft| draft.lines());
    Ok(DryRunView {
        dry_run: true,
        held: foreseen.held,
        answer: answer(command, &done),
        lines: lines.map(|line| DryRunLine::of(line, &foreseen.books)).collect(),
        warnings: warnings(&done, business_date),
    })
}

fn answer(command: &DeskCommand, done: &DeskDone) -> Value {
    let mut answer = serde_json::from_str(&render::view(command, done)).unwrap_or_default();
    without_numbers(&mut answer);
    answer
}

/// A number that was not drawn is null.
fn without_numbers(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if name == "number" && text.is_empty() => *member = Value::Null,
                    _ => without_numbers(member),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_numbers),
        _ => {}
    }
}

impl DryRunLine {
    fn of(line: &DraftLine, books: &Books) -> DryRunLine {
        let account = books.account(line.account_id);
        DryRunLine {
            account: account.map(|account| account.code.clone()).unwrap_or_default(),
            account_name: account.map(|account| account.name.clone()).unwrap_or_default(),
            branch_id: line.branch_id,
            currency: CurrencyCode(line.currency),
            debit: line.amount.or_zero().format(line.currency),
            credit: (-line.amount).or_zero().format(line.currency),
        }
    }
}
