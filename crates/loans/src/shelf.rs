//! The loans that a batch has in memory, each locked, with what their commands look at, and what is to be written of them.
//!
//! `take` locks and reads all of them in one round trip; `look_further` reads what only some need: histories, and instalments behind
//! the first few. Everything falls back with the command that changed it: rows by their copies, lists by their length.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use db::caller::Scope;
use db::deciding::NotDone;
use db::fault::Fault;
use db::shelf::Rows;
use db::tx::{Locking, Tx, Writing};
use kernel::amount::Amount;
use org::numbers::{self, Sequence};
use org::places::Places;
use uuid::Uuid;

use crate::event::EventName;
use crate::in_part;
use crate::loan::EventKey;
use crate::product::Product;
use crate::record::{Application, LoanRecord, RecordedEvent};
use crate::replay::Reallocated;
use crate::store::write::{self, Saved, Touched};
use crate::store::{applications, products, read};
use crate::touch::{self, LoanTouch, Need};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct LoanShelf {
    loans: Rows<LoanRecord>,
    applications: Rows<Application>,
    products: HashMap<Uuid, Product>,
    held: HashSet<Uuid>,
    /// Which scope sees which loan.
    visible: HashSet<(Uuid, Scope)>,
    /// Ids that loans have already.
    taken: HashSet<Uuid>,
    /// Numbers for new loans; a dry run draws none.
    numbers: Vec<String>,
    /// How many of them are used.
    numbered: usize,
    /// All events of the loans that a command looks back on, in the order in which they became known.
    histories: HashMap<Uuid, Vec<RecordedEvent>>,
    /// Receipt numbers that are used, also by this batch.
    receipts: Vec<String>,
    /// Loans that the batch makes.
    made: Vec<Uuid>,
    events: Vec<RecordedEvent>,
    allocations: Vec<(Uuid, Reallocated)>,
    touched: Vec<(Uuid, Touched)>,
}

/// Where a shelf falls back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanMark {
    receipts: usize,
    made: usize,
    numbered: usize,
    events: usize,
    allocations: usize,
    touched: usize,
}

