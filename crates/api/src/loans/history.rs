//! What happened to a loan: its transactions, which are the events that moved money, and all its events.

use access::permission::Permission;
use axum::Json;
use axum::routing::get;
use chrono::{DateTime, Utc};
use kernel::amount::Amount;
use loans::actions::record::Parts;
use loans::event::{Event, EventKind, EventName};
use loans::loan::Replayed;
use loans::store::{self, RecordedEvent};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::asking::Reading;
use crate::body::Id;
use crate::cursor::List;
use crate::loans::show::{found, replayed};
use crate::loans::views::{TransactionFigures, TransactionView, parts_of};
use crate::operation::{Access, Operation, schema};
use crate::problem::Problem;
use crate::wire::{Day, Word};

pub const OPERATIONS: &[Operation] = &[
    Operation::get(
        "/v1/loans/{id}/transactions",
        "list_loan_transactions",
        Access::Needs(Permission::LoanRead),
        || get(transactions),
    )
    .about("Loans", "Events that moved money, by value date")
    .answers(200, schema::<List<TransactionView>>),
    Operation::get("/v1/loans/{id}/events", "list_loan_events", Access::Needs(Permission::LoanRead), || get(events))
        .about("Loans", "All events, in the order in which they became known")
        .answers(200, schema::<List<EventView>>),
];

#[derive(Debug, Serialize, JsonSchema)]
pub struct EventView {
    id: Uuid,
    number: i32,
    kind: Word<EventName>,
    on: Day,
    booked_on: Day,
    channel: Option<String>,
    receipt: Option<String>,
    reason: Option<String>,
    reverses: Option<Uuid>,
    journal_entry_id: Option<Uuid>,
    recorded_at: DateTime<Utc>,
}

async fn transactions(reading: Reading, id: Id) -> Result<Json<List<TransactionView>>, Problem> {
    let record = found(&reading, id).await?;
    let (events, replayed) = replayed(&reading, &record, None).await?;
    let mut moved: Vec<&RecordedEvent> = events.iter().filter(|known| moves_money(known.event.kind)).collect();
    moved.sort_by_key(|known| (known.event.value_on, known.number));
    let mut balance = Amount::ZERO;
    let data = moved
        .into_iter()
        .map(|known| {
            let figures = figures(known, &events, &replayed);
            balance += match known.event.kind {
                EventKind::Disbursed { amount, .. } if figures.reversed_by.is_none() => amount,
                _ => -figures.parts.principal,
            };
            TransactionView::of(known, &TransactionFigures { balance, ..figures }, record.currency)
        })
        .collect();
    Ok(Json(List { data, next_cursor: None }))
}

fn moves_money(kind: EventKind) -> bool {
    matches!(kind, EventKind::Disbursed { .. } | EventKind::Repaid { .. } | EventKind::Reversed { .. })
}

/// How the money of an event is split now. What was reversed has no parts: it never happened.
fn figures(known: &RecordedEvent, events: &[RecordedEvent], replayed: &Replayed) -> TransactionFigures {
    let reversed_by = events
        .iter()
        .find(|other| matches!(other.event.kind, EventKind::Reversed { reverses } if reverses == known.event.id))
        .map(|other| other.event.id);
    let applied = replayed.applied.iter().find(|(event, _)| *event == known.event.id);
    let lines = applied.map(|(_, applied)| applied.allocated.as_slice()).unwrap_or_default();
    let split = Parts::of(lines.iter().map(|line| (line.part, line.amount)));
    let history: Vec<Event> = events.iter().map(|other| other.event).collect();
    TransactionFigures {
        amount: loans::position::cash_leg(&known.event, &history).abs(),
        parts: if reversed_by.is_some() { Parts::default() } else { parts_of(known.event.kind, split) },
        balance: Amount::ZERO,
        reversed_by,
    }
}

async fn events(reading: Reading, id: Id) -> Result<Json<List<EventView>>, Problem> {
    let record = found(&reading, id).await?;
    let events = store::events_of_loans(&reading.tx, &[record.id]).await?.remove(&record.id).unwrap_or_default();
    let data = events
        .into_iter()
        .map(|known| EventView {
            id: known.event.id,
            number: known.number,
            kind: Word(known.event.kind.name()),
            on: Day(known.event.value_on),
            booked_on: Day(known.event.booked_on),
            channel: known.channel,
            receipt: known.receipt,
            reason: known.reason,
            reverses: match known.event.kind {
                EventKind::Reversed { reverses } => Some(reverses),
                _ => None,
            },
            journal_entry_id: known.entry_id,
            recorded_at: known.recorded_at,
        })
        .collect();
    Ok(Json(List { data, next_cursor: None }))
}
