//! The desk: one working set for all that is about a client or about money.
//!
//! A batch takes the rows of all its commands in one round trip, in the order of their classes (approval, client, loan), decides
//! each command in memory in the order of arrival, so that the second one on a row sees the first, and puts everything back with
//! one statement a table. Each decision is an attempt: what is refused, held or broken leaves the desk as it was.
//!
//! The desk knows all products; no product knows it.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use access::approvals::{Decided, Verdict};
use access::limits::limit_for;
use access::shelf::ApprovalShelf;
use clients::action::AtClients;
use clients::shelf::{ClientMark, ClientShelf};
use db::caller::{Caller, Scope, callers_by_ids};
use db::deciding::{Effect, Facts, Hold, NotDone};
use db::fault::Fault;
use db::ids::Ids;
use db::lane::{About, Answer, Asked, Command, Outcome, Part};
use db::tx::Tx;
use ledger::action::AtEntries;
use ledger::books::Books;
use ledger::draft::Draft;
use ledger::sheet::{DaySheet, SheetMark};
use ledger::shelf::EntryShelf;
use loans::action::AtLoans;
use loans::shelf::{LoanMark, LoanShelf};
use org::places::{Places, head_office};
use org::settings::Settings;
use uuid::Uuid;

use crate::atomic::{Item, at_item, at_place, described};
use crate::desk_command::{DeskCommand, DeskDone};
use crate::held::{self, Decide};
use crate::touches::Touches;
use crate::visible;

/// Whose word it is: what a second person approves is not held again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Maker,
    Approver,
}

/// The rows that a batch has in memory, and the sheet that it writes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Desk {
    pub sheet: DaySheet,
    approvals: ApprovalShelf,
    clients: ClientShelf,
    loans: LoanShelf,
    entries: EntryShelf,
    /// The makers of commands that second persons decide about.
    makers: HashMap<Uuid, Caller>,
}

/// What a command did on the desk, and what of it a second person may have to agree to.
struct Weighed {
    done: DeskDone,
    facts: Facts,
    /// The operation for which it is held.
    held_as: Option<&'static str>,
}

impl Weighed {
    fn settled(done: DeskDone) -> Weighed {
        Weighed { done, facts: Facts::default(), held_as: None }
    }
}

struct Mark {
    sheet: SheetMark,
    clients: ClientMark,
    loans: LoanMark,
    entries: usize,
}

impl Desk {
    /// Locks and reads what the commands of a batch touch.
    async fn take(tx: &Tx, touches: &Touches<'_>) -> Result<Desk, Fault> {
        // Sent together, carried out in this order: locks are taken class by class, and the clock is read after them.
        let (approvals, clients, loans, entries, at) = futures::try_join!(
            ApprovalShelf::take(tx, &touches.approvals),
            ClientShelf::take(tx, &touches.clients),
            LoanShelf::take(tx, &touches.loans),
            EntryShelf::take(tx, &touches.entries),
            tx.clock(),
        )?;
        let mut ids = Ids::starting_at(at);
        loans.last_events().for_each(|id| ids.begin_after(id));
        let (settings, books) = (Settings::known(tx).await?, Books::known(tx).await?);
        let sheet = DaySheet::new(tx.today(), settings, books, ids);
        let makers = HashMap::new();
        let mut desk = Desk { sheet, approvals, clients, loans, entries, makers };
        desk.look_further(tx, touches).await?;
        Ok(desk)
    }

    /// What only some commands need, and what is known only after the rows are read.
    async fn look_further(&mut self, tx: &Tx, touches: &Touches<'_>) -> Result<(), Fault> {
        self.loans.look_further(tx, &touches.loans, self.sheet.ids.least_next()).await?;
        let (mut branches, officers) = touches.places();
        branches.extend(self.clients.branches());
        branches.extend(self.entries.branches());
        // Only a call with a manual entry is held: who decides about it sees the loans in it as well.
        if !touches.entries.is_empty() {
            branches.extend(self.loans.branches());
        }
        if !branches.is_empty() || !officers.is_empty() {
            self.sheet.places = Places::read(tx, &branches, &officers).await?;
        }
        if !touches.makers.is_empty() {
            self.makers = callers_by_ids(tx, &touches.makers).await?;
        }
        Ok(())
    }