impl LoanShelf {
    /// Locks the loans that commands name, each within its caller's scope, and reads them with the few instalments that money from
    /// the value date on can reach.
    pub async fn take(tx: &Tx, touches: &[LoanTouch<'_>]) -> Result<LoanShelf, Fault> {
        if touches.is_empty() {
            return Ok(LoanShelf::default());
        }
        let (new, standing): (Vec<&LoanTouch<'_>>, Vec<&LoanTouch<'_>>) =
            touches.iter().partition(|touch| touch.need == Need::New);
        let wanted: Vec<(Uuid, Scope)> = standing.iter().map(|touch| (touch.id, touch.scope)).collect();
        let from = touch::from_of(tx.business_date, touches);
        let receipts: Vec<&str> = touches.iter().filter_map(|touch| touch.receipt).collect();
        let applied: Vec<Uuid> = standing.iter().filter(|touch| touch.application).map(|touch| touch.id).collect();
        let ids: Vec<Uuid> = new.iter().map(|touch| touch.id).collect();
        let offered: Vec<Uuid> = new.iter().filter_map(|touch| touch.product_id).collect();
        let decided: Vec<Uuid> =
            standing.iter().filter(|touch| touch.event == Some(EventName::Approved)).map(|touch| touch.id).collect();
        // Sent together, carried out in this order: what is read is read after the locks.
        let (loaded, receipts, applications, products, taken, numbers) = futures::try_join!(
            read::loans_for_update(tx, &wanted, &from),
            write::receipts_taken(tx, &receipts),
            applications::applications_by_loans(tx, &applied),
            products::products_of(tx, &offered, &decided),
            applications::loan_ids_taken(tx, &ids),
            draw_numbers(tx, ids.len()),
        )?;
        let mut shelf = LoanShelf {
            products,
            held: loaded.held,
            visible: loaded.visible,
            taken,
            numbers,
            receipts,
            ..LoanShelf::default()
        };
        loaded.records.into_iter().for_each(|(id, record)| shelf.loans.load(id, record));
        applications.into_iter().for_each(|(id, application)| shelf.applications.load(id, application));
        Ok(shelf)
    }

    /// For decisions that are tried without a database: no loan yet, products to apply for, and numbers.
    pub fn of(products: Vec<Product>, numbers: Vec<String>) -> LoanShelf {
        let products = products.into_iter().map(|product| (product.id, product)).collect();
        LoanShelf { products, numbers, ..LoanShelf::default() }
    }

    /// The same loans, as another batch finds them: with all that was recorded of them.
    pub fn found_again(&self, scope: Scope) -> LoanShelf {
        let mut shelf = LoanShelf { products: self.products.clone(), ..LoanShelf::default() };
        for (id, record) in self.loans.iter() {
            shelf.held.insert(id);
            shelf.visible.insert((id, scope));
            shelf.loans.load(id, record.clone());
            shelf.histories.insert(id, self.events.iter().filter(|known| known.loan_id == id).cloned().collect());
        }
        for (id, application) in self.applications.iter() {
            shelf.applications.load(id, application.clone());
        }
        shelf.receipts = self.receipts.clone();
        shelf
    }

    /// The newest event of each loan here: new ids come after it.
    pub fn last_events(&self) -> impl Iterator<Item = Uuid> {
        self.loans.iter().filter_map(|(_, record)| record.loan.last.map(|last| last.id))
    }

    /// Reads what only some of the loans need: the history of those that a command looks back on, and all instalments of those whose
    /// money reaches further than what was read. `least_id`: no id of this batch sorts before it.
    pub async fn look_further(&mut self, tx: &Tx, touches: &[LoanTouch<'_>], least_id: Uuid) -> Result<(), Fault> {
        let back = self.looking_back(tx, touches, least_id);
        if !back.is_empty() {
            self.histories = read::events_of_loans(tx, &back).await?;
            // A loan without an event has a history too: an empty one.
            for id in back {
                self.histories.entry(id).or_default();
            }
        }
        let short = self.falling_short(tx, touches);
        if !short.is_empty() {
            let from = touch::from_of(tx.business_date, touches);
            let mut instalments = read::instalments_to_the_end(tx, &short, &from).await?;
            for id in short {
                if let Some(mut record) = self.loans.get(id).cloned() {
                    record.loan.instalments = instalments.remove(&id).unwrap_or_default();
                    self.loans.load(id, record);
                }
            }
        }
        Ok(())
    }

    /// The loans whose commands cannot be decided from the state alone: reversals, and events that come before one that is recorded, or
    /// before another of the same batch.
    fn looking_back(&self, tx: &Tx, touches: &[LoanTouch<'_>], least_id: Uuid) -> Vec<Uuid> {
        let mut newest: HashMap<Uuid, Option<EventKey>> = HashMap::new();
        let mut back: Vec<Uuid> = Vec::new();
        for touch in touches.iter().filter(|touch| touch.need != Need::New) {
            let Some(name) = touch.event else { continue };
            let last = || self.loans.get(touch.id).and_then(|record| record.loan.last);
            let newest = newest.entry(touch.id).or_insert_with(last);
            let key = EventKey::new(touch.value_on.unwrap_or(tx.business_date), name, least_id);
            if touch.need == Need::History || newest.is_some_and(|newest| key < newest) {
                back.push(touch.id);
            }
            *newest = (*newest).max(Some(key));
        }
        back.sort_unstable();
        back.dedup();
        back
    }

    /// The loans whose payments in this batch end behind the instalments that were read.
    fn falling_short(&self, tx: &Tx, touches: &[LoanTouch<'_>]) -> Vec<Uuid> {
        let mut payments: HashMap<Uuid, Vec<(NaiveDate, Amount)>> = HashMap::new();
        for touch in touches {
            let held = self.loans.get(touch.id).filter(|_| self.held.contains(&touch.id));
            let Some(record) = held else { continue };
            let payments = payments.entry(touch.id).or_default();
            // An amount that the currency does not have, or that is not positive, is refused later and pays nothing.
            if let Some(Ok(amount)) = touch.pays.map(|amount| amount.in_currency(record.currency))
                && amount.is_positive()
            {
                payments.push((touch.value_on.unwrap_or(tx.business_date), amount));
            }
        }
        let falls_short = |id: &Uuid, payments: &[(NaiveDate, Amount)]| {
            self.loans.get(*id).is_some_and(|record| !in_part::suffices(&record.loan, payments, tx.business_date))
        };
        payments.into_iter().filter(|(id, payments)| falls_short(id, payments)).map(|(id, _)| id).collect()
    }

    /// Whether another transaction has locked any row that is seen here.
    pub fn misses_some(&self) -> bool {
        self.visible.iter().any(|(id, _)| !self.held.contains(id))
    }

    /// Whether the loan is there for this scope and another transaction has locked it.
    pub fn is_locked_elsewhere(&self, id: Uuid, scope: Scope) -> bool {
        self.visible.contains(&(id, scope)) && !self.held.contains(&id)
    }

    /// A loan that the scope sees.
    pub fn find(&self, id: Uuid, scope: &Scope, places: &Places) -> Result<&LoanRecord, NotDone> {
        let record = self.loans.get(id).ok_or(NotDone::Absent)?;
        let is_own = || scope.officer_id.is_none() || record.officer_id == scope.officer_id;
        let is_made = || self.made.contains(&id) && places.covers(scope, record.branch_id) && is_own();
        match self.visible.contains(&(id, *scope)) || is_made() {
            true => Ok(record),
            false => Err(NotDone::Absent),
        }
    }

    /// The branches of the loans here.
    pub fn branches(&self) -> impl Iterator<Item = Uuid> {
        self.loans.iter().map(|(_, loan)| loan.branch_id)
    }

    pub fn branch_of(&self, id: Uuid) -> Option<Uuid> {
        self.loans.get(id).map(|loan| loan.branch_id)
    }

    /// A loan that a command has found, to be changed.
    pub(crate) fn change(&mut self, id: Uuid) -> Result<&mut LoanRecord, Fault> {
        self.loans.change(id).ok_or_else(|| Fault::Invariant(format!("the loan {id} is not on the shelf")))
    }

    /// What was applied for.
    pub(crate) fn application(&self, loan_id: Uuid) -> Result<&Application, Fault> {
        self.applications.get(loan_id).ok_or_else(|| missing_application(loan_id))
    }

    pub(crate) fn change_application(&mut self, loan_id: Uuid) -> Result<&mut Application, Fault> {
        self.applications.change(loan_id).ok_or_else(|| missing_application(loan_id))
    }

    pub(crate) fn product(&self, id: Uuid) -> Option<&Product> {
        self.products.get(&id)
    }

    /// The events of a loan that a command looks back on; `None`: it follows the last one.
    pub fn history(&self, loan_id: Uuid) -> Option<&[RecordedEvent]> {
        self.histories.get(&loan_id).map(Vec::as_slice)
    }

    pub(crate) fn is_receipt_taken(&self, receipt: &str) -> bool {
        self.receipts.iter().any(|taken| taken == receipt)
    }

    pub(crate) fn is_id_taken(&self, id: Uuid) -> bool {
        self.taken.contains(&id) || self.loans.get(id).is_some()
    }

    /// The number of the next new loan; empty in a dry run.
    pub(crate) fn next_number(&mut self) -> String {
        self.numbered += 1;
        self.numbers.get(self.numbered - 1).cloned().unwrap_or_default()
    }

    pub(crate) fn insert(&mut self, record: LoanRecord, application: Application) {
        self.made.push(record.id);
        self.applications.insert(record.id, application);
        self.loans.insert(record.id, record);
    }

    /// Notes an event for writing.
    pub(crate) fn note(&mut self, event: RecordedEvent, lines: Vec<Reallocated>, touched: Touched) {
        self.receipts.extend(event.receipt.clone());
        self.allocations.extend(lines.into_iter().map(|line| (event.loan_id, line)));
        self.touched.push((event.loan_id, touched));
        if let Some(history) = self.histories.get_mut(&event.loan_id) {
            history.push(event.clone());
        }
        self.events.push(event);
    }

    pub fn mark(&self) -> LoanMark {
        LoanMark {
            receipts: self.receipts.len(),
            made: self.made.len(),
            numbered: self.numbered,
            events: self.events.len(),
            allocations: self.allocations.len(),
            touched: self.touched.len(),
        }
    }

    pub fn keep(&mut self) {
        self.loans.keep();
        self.applications.keep();
    }

    pub fn fall_back(&mut self, mark: LoanMark) {
        self.loans.fall_back();
        self.applications.fall_back();
        for event in self.events.drain(mark.events..) {
            if let Some(history) = self.histories.get_mut(&event.loan_id) {
                history.pop();
            }
        }
        self.receipts.truncate(mark.receipts);
        self.made.truncate(mark.made);
        self.numbered = mark.numbered;
        self.allocations.truncate(mark.allocations);
        self.touched.truncate(mark.touched);
    }

    /// The statements that save what was made and changed, the same few however many loans.
    pub fn put_back(&self, tx: &Tx) -> Result<Vec<Writing>, Fault> {
        let made: Vec<(&LoanRecord, &Application)> =
            self.made.iter().filter_map(|id| self.loans.get(*id).zip(self.applications.get(*id))).collect();
        let new = |id: &Uuid| self.made.contains(id);
        // What was made is inserted as it was applied for; what was decided about it in the same batch comes on top.
        let is_decided = |one: &Application| one.approved_on.is_some() || one.closed_reason.is_some();
        let applications = self.applications.changed().into_iter().map(|(_, one)| one);
        let applications: Vec<&Application> = applications.filter(|one| is_decided(one)).collect();
        let approved: HashSet<Uuid> = self
            .events
            .iter()
            .filter(|known| known.event.kind.name() == EventName::Approved)
            .map(|known| known.loan_id)
            .collect();
        let mut writings = applications::loans_insert(tx.today(), &made)?;
        let changed: Vec<&LoanRecord> = self.loans.changed().into_iter().map(|(_, record)| record).collect();
        let saved = Saved {
            changed: changed.into_iter().filter(|record| !new(&record.id) || record.version > 1).collect(),
            made: &self.made,
            events: &self.events,
            allocations: &self.allocations,
            touched: &self.touched,
        };
        writings.extend(saved.writings(tx.today())?);
        let approved: Vec<&LoanRecord> = approved.into_iter().filter_map(|id| self.loans.get(id)).collect();
        writings.extend(applications::loans_update_instalments(&approved)?);
        writings.extend(applications::applications_decide(&applications));
        Ok(writings)
    }
}

async fn draw_numbers(tx: &Tx, count: usize) -> Result<Vec<String>, Fault> {
    match tx.locking == Locking::None || count == 0 {
        true => Ok(Vec::new()),
        false => Ok(numbers::draw(tx, Sequence::Loan, count).await?),
    }
}

fn missing_application(loan_id: Uuid) -> Fault {
    Fault::Invariant(format!("the application of the loan {loan_id} is missing"))
}
