//! `/v1/journal-entries`

use chrono::{DateTime, Utc};
use edge::answer::Json;
use edge::cursor::{self, List};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use edge::wire::{AmountText, Code, CurrencyCode, Day, Name, new_id};
use flows::desk_command::DeskCommand;
use kernel::currency::Currency;
use kernel::permission::Permission;
use ledger::command::EntryCommand;
use ledger::journal::{Entry, EntryHead, EntryLine};
use ledger::manual::{ManualLine, PostManualEntry};
use ledger::reversal::ReverseEntry;
use ledger::store_journal::JournalFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::app::AnyCommand;
use crate::asking::Reading;
use crate::given::Given;
use crate::ledger::account_lines::debit;
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/journal-entries", "journal_entry.list", Access::Needs(Permission::JournalRead), || get(list))
        .about("Ledger", "Entries of your branches, the newest day first")
        .query(parameters::<EntryQuery>)
        .answers(200, schema::<List<EntryHeadView>>),
    Operation::command("/v1/journal-entries", "journal_entry.post", Access::Needs(Permission::JournalPost), write)
        .about("Ledger", "Post an entry by hand; above the institution's limit it waits for a second person")
        .takes(
            schema::<EntryRequest>,
            r#"{"branch_id": "0198c0de-0000-7000-8000-000000000001", "description": "Rent of March",
                "lines": [{"account": "5310", "debit": "200.00"}, {"account": "1040", "credit": "200.00"}]}"#,
        )
        .answers(201, schema::<EntryView>),
    Operation::get("/v1/journal-entries/{id}", "journal_entry.get", Access::Needs(Permission::JournalRead), || {
        get(show)
    })
    .about("Ledger", "One entry with its lines")
    .answers(200, schema::<EntryView>),
    Operation::command(
        "/v1/journal-entries/{id}/reverse",
        "journal_entry.reverse",
        Access::Needs(Permission::JournalPost),
        reverse,
    )
    .about("Ledger", "Reverse an entry that was posted by hand: booked today, with the value date of the original")
    .takes(schema::<ReversalRequest>, r#"{"description": "Rent of March was posted twice"}"#)
    .answers(201, schema::<EntryView>),
];

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct EntryQuery {
    /// The branch with all below it.
    branch_id: Option<Uuid>,
    booked_from: Option<Day>,
    booked_to: Option<Day>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryRequest {
    id: Option<Uuid>,
    /// A day of an open month. Left out: the open business day.
    booked_on: Option<Day>,
    /// Left out: the day of booking.
    value_on: Option<Day>,
    branch_id: Uuid,
    description: Name,
    /// Left out: the institution's.
    currency: Option<CurrencyCode>,
    #[schema(min_items = 2, max_items = 200)]
    lines: Vec<LineRequest>,
}

/// Exactly one of debit and credit, above zero.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequest {
    /// The account's code.
    account: Code,
    /// Left out: the entry's.
    branch_id: Option<Uuid>,
    debit: Option<AmountText>,
    credit: Option<AmountText>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalRequest {
    id: Option<Uuid>,
    /// Left out: made from that of the entry.
    description: Option<Name>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EntryHeadView {
    id: Uuid,
    booked_on: Day,
    value_on: Day,
    branch_id: Uuid,
    /// What caused it: manual, or the event of a product.
    event: String,
    /// The loan, or another record, that it is about.
    subject_id: Option<Uuid>,
    /// Of manual entries.
    description: Option<String>,
    line_count: i32,
    user_id: Uuid,
    recorded_at: DateTime<Utc>,
    /// The entry that it reverses.
    reverses: Option<Uuid>,
    /// The entry that reverses it.
    reversed_by: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EntryView {
    #[serde(flatten)]
    head: EntryHeadView,
    lines: Vec<LineView>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    line: i16,
    account: String,
    account_name: String,
    branch_id: Uuid,
    currency: CurrencyCode,
    debit: String,
    credit: String,
    product_id: Option<Uuid>,
    subject_id: Option<Uuid>,
}

impl EntryHeadView {
    fn of(head: &EntryHead) -> EntryHeadView {
        EntryHeadView {
            id: head.id,
            booked_on: Day(head.booked_on),
            value_on: Day(head.value_on),
            branch_id: head.branch_id,
            event: head.event.clone(),
            subject_id: head.subject_id,
            description: head.description.clone(),
            line_count: head.line_count,
            user_id: head.user_id,
            recorded_at: head.recorded_at,
            reverses: head.reverses,
            reversed_by: head.reversed_by,
        }
    }
}

impl EntryView {
    pub fn of(entry: &Entry) -> EntryView {
        EntryView { head: EntryHeadView::of(&entry.head), lines: entry.lines.iter().map(LineView::of).collect() }
    }
}

impl LineView {
    fn of(line: &EntryLine) -> LineView {
        LineView {
            line: line.line_no,
            account: line.account.clone(),
            account_name: line.account_name.clone(),
            branch_id: line.branch_id,
            currency: CurrencyCode(line.currency),
            debit: debit(line.amount).format(line.currency),
            credit: debit(-line.amount).format(line.currency),
            product_id: line.product_id,
            subject_id: line.subject_id,
        }
    }
}

async fn list(reading: Reading, query: Parameters<EntryQuery>) -> Result<Json<List<EntryHeadView>>, Problem> {
    let query = query.0;
    let bound = format!("{:?} {:?} {:?}", query.branch_id, query.booked_from, query.booked_to);
    let page = cursor::page(query.limit, query.cursor.as_deref(), &bound)?;
    let filter = JournalFilter {
        branch_id: query.branch_id,
        booked_from: query.booked_from.map(|day| day.0),
        booked_to: query.booked_to.map(|day| day.0),
    };
    let rows = ledger::store_journal::entries_page(&reading.tx, &reading.caller.scope, &filter, &page).await?;
    Ok(Json(cursor::list(rows, &bound, |head| EntryHeadView::of(&head))))
}

async fn show(reading: Reading, id: Id) -> Result<Json<EntryView>, Problem> {
    let entry = ledger::store_journal::find_entry(&reading.tx, id.0, &reading.caller.scope).await?;
    entry.map(|entry| Json(EntryView::of(&entry))).ok_or_else(Problem::not_found)
}

fn write(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: EntryRequest = given.body()?;
    let currency = request.currency.map_or(given.base_currency, |currency| currency.0);
    let lines: Result<Vec<ManualLine>, Problem> =
        request.lines.into_iter().enumerate().map(|(index, line)| line_of(line, index, currency)).collect();
    let command = PostManualEntry {
        id: new_id(request.id)?,
        booked_on: request.booked_on.map(|day| day.0),
        value_on: request.value_on.map(|day| day.0),
        branch_id: request.branch_id,
        description: request.description.0,
        currency,
        lines: lines?,
    };
    Ok(DeskCommand::Entry(EntryCommand::Post(command)).into())
}

fn line_of(line: LineRequest, index: usize, currency: Currency) -> Result<ManualLine, Problem> {
    let read = |amount: Option<AmountText>, side: &str| {
        amount.map(|amount| amount.read(currency, &format!("/lines/{index}/{side}"))).transpose()
    };
    Ok(ManualLine {
        debit: read(line.debit, "debit")?,
        credit: read(line.credit, "credit")?,
        account: line.account.0,
        branch_id: line.branch_id,
    })
}

fn reverse(given: &Given<'_>) -> Result<AnyCommand, Problem> {
    let request: ReversalRequest = given.body()?;
    let command = ReverseEntry {
        entry_id: given.id()?,
        id: new_id(request.id)?,
        description: request.description.map(|description| description.0),
    };
    Ok(DeskCommand::Entry(EntryCommand::Reverse(command)).into())
}
