//! Recording an event: what every action on an approved loan does.
//!
//! The event changes the loan in memory, so that the second command on a loan sees the first. What is booked is the difference of two
//! positions and the event's own cash leg, whatever the event is.

use chrono::NaiveDate;
use db::caller::{Caller, Denied};
use db::deciding::NotDone;
use db::fault::Fault;
use kernel::amount::Amount;
use kernel::currency::Currency;
use kernel::permission::Permission;
use ledger::books::Books;
use ledger::draft::Draft;
use ledger::slots::Channel;
use serde_json::json;
use uuid::Uuid;

use crate::action::AtLoans;
use crate::error::LoanError;
use crate::event::{Event, EventKind, EventName, HistoryWouldBreak, Impossible};
use crate::loan::{Loan, Settlement};
use crate::position::{Position, cash_leg, difference, position};
use crate::postings::{self, Booking};
use crate::record::{LoanRecord, LoanStatus, Parts, Recorded, RecordedEvent};
use crate::replay::{Reallocated, check, reallocated, replay};
use crate::store::write::Touched;

/// An event that a command asks for.
#[derive(Debug, Clone)]
pub struct Wish {
    pub kind: EventKind,
    pub value_on: NaiveDate,
    pub channel: Option<Channel>,
    pub receipt: Option<String>,
    pub reason: Option<String>,
}

impl Wish {
    pub fn of(kind: EventKind, value_on: NaiveDate) -> Wish {
        Wish { kind, value_on, channel: None, receipt: None, reason: None }
    }
}

impl AtLoans<'_> {
    /// The value date of a command: the open day where none is given. Never in the future; in the past with the permission and within
    /// the institution's limit. `pointer` is where it stands in the request.
    pub(crate) fn value_date(
        &self,
        given: Option<NaiveDate>,
        caller: &Caller,
        pointer: &'static str,
    ) -> Result<NaiveDate, NotDone> {
        let business_date = self.sheet.today.business_date;
        let value_on = given.unwrap_or(business_date);
        if value_on > business_date {
            return Err(LoanError::InTheFuture { value_on, business_date, pointer }.into());
        }
        if value_on == business_date {
            return Ok(value_on);
        }
        if !caller.may(Permission::BackDate) {
            return Err(NotDone::Denied(Denied::Lacks(Permission::BackDate)));
        }
        match self.sheet.settings.backdating_limit_days {
            Some(days) if (business_date - value_on).num_days() > i64::from(days) => {
                Err(LoanError::BackDatedTooFar { value_on, days, pointer }.into())
            }
            _ => Ok(value_on),
        }
    }

    /// Books one event in memory: the loan changes, and the rows to write are noted.
    pub(crate) fn record(&mut self, caller: &Caller, loan_id: Uuid, wish: Wish) -> Result<Recorded, NotDone> {
        if let Some(receipt) = &wish.receipt
            && self.loans.is_receipt_taken(receipt)
        {
            return Err(LoanError::ReceiptTaken(receipt.clone()).into());
        }
        let today = self.sheet.today;
        let (id, entry_id) = (self.sheet.new_id(), self.sheet.new_id());
        let event = Event { id, value_on: wish.value_on, booked_on: today.business_date, kind: wish.kind };
        let known = self.loans.history(loan_id);
        let history = known.map(|known| known.iter().map(|known| known.event).collect::<Vec<_>>());
        let original = original(&event, known.unwrap_or_default()).cloned();
        let record = self.loans.change(loan_id)?;
        let booked = apply(record, history.as_deref(), &event, today.business_date)?;
        record.version += 1;
        record.settle_status();
        let record = &*record;
        let happened = Happened { event: &event, record, booked: &booked, channel: wish.channel, original };
        let draft = happened.draft(entry_id, caller.user_id, &self.sheet.books)?;
        let recorded = RecordedEvent {
            event,
            loan_id,
            number: record.version,
            channel: wish.channel.map(|channel| channel.as_str().to_owned()),
            receipt: wish.receipt,
            reason: wish.reason,
            entry_id: draft.as_ref().map(|draft| draft.heading().id),
            command_id: Some(self.sheet.command_id()),
            user_id: caller.user_id,
            recorded_at: today.now,
        };
        let own =
            booked.lines.iter().filter(|line| line.event == event.id).map(|line| (line.line.part, line.line.amount));
        let result = Recorded {
            parts: Parts::of(own),
            amount: booked.cash.abs(),
            balance: record.loan.principal_outstanding(),
            loan: record.summary(today.business_date),
            event: recorded.clone(),
        };
        self.loans.note(recorded, booked.lines, booked.touched);
        draft.into_iter().for_each(|draft| self.sheet.book(draft));
        let told = json!({"event_id": event.id, "value_on": event.value_on});
        self.sheet.tell(entry_event(event.kind.name()), loan_id, told);
        Ok(result)
    }
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
) -> Result<Booked, NotDone> {
    let (before, shape) = (position(&record.loan, clock), Shape::of(&record.loan));
    let lines = match history {
        // What is refused falls back with the command, so the loan itself takes the step.
        None if record.loan.is_followed_by(event) => {
            let status = record.status;
            let applied = record.loan.apply(event);
            refuse_impossible(applied.impossible, status, record.currency)?;
            applied.allocated.into_iter().map(|line| Reallocated { event: event.id, line }).collect()
        }
        None => {
            let why = format!("the event {} does not follow the last one, and the history was not read", event.id);
            return Err(Fault::Invariant(why).into());
        }
        Some(history) => {
            let agreement = &record.loan.agreement;
            let replayed = check(agreement, history, event).map_err(|broken| refusal_of(broken, event))?;
            let lines = reallocated(&replay(agreement, history).applied, &replayed.applied);
            record.loan = replayed.loan;
            lines
        }
    };
    let change = difference(&position(&record.loan, clock), &before);
    let touched = shape.touched(&record.loan, history.is_some(), &lines);
    if touched == Touched::New {
        record.schedule_version += 1;
    }
    Ok(Booked { change, cash: cash_leg(event, history.unwrap_or_default()), lines, touched })
}

