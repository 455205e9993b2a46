//! Recording an event: what every action on an approved loan does.
//!
//! Load the loans of the batch under their locks; say for each command which event it would be; book the event, which changes
//! the loan in memory, so that the second command on a loan sees the first; save everything in one round trip.
//! What is booked is the difference of two positions and the event's own cash leg, whatever the event is.

use std::collections::HashMap;

use chrono::NaiveDate;
use db::caller::{Caller, Denied, Scope};
use db::fault::Fault;
use db::tx::Tx;
use kernel::amount::Amount;
use kernel::plain_amount::PlainAmount;
use ledger::books::Books;
use ledger::draft::Draft;
use ledger::slots::Channel;
use uuid::Uuid;

use crate::actions::dates::{self, NotTaken};
use crate::allocation::{Part, Reallocated, reallocated};
use crate::error::LoanError;
use crate::event::{Event, EventKind, EventName, Impossible, check};
use crate::in_part;
use crate::loan::{EventKey, Loan, replay};
use crate::position::{Position, cash_leg, difference, position};
use crate::postings::{self, Booking};
use crate::record::{LoanRecord, LoanSummary};
use crate::store::{self, LoadedLoans, RecordedEvent};
use crate::store_write::{self, Touched, Written};

/// An event that a command asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub kind: Option<EventKind>,
    pub value_on: Option<NaiveDate>,
    pub channel: Option<Channel>,
    pub receipt: Option<String>,
    pub reason: Option<String>,
}

/// What was recorded, as the caller sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    pub event: RecordedEvent,
    pub parts: Parts,
    /// The money that the event moved: positive in both directions.
    pub amount: Amount,
    /// Principal owed after it.
    pub balance: Amount,
    pub loan: LoanSummary,
    pub draft: Option<Draft>,
}

/// How an event's money was split.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    pub principal: Amount,
    pub interest: Amount,
    pub fees: Amount,
    pub penalties: Amount,
    pub overpaid: Amount,
}

impl Parts {
    pub fn of(lines: impl Iterator<Item = (Part, Amount)>) -> Parts {
        let mut parts = Parts::default();
        for (part, amount) in lines {
            match part {
                Part::Principal => parts.principal += amount,
                Part::Interest => parts.interest += amount,
                Part::Fees => parts.fees += amount,
                Part::Penalties => parts.penalties += amount,
                Part::Overpaid => parts.overpaid += amount,
            }
        }
        parts
    }
}

/// A batch of events on its way: loaded, decided one by one, then saved.
#[derive(Debug)]
pub struct Recording {
    pub loans: LoadedLoans,
    pub books: Books,
    pub backdating_limit: Option<i32>,
    histories: HashMap<Uuid, Vec<RecordedEvent>>,
    receipts_taken: Vec<String>,
    written: Written,
}

/// Why an event is not recorded.
#[derive(Debug)]
pub enum NotRecorded {
    /// The transaction that the command names is not one of the loan's.
    Absent,
    Denied(Denied),
    Refused(LoanError),
    Fault(Fault),
}

impl From<LoanError> for NotRecorded {
    fn from(error: LoanError) -> Self {
        NotRecorded::Refused(error)
    }
}

impl From<Fault> for NotRecorded {
    fn from(fault: Fault) -> Self {
        NotRecorded::Fault(fault)
    }
}

impl From<NotTaken> for NotRecorded {
    fn from(not_taken: NotTaken) -> Self {
        match not_taken {
            NotTaken::Denied(denied) => NotRecorded::Denied(denied),
            NotTaken::Refused(error) => NotRecorded::Refused(error),
        }
    }
}

/// What a command says of its loan before anything is loaded.
#[derive(Debug, Clone, Copy)]
pub struct Concern<'a> {
    pub loan_id: Uuid,
    pub scope: Scope,
    /// The event that it would be.
    pub name: EventName,
    /// The value date, where the command names one.
    pub value_on: Option<NaiveDate>,
    /// The money that it would pay in.
    pub pays: Option<PlainAmount>,
    pub receipt: Option<&'a str>,
}

