//! `/v1/journal-entries`

use access::permission::Permission;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use db::lane::{Answer, Asked, OutcomeOf};
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::currency::Currency;
use ledger::journal::{Entry, EntryHead, EntryLine};
use ledger::manual::{ManualLine, PostManualEntry, waits_for_approval};
use ledger::reversal::ReverseEntry;
use ledger::store_journal::JournalFilter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::asking::{Asking, Reading};
use crate::body::{Body, Id, Parameters};
use crate::cursor::{self, List};
use crate::ledger::account_lines::debit;
use crate::operation::{Access, Operation, schema};
use crate::preview::{WarningView, foreseen};
use crate::problem::Problem;
use crate::render;
use crate::wire::{AmountText, Code, CurrencyCode, Day, DryRun, Name, new_id};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/journal-entries", "list_journal_entries", Access::Needs(Permission::JournalRead), || get(list))
        .about("Ledger", "Entries of your branches, the newest day first")
        .query(schema::<EntryQuery>)
        .answers(200, schema::<List<EntryHeadView>>),
    Operation::post("/v1/journal-entries", "post_journal_entry", Access::Needs(Permission::JournalPost), || {
        post(write)
    })
    .about("Ledger", "Post an entry by hand; above the institution's limit it waits for a second person")
    .query(schema::<DryRun>)
    .takes(
        schema::<EntryRequest>,
        r#"{"branch_id": "0198c0de-0000-7000-8000-000000000001", "description": "Rent of March",
                "lines": [{"account": "5310", "debit": "200.00"}, {"account": "1040", "credit": "200.00"}]}"#,
    )
    .answers(201, schema::<EntryView>),
    Operation::get("/v1/journal-entries/{id}", "get_journal_entry", Access::Needs(Permission::JournalRead), || {
        get(show)
    })
    .about("Ledger", "One entry with its lines")
    .answers(200, schema::<EntryView>),
    Operation::post(
        "/v1/journal-entries/{id}/reverse",
        "reverse_journal_entry",
        Access::Needs(Permission::JournalPost),
        || post(reverse),
    )
    .about("Ledger", "Take back an entry that was posted by hand: booked today, with the value date of the original")
    .query(schema::<DryRun>)
    .takes(schema::<ReversalRequest>, r#"{"description": "Rent of March was posted twice"}"#)
    .answers(201, schema::<EntryView>),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryQuery {
    /// The branch with all below it.
    branch_id: Option<Uuid>,
    booked_from: Option<Day>,
    booked_to: Option<Day>,
    limit: Option<i64>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
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
    #[schemars(length(min = 2, max = 200))]
    lines: Vec<LineRequest>,
}

/// Exactly one of debit and credit, above zero.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LineRequest {
    /// The account's code.
    account: Code,
    /// Left out: the entry's.
    branch_id: Option<Uuid>,
    debit: Option<AmountText>,
    credit: Option<AmountText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversalRequest {
    id: Option<Uuid>,
    /// Left out: made from that of the entry.
    description: Option<Name>,
}

#[derive(Debug, Serialize, JsonSchema)]
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
    /// The entry that it takes back.
    reverses: Option<Uuid>,
    /// The entry that takes it back.
    reversed_by: Option<Uuid>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryView {
    #[serde(flatten)]
    head: EntryHeadView,
    lines: Vec<LineView>,
}

/// What would happen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EntryPreviewView {
    dry_run: bool,
    /// Whether it would wait for a second person first.
    held: bool,
    #[serde(flatten)]
    entry: EntryView,
    warnings: Vec<WarningView>,
}

#[derive(Debug, Serialize, JsonSchema)]
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
    fn of(entry: &Entry) -> EntryView {
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

async fn write(asking: Asking, dry_run: Parameters<DryRun>, body: Body<EntryRequest>) -> Result<Response, Problem> {
    let request = body.value;
    let currency = request.currency.map_or(asking.app.base_currency, |currency| currency.0);
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
    if dry_run.0.is_wanted() {
        let (tx, entry) = foreseen(&asking, &command).await?;
        return preview(&tx, &entry, command.total()).await;
    }
    asking.submit(&asking.app.lanes.post_manual_entry, &body.canonical, command).await
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

async fn reverse(
    asking: Asking,
    id: Id,
    dry_run: Parameters<DryRun>,
    body: Body<ReversalRequest>,
) -> Result<Response, Problem> {
    let request = body.value;
    let command = ReverseEntry {
        entry_id: id.0,
        id: new_id(request.id)?,
        description: request.description.map(|description| description.0),
    };
    if dry_run.0.is_wanted() {
        let (tx, entry) = foreseen(&asking, &command).await?;
        return preview(&tx, &entry, entry.total()).await;
    }
    asking.submit(&asking.app.lanes.reverse_entry, &body.canonical, command).await
}

async fn preview(tx: &Tx, entry: &Entry, total: Amount) -> Result<Response, Problem> {
    let held = match entry.lines.first() {
        Some(line) => waits_for_approval(tx, line.currency, total).await?,
        None => false,
    };
    let EntryHead { value_on, booked_on, .. } = entry.head;
    let mut warnings = Vec::from_iter(WarningView::of_days(value_on, booked_on));
    if booked_on < tx.business_date {
        let detail = format!("it changes what was reported of {booked_on} and the days since");
        warnings.push(WarningView::new("booked_earlier", detail));
    }
    Ok(Json(EntryPreviewView { dry_run: true, held, entry: EntryView::of(entry), warnings }).into_response())
}

pub fn posted(asked: &Asked<'_, PostManualEntry>, outcome: &OutcomeOf<PostManualEntry>) -> Answer {
    render::answer(asked, outcome, StatusCode::CREATED, |entry| (entry.head.id, EntryView::of(entry)))
}

pub fn reversed(asked: &Asked<'_, ReverseEntry>, outcome: &OutcomeOf<ReverseEntry>) -> Answer {
    render::answer(asked, outcome, StatusCode::CREATED, |entry| (entry.head.id, EntryView::of(entry)))
}
