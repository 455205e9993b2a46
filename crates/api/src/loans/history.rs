//! What happened to a loan: its transactions, which are the events that moved money, and all its events.

use edge::answer::Json;
use edge::cursor::{self, List, PageQuery};
use edge::problem::Problem;
use edge::request::{Id, Parameters};
use edge::route::get;
use edge::wire::Day;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kernel::amount::Amount;
use kernel::permission::Permission;
use loans::event::{Event, EventKind, EventName};
use loans::position::cash_leg;
use loans::record::{Parts, RecordedEvent};
use loans::replay::{Applied, Replayed};
use loans::store::read;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::asking::Reading;
use crate::loans::show::{found, replayed};
use crate::loans::views::{TransactionFigures, TransactionView, parts_of};
use crate::operation::{Access, Operation, parameters, schema};

pub const OPERATIONS: &[Operation] = &[
    Operation::get("/v1/loans/{id}/transactions", "loan_transaction.list", Access::Needs(Permission::LoanRead), || {
        get(transactions)
    })
    .about("Loans", "Events that moved money, by value date")
    .query(parameters::<PageQuery>)
    .answers(200, schema::<List<TransactionView>>),
    Operation::get("/v1/loans/{id}/events", "loan_event.list", Access::Needs(Permission::LoanRead), || get(events))
        .about("Loans", "All events, in the order in which they became known")
        .query(parameters::<PageQuery>)
        .answers(200, schema::<List<EventView>>),
];

#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    id: Uuid,
    number: i32,
    kind: EventName,
    on: Day,
    booked_on: Day,
    channel: Option<String>,
    receipt: Option<String>,
    reason: Option<String>,
    reverses: Option<Uuid>,
    journal_entry_id: Option<Uuid>,
    recorded_at: DateTime<Utc>,
}

async fn transactions(
    reading: Reading,
    id: Id,
    query: Parameters<PageQuery>,
) -> Result<Json<List<TransactionView>>, Problem> {
    let filter = format!("transactions {}", id.0);
    let page = query.0.page(&filter)?;
    let record = found(&reading, id).await?;
    let (events, replayed) = replayed(&reading, &record, None).await?;
    let mut moved: Vec<&RecordedEvent> = events.iter().filter(|known| moves_money(known.event.kind)).collect();
    moved.sort_by_key(|known| (known.event.value_on, known.number));
    let known = Known::of(&events, &replayed);
    let mut balance = Amount::ZERO;
    // A page in the middle needs the balance that all before it left.
    let figures = moved.into_iter().map(|event| {
        let figures = known.figures(event);
        balance += match event.event.kind {
            EventKind::Disbursed { amount, .. } if figures.reversed_by.is_none() => amount,
            _ => -figures.parts.principal,
        };
        (event, TransactionFigures { balance, ..figures })
    });
    let view = |row: &(&RecordedEvent, TransactionFigures)| TransactionView::of(row.0, &row.1, record.currency);
    cursor::cut(figures.collect(), &page, &filter, |row| row.0.event.id, view).map(Json)
}

fn moves_money(kind: EventKind) -> bool {
    matches!(kind, EventKind::Disbursed { .. } | EventKind::Repaid { .. } | EventKind::Reversed { .. })
}

/// What a loan's events are to each other: one pass over them, so that a long history costs no more than its length.
struct Known<'a> {
    by_id: HashMap<Uuid, &'a Event>,
    /// Which event was reversed, and by which event.
    reversed: HashMap<Uuid, Uuid>,
    applied: HashMap<Uuid, &'a Applied>,
}

impl<'a> Known<'a> {
    fn of(events: &'a [RecordedEvent], replayed: &'a Replayed) -> Known<'a> {
        let reversal = |known: &RecordedEvent| match known.event.kind {
            EventKind::Reversed { reverses } => Some((reverses, known.event.id)),
            _ => None,
        };
        Known {
            by_id: events.iter().map(|known| (known.event.id, &known.event)).collect(),
            reversed: events.iter().filter_map(reversal).collect(),
            applied: replayed.applied.iter().map(|(id, applied)| (*id, applied)).collect(),
        }
    }

    /// How the money of an event is split now. What was reversed has no parts: it never happened.
    fn figures(&self, known: &RecordedEvent) -> TransactionFigures {
        let event = &known.event;
        let reversed_by = self.reversed.get(&event.id).copied();
        let lines = self.applied.get(&event.id).map(|applied| applied.allocated.as_slice()).unwrap_or_default();
        let split = Parts::of(lines.iter().map(|line| (line.part, line.amount)));
        let original = match event.kind {
            EventKind::Reversed { reverses } => self.by_id.get(&reverses).map(|original| **original),
            _ => None,
        };
        TransactionFigures {
            amount: cash_leg(event, original.as_slice()).abs(),
            parts: if reversed_by.is_some() { Parts::default() } else { parts_of(event.kind, split) },
            balance: Amount::ZERO,
            reversed_by,
        }
    }
}

async fn events(reading: Reading, id: Id, query: Parameters<PageQuery>) -> Result<Json<List<EventView>>, Problem> {
    let filter = format!("events {}", id.0);
    let page = query.0.page(&filter)?;
    let record = found(&reading, id).await?;
    let events = read::events_of_loans(&reading.tx, &[record.id]).await?.remove(&record.id).unwrap_or_default();
    cursor::cut(events, &page, &filter, |known| known.event.id, EventView::of).map(Json)
}

impl EventView {
    fn of(known: &RecordedEvent) -> EventView {
        EventView {
            id: known.event.id,
            number: known.number,
            kind: known.event.kind.name(),
            on: Day(known.event.value_on),
            booked_on: Day(known.event.booked_on),
            channel: known.channel.clone(),
            receipt: known.receipt.clone(),
            reason: known.reason.clone(),
            reverses: match known.event.kind {
                EventKind::Reversed { reverses } => Some(reverses),
                _ => None,
            },
            journal_entry_id: known.entry_id,
            recorded_at: known.recorded_at,
        }
    }
}