impl Recording {
    /// Locks and loads all loans of a batch.
    pub async fn load(tx: &Tx, concerns: &[Concern<'_>]) -> Result<Recording, Fault> {
        let wanted: Vec<(Uuid, Scope)> = concerns.iter().map(|concern| (concern.loan_id, concern.scope)).collect();
        let named = concerns.iter().filter_map(|concern| concern.value_on).min();
        let from = named.map_or(tx.business_date, |value_on| value_on.min(tx.business_date));
        let receipts: Vec<&str> = concerns.iter().filter_map(|concern| concern.receipt).collect();
        let (mut loans, books, backdating_limit, receipts_taken) = futures::try_join!(
            store::loans_for_update(tx, &wanted, from),
            Books::read(tx),
            // Only who dates back needs it.
            async { if from < tx.business_date { dates::backdating_limit(tx).await } else { Ok(None) } },
            store_write::receipts_taken(tx, &receipts),
        )?;
        let back: Vec<Uuid> = looking_back(tx, concerns, &loans);
        let histories = if back.is_empty() { HashMap::new() } else { store::events_of_loans(tx, &back).await? };
        let short = falling_short(tx, concerns, &loans);
        store::load_to_the_end(tx, &mut loans, &short, from).await?;
        Ok(Recording { loans, books, backdating_limit, histories, receipts_taken, written: Written::default() })
    }

    /// The events of a loan that a command looks back on.
    pub fn history(&self, loan_id: Uuid) -> &[RecordedEvent] {
        self.histories.get(&loan_id).map(Vec::as_slice).unwrap_or_default()
    }

    /// Books one event in memory: the loan changes, and the rows to save are noted.
    pub fn book(&mut self, tx: &Tx, caller: &Caller, loan_id: Uuid, wish: Wish) -> Result<Recorded, NotRecorded> {
        if let Some(receipt) = &wish.receipt
            && self.receipts_taken.contains(receipt)
        {
            return Err(LoanError::ReceiptTaken(receipt.clone()).into());
        }
        let value_on = wish.value_on.unwrap_or(tx.business_date);
        let kind = wish.kind.ok_or_else(|| Fault::Invariant("a wish without an event".into()))?;
        let event = Event { id: tx.new_id(), value_on, booked_on: tx.business_date, kind };
        let record = self.loans.record_mut(loan_id)?;
        let known = self.histories.get(&loan_id).map(Vec::as_slice);
        let history = known.map(|known| known.iter().map(|known| known.event).collect::<Vec<_>>());
        let booked = apply(record, history.as_deref(), &event, tx.business_date)?;
        let original = original(&event, known.unwrap_or_default());
        let happened = Happened { event: &event, record, booked: &booked, channel: wish.channel, original };
        let draft = happened.draft(tx.new_id(), caller.user_id, &self.books)?;
        record.version += 1;
        record.settle_status();
        let recorded = RecordedEvent {
            event,
            loan_id,
            number: record.version,
            channel: wish.channel.map(|channel| channel.as_str().to_owned()),
            receipt: wish.receipt,
            reason: wish.reason,
            entry_id: draft.as_ref().map(|draft| draft.heading().id),
            user_id: caller.user_id,
            recorded_at: tx.now,
        };
        if let Some(history) = self.histories.get_mut(&loan_id) {
            history.push(recorded.clone());
        }
        self.receipts_taken.extend(recorded.receipt.clone());
        let own =
            booked.lines.iter().filter(|line| line.event == event.id).map(|line| (line.line.part, line.line.amount));
        let result = Recorded {
            parts: Parts::of(own),
            amount: booked.cash.abs(),
            balance: record.loan.principal_outstanding(),
            loan: record.summary(tx.business_date),
            event: recorded.clone(),
            draft: draft.clone(),
        };
        self.written.note(recorded, booked.lines, booked.touched, draft);
        Ok(result)
    }

    /// Saves what was booked, in one round trip, and says it in the outbox.
    pub async fn save(self, tx: &mut Tx) -> Result<(), Fault> {
        let writings = self.written.writings(tx, &self.loans)?;
        tx.carry_out(&writings).await
    }

    /// The same with the commit: for an action that has nothing to write after it.
    pub fn save_with_commit(self, tx: &mut Tx) -> Result<(), Fault> {
        let writings = self.written.writings(tx, &self.loans)?;
        tx.carry_out_last(writings);
        Ok(())
    }
}

/// The loans whose commands cannot be decided from the state alone: reversals, and events that come before one that is
/// recorded, or before another of the same batch.
fn looking_back(tx: &Tx, concerns: &[Concern<'_>], loans: &LoadedLoans) -> Vec<Uuid> {
    // Every id that this batch will make comes after this one; an event of a server whose clock is ahead may not.
    let probe = tx.new_id();
    let mut newest: HashMap<Uuid, Option<EventKey>> = HashMap::new();
    let mut back: Vec<Uuid> = Vec::new();
    for concern in concerns {
        let last = || loans.get(concern.loan_id).and_then(|record| record.loan.last);
        let newest = newest.entry(concern.loan_id).or_insert_with(last);
        let key = EventKey::new(concern.value_on.unwrap_or(tx.business_date), concern.name, probe);
        if concern.name == EventName::Reversed || newest.is_some_and(|newest| key < newest) {
            back.push(concern.loan_id);
        }
        *newest = (*newest).max(Some(key));
    }
    back.sort_unstable();
    back.dedup();
    back
}

/// The loans whose payments in this batch end behind the instalments that are held.
fn falling_short(tx: &Tx, concerns: &[Concern<'_>], loans: &LoadedLoans) -> Vec<Uuid> {
    let mut payments: HashMap<Uuid, Vec<(NaiveDate, Amount)>> = HashMap::new();
    for concern in concerns {
        let Some(record) = loans.get(concern.loan_id).filter(|record| loans.is_held(record.id)) else { continue };
        let payments = payments.entry(concern.loan_id).or_default();
        // An amount that the currency does not have, or that is not positive, is refused later and pays nothing.
        if let Some(Ok(amount)) = concern.pays.map(|amount| amount.in_currency(record.currency))
            && amount.is_positive()
        {
            payments.push((concern.value_on.unwrap_or(tx.business_date), amount));
        }
    }
    let falls_short = |id: &Uuid, payments: &[(NaiveDate, Amount)]| {
        loans.get(*id).is_some_and(|record| !in_part::suffices(&record.loan, payments, tx.business_date))
    };
    payments.into_iter().filter(|(id, payments)| falls_short(id, payments)).map(|(id, _)| id).collect()
}

/// What an event did to the loan in memory.
struct Booked {
    change: Position,
    cash: Amount,
    lines: Vec<Reallocated>,
    touched: Touched,
}

/// The event applied. With a history it is checked against and replayed with all of it; without, it must follow the last one.
fn apply(
    record: &mut LoanRecord,
    history: Option<&[Event]>,
    event: &Event,
    clock: NaiveDate,
) -> Result<Booked, NotRecorded> {
    let before = position(&record.loan, clock);
    let (loan, lines) = match history {
        None if record.loan.is_followed_by(event) => {
            let mut loan = record.loan.clone();
            let applied = loan.apply(event);
            refuse_impossible(applied.impossible, record)?;
            let lines = applied.allocated.into_iter().map(|line| Reallocated { event: event.id, line }).collect();
            (loan, lines)
        }
        // An event of another server's clock may sort after ours on the same day: the batch is run again with the history.
        None => {
            return Err(Fault::Invariant(format!(
                "the event {} does not follow and its history is not loaded",
                event.id
            ))
            .into());
        }
        Some(history) => {
            let agreement = &record.loan.agreement;
            let replayed = check(agreement, history, event).map_err(|broken| refusal_of(broken, event))?;
            let lines = reallocated(&replay(agreement, history).applied, &replayed.applied);
            (replayed.loan, lines)
        }
    };
    let change = difference(&position(&loan, clock), &before);
    let touched = touched(&record.loan, &loan, history.is_some(), &lines);
    if touched == Touched::New {
        record.schedule_version += 1;
    }
    record.loan = loan;
    Ok(Booked { change, cash: cash_leg(event, history.unwrap_or_default()), lines, touched })
}

/// A payment touches the instalments that it pays; a settlement, or a look back, may touch any.
fn touched(before: &Loan, after: &Loan, looked_back: bool, lines: &[Reallocated]) -> Touched {
    if (before.disbursed_on, before.principal) != (after.disbursed_on, after.principal) {
        Touched::New
    } else if looked_back || before.settled != after.settled {
        Touched::All
    } else {
        Touched::Some(lines.iter().filter_map(|line| line.line.instalment).collect())
    }
}

fn refuse_impossible(impossible: Option<Impossible>, record: &LoanRecord) -> Result<(), LoanError> {
    match impossible {
        None => Ok(()),
        Some(Impossible::AboveApproved { approved }) => {
            Err(LoanError::AboveApproved { approved, currency: record.currency })
        }
        Some(Impossible::NotDisbursed) => Err(LoanError::NotActive(record.status)),
        Some(Impossible::NotApproved | Impossible::AlreadyApproved | Impossible::AlreadyDisbursed) => {
            Err(LoanError::WrongStatus { found: record.status, wanted: "in the state that this needs" })
        }
        Some(_) => Err(LoanError::NotReversible),
    }
}

fn refusal_of(broken: crate::event::HistoryWouldBreak, event: &Event) -> LoanError {
    match broken.why {
        Impossible::AlreadyReversed if broken.event == event.id => LoanError::ReversedAlready,
        Impossible::ReversesReversal | Impossible::NothingToReverse if broken.event == event.id => {
            LoanError::NotReversible
        }
        // Nobody knows the id of an event that is not recorded.
        why if broken.event == event.id => LoanError::ImpossibleThen(why),
        _ => LoanError::HistoryWouldBreak(broken),
    }
}

/// What happened, as its entry tells it.
struct Happened<'a> {
    event: &'a Event,
    record: &'a LoanRecord,
    booked: &'a Booked,
    channel: Option<Channel>,
    /// The event that it takes back.
    original: Option<&'a RecordedEvent>,
}

impl Happened<'_> {
    fn draft(&self, entry_id: Uuid, user_id: Uuid, books: &Books) -> Result<Option<Draft>, Fault> {
        // A reversal moves the money back the way it came.
        let came_by = || self.original?.channel.as_deref()?.parse().ok();
        let booking = Booking {
            entry_id,
            event: entry_event(self.event.kind.name()),
            loan_id: self.record.id,
            product_id: self.record.product_id,
            branch_id: self.record.branch_id,
            currency: self.record.currency,
            booked_on: self.event.booked_on,
            value_on: self.event.value_on,
            user_id,
            reverses: self.original.and_then(|original| original.entry_id),
            change: &self.booked.change,
            cash: self.booked.cash,
            channel: self.channel.or_else(came_by),
        };
        postings::draft(&booking, books)
    }
}

/// The event that another takes back.
fn original<'a>(event: &Event, history: &'a [RecordedEvent]) -> Option<&'a RecordedEvent> {
    let EventKind::Reversed { reverses } = event.kind else { return None };
    history.iter().find(|known| known.event.id == reverses)
}

fn entry_event(name: EventName) -> &'static str {
    match name {
        EventName::Approved => postings::APPROVED,
        EventName::ApprovalLapsed => postings::LAPSED,
        EventName::Disbursed => postings::DISBURSED,
        EventName::Repaid => postings::REPAID,
        EventName::Renegotiated => "loan.renegotiated",
        EventName::Reversed => postings::REVERSED,
    }
}