    fn mark(&self) -> Mark {
        Mark {
            sheet: self.sheet.mark(),
            clients: self.clients.mark(),
            loans: self.loans.mark(),
            entries: self.entries.mark(),
        }
    }

    /// Decides whole or not at all. Never nested: an atomic call and what a second person approves are one attempt.
    pub fn attempt<T>(&mut self, decide: impl FnOnce(&mut Desk) -> Result<T, NotDone>) -> Result<T, NotDone> {
        let mark = self.mark();
        let decided = catch_unwind(AssertUnwindSafe(|| decide(self)));
        let decided = decided.unwrap_or_else(|payload| {
            let text = payload.downcast_ref::<String>().cloned();
            let text = text.or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Err(NotDone::Fault(Fault::Panic(text.unwrap_or_else(|| "without words".to_owned()))))
        });
        match decided {
            Ok(_) => self.keep(),
            Err(_) => self.fall_back(mark),
        }
        decided
    }

    fn keep(&mut self) {
        self.approvals.keep();
        self.clients.keep();
        self.loans.keep();
        self.entries.keep();
    }

    fn fall_back(&mut self, mark: Mark) {
        self.approvals.fall_back();
        self.clients.fall_back(mark.clients);
        self.loans.fall_back(mark.loans);
        self.entries.fall_back(mark.entries);
        self.sheet.fall_back(mark.sheet);
    }

    /// Decides one command. Only inside an attempt.
    pub fn decide(&mut self, command: &DeskCommand, caller: &Caller, by: By) -> Result<DeskDone, NotDone> {
        let Weighed { done, facts, held_as } = self.weigh(command, caller, by)?;
        match held_as {
            Some(operation) => Err(NotDone::Held(Hold { operation, facts })),
            None => Ok(done),
        }
    }

    /// Carries a command out on the desk and says whether a second person has to agree first.
    fn weigh(&mut self, command: &DeskCommand, caller: &Caller, by: By) -> Result<Weighed, NotDone> {
        let sheet = &mut self.sheet;
        let (operation, effect) = match command {
            DeskCommand::Client(command) => {
                let effect = command.action().decide(&mut AtClients { clients: &mut self.clients, sheet }, caller)?;
                (command.action().about().operation, effect.map(|client| DeskDone::Client(Box::new(client))))
            }
            DeskCommand::Loan(command) => {
                let mut at = AtLoans { loans: &mut self.loans, clients: &self.clients, sheet };
                let effect = command.action().decide(&mut at, caller)?;
                (command.action().about().operation, effect.map(DeskDone::Loan))
            }
            DeskCommand::Entry(command) => {
                let effect = command.action().decide(&mut AtEntries { entries: &mut self.entries, sheet }, caller)?;
                (command.action().about().operation, effect.map(|entry| DeskDone::Entry(Box::new(entry))))
            }
            DeskCommand::Decide(decide) => return self.decide_held(decide, caller).map(Weighed::settled),
            DeskCommand::All(items) => return self.weigh_all(items, caller, by),
        };
        let Effect { done, facts } = effect;
        let limit = limit_for(operation, &facts, &self.sheet.settings).filter(|_| by == By::Maker);
        Ok(Weighed { done, facts, held_as: limit.map(|limit| limit.operation) })
    }