/// What of a loan says which instalments an event touches.
struct Shape {
    disbursed: (Option<NaiveDate>, Amount),
    settled: Option<Settlement>,
}

impl Shape {
    fn of(loan: &Loan) -> Shape {
        Shape { disbursed: (loan.disbursed_on, loan.principal), settled: loan.settled }
    }

    /// A payment touches the instalments that it pays; a settlement, or a look back, may touch any.
    fn touched(&self, after: &Loan, looked_back: bool, lines: &[Reallocated]) -> Touched {
        if self.disbursed != (after.disbursed_on, after.principal) {
            Touched::New
        } else if looked_back || self.settled != after.settled {
            Touched::All
        } else {
            Touched::Some(lines.iter().filter_map(|line| line.line.instalment).collect())
        }
    }
}

fn refuse_impossible(impossible: Option<Impossible>, found: LoanStatus, currency: Currency) -> Result<(), LoanError> {
    match impossible {
        None => Ok(()),
        Some(Impossible::AboveApproved { approved }) => Err(LoanError::AboveApproved { approved, currency }),
        Some(Impossible::NotDisbursed) => Err(LoanError::NotActive(found)),
        Some(Impossible::NotApproved | Impossible::AlreadyApproved | Impossible::AlreadyDisbursed) => {
            Err(LoanError::WrongStatus { found, wanted: "in the state that this needs" })
        }
        Some(_) => Err(LoanError::NotReversible),
    }
}

fn refusal_of(broken: HistoryWouldBreak, event: &Event) -> LoanError {
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
    /// The event that it reverses.
    original: Option<RecordedEvent>,
}

impl Happened<'_> {
    fn draft(&self, entry_id: Uuid, user_id: Uuid, books: &Books) -> Result<Option<Draft>, Fault> {
        // A reversal moves the money back the way it came.
        let came_by = || self.original.as_ref()?.channel.as_deref()?.parse().ok();
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
            reverses: self.original.as_ref().and_then(|original| original.entry_id),
            change: &self.booked.change,
            cash: self.booked.cash,
            channel: self.channel.or_else(came_by),
        };
        postings::draft(&booking, books)
    }
}

/// The event that another reverses.
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
        EventName::Renegotiated => postings::RENEGOTIATED,
        EventName::Reversed => postings::REVERSED,
    }
}