    /// The items in their order, each seeing those before it. The first that is refused refuses all, and one that is held holds all:
    /// who decides then reads of every item, sees the records of every item, and what is now known of each is kept.
    fn weigh_all(&mut self, items: &[Item], caller: &Caller, by: By) -> Result<Weighed, NotDone> {
        let mut done = Vec::with_capacity(items.len());
        let mut held: Option<(&'static str, Facts)> = None;
        let (mut branches, mut resolved, mut operations) = (Vec::new(), Vec::new(), Vec::new());
        for (index, item) in items.iter().enumerate() {
            // Each is a command of its own: all or nothing speaks of taking it in, not of reversing it.
            let command_id = self.sheet.new_id();
            self.sheet.begin(command_id);
            let one = self.weigh(&item.command, caller, by).map_err(|why| at_item(index, why))?;
            branches.extend(self.branches_of(&one.done));
            branches.extend(one.facts.branches.iter().copied());
            resolved.extend(at_place(index, &one.facts.resolved));
            match one.held_as.filter(|_| held.is_none()) {
                Some(operation) => held = Some((operation, one.facts)),
                None => operations.push(item.command.about().operation),
            }
            done.push((command_id, one.done));
        }
        let done = DeskDone::All(done);
        let Some((operation, first)) = held else { return Ok(Weighed::settled(done)) };
        let facts = Facts { branches, resolved, description: described(first.description, &operations), ..first };
        Ok(Weighed { done, facts, held_as: Some(operation) })
    }

    /// The branches of what a command made or changed, beside those that it names.
    fn branches_of(&self, done: &DeskDone) -> Option<Uuid> {
        match done {
            DeskDone::Client(client) => Some(client.branch_id),
            DeskDone::Loan(_) => done.record_id().and_then(|id| self.loans.branch_of(id)),
            DeskDone::Entry(_) | DeskDone::Decided(..) | DeskDone::All(_) => None,
        }
    }

    fn decide_held(&mut self, decide: &Decide<DeskCommand>, caller: &Caller) -> Result<DeskDone, NotDone> {
        let approval = held::may_decide(decide, &self.approvals, caller, self.sheet.today.now)?;
        let done = match (decide.verdict, &decide.held) {
            (Verdict::Rejected, _) => None,
            (Verdict::Approved, None) => {
                return Err(Fault::Invariant(format!("what the approval {} holds was not read", approval.id)).into());
            }
            (Verdict::Approved, Some(held)) => {
                let maker = held::maker(held, &self.makers, caller)?;
                Some(self.decide(&held.command, &maker, By::Approver)?)
            }
        };
        let result_id = done.as_ref().and_then(DeskDone::record_id);
        let decided = Decided { verdict: decide.verdict, by: caller.user_id, at: self.sheet.today.now, result_id };
        let approval = held::decide(&mut self.approvals, approval.id, decided)?;
        Ok(DeskDone::Decided(Box::new(approval), done.map(Box::new)))
    }

    /// Whether another transaction has locked any row of the batch: seldom, and looked at once.
    fn misses_some(&self) -> bool {
        self.approvals.misses_some() || self.clients.misses_some() || self.loans.misses_some()
    }

    /// Whether another transaction has locked a row of this command.
    fn is_locked_elsewhere(&self, command: &DeskCommand, scope: Scope) -> bool {
        let mut touches = Touches::default();
        touches.add(command, scope);
        touches.approvals.iter().any(|(id, scope)| self.approvals.is_locked_elsewhere(*id, *scope))
            || touches.clients.iter().any(|touch| self.clients.is_locked_elsewhere(touch.id, touch.scope))
            || touches.loans.iter().any(|touch| self.loans.is_locked_elsewhere(touch.id, touch.scope))
    }

    /// Writes everything with the commit, in one round trip.
    fn put_back(self, tx: &mut Tx) -> Result<(), Fault> {
        let mut writings = self.approvals.put_back(tx);
        writings.extend(self.clients.put_back(tx));
        writings.extend(self.loans.put_back(tx)?);
        writings.extend(self.sheet.put_back(tx)?);
        tx.carry_out_last(writings);
        Ok(())
    }
}

impl Command for DeskCommand {
    type Done = DeskDone;
    const LANE: &'static str = "desk";

    fn about(&self) -> About {
        DeskCommand::about(self)
    }

    fn parts(&self, done: &DeskDone) -> Vec<Part> {
        let (items, all) = match (self, done) {
            (DeskCommand::All(items), DeskDone::All(all)) => (items, all),
            (DeskCommand::Decide(decide), DeskDone::Decided(_, Some(done))) => {
                return decide.held.as_ref().map(|held| held.command.parts(done)).unwrap_or_default();
            }
            _ => return Vec::new(),
        };
        let part = |(item, (command_id, done)): (&Item, &(Uuid, DeskDone))| Part {
            command_id: *command_id,
            operation: item.command.about().operation,
            subject: done.record_id(),
        };
        items.iter().zip(all).map(part).collect()
    }

    async fn visible(tx: &Tx, stored: &[(Asked<'_, Self>, &Answer)]) -> Result<Vec<bool>, Fault> {
        visible::commands(tx, stored).await
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<DeskDone>>, Fault> {
        let mut desk = Desk::take(tx, &Touches::of(asked)).await?;
        let mut outcomes: Vec<Option<Outcome<DeskDone>>> = Vec::with_capacity(asked.len());
        let mut holds = Vec::new();
        // Rows that an earlier command of the batch waits for: no later one overtakes it.
        let mut waited_for: HashSet<Uuid> = HashSet::new();
        let misses_some = desk.misses_some();
        for (index, one) in asked.iter().enumerate() {
            let dragged = one.about.rows.iter().any(|row| waited_for.contains(row));
            if dragged || misses_some && desk.is_locked_elsewhere(one.command, one.caller.scope) {
                waited_for.extend(&one.about.rows);
                outcomes.push(Some(Outcome::Busy { dragged }));
                continue;
            }
            let decided = desk.attempt(|desk| {
                desk.sheet.begin(one.command_id);
                desk.decide(one.command, one.caller, By::Maker)
            });
            outcomes.push(match decided {
                Ok(done) => Some(Outcome::Done(done)),
                Err(NotDone::Held(hold)) => {
                    holds.push((index, hold));
                    None
                }
                Err(why) => Some(Outcome::from(why)),
            });
        }
        file_holds(tx, &mut desk, asked, holds, &mut outcomes).await?;
        desk.put_back(tx)?;
        let gap = || Fault::Invariant("a command was held and nobody heard of it".into());
        outcomes.into_iter().map(|outcome| outcome.ok_or_else(gap)).collect()
    }
}

/// Files what is held: its caller hears who could decide, or that nobody could.
async fn file_holds(
    tx: &Tx,
    desk: &mut Desk,
    asked: &[Asked<'_, DeskCommand>],
    holds: Vec<(usize, Hold)>,
    outcomes: &mut [Option<Outcome<DeskDone>>],
) -> Result<(), Fault> {
    if holds.is_empty() {
        return Ok(());
    }
    let head_office = head_office(tx).await?;
    let (indexes, holds): (Vec<usize>, Vec<Hold>) = holds.into_iter().unzip();
    let mut questions = Vec::with_capacity(holds.len());
    for (index, hold) in indexes.iter().zip(holds) {
        let branch_id = desk.sheet.places.common_branch(hold.facts.branches.iter().copied()).unwrap_or(head_office);
        questions.push((&asked[*index], hold, branch_id));
    }
    let Desk { sheet, approvals, .. } = desk;
    let settings = sheet.settings.clone();
    let heard = held::file(tx, approvals, &settings, questions, || sheet.new_id()).await?;
    for (index, heard) in indexes.into_iter().zip(heard) {
        outcomes[index] = Some(match heard {
            Ok(held) => Outcome::Held(held),
            Err(refused) => Outcome::refused(refused),
        });
    }
    Ok(())
}

/// What a dry run shows: what the command would do, and what it would book.
#[derive(Debug)]
pub struct Foreseen {
    pub outcome: Outcome<DeskDone>,
    /// Whether a second person would have to agree first.
    pub held: bool,
    pub drafts: Vec<Draft>,
    pub books: Books,
}

/// The same decision on one snapshot: no lock, no claim, no number, and nothing is written. What would be held is shown as it would be
/// carried out.
pub async fn foresee(tx: &Tx, caller: &Caller, command: &DeskCommand) -> Result<Foreseen, Fault> {
    let mut touches = Touches::default();
    touches.add(command, caller.scope);
    let mut desk = Desk::take(tx, &touches).await?;
    let mut held = false;
    let mut decided = desk.attempt(|desk| desk.decide(command, caller, By::Maker));
    if matches!(decided, Err(NotDone::Held(_))) {
        held = true;
        decided = desk.attempt(|desk| desk.decide(command, caller, By::Approver));
    }
    let outcome = decided.map_or_else(Outcome::from, Outcome::Done);
    Ok(Foreseen { outcome, held, drafts: desk.sheet.drafts().to_vec(), books: desk.sheet.books.clone() })
}

#[cfg(test)]
#[path = "desk_tests.rs"]
mod tests;
