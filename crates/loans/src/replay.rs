//! How a loan comes to be what it is: the fold of its events over its agreement.
//!
//! [`Loan::apply`] is the step, [`replay`] its fold. A replay is total: it reads no calendar, no product and no
//! settings, and it never fails. An event that cannot be what it says ([`Impossible`]) changes only what stands
//! between the institution and the client: its money goes to `overpaid`, so that the books balance whatever was
//! recorded. [`check`] keeps such events, and events that would make later ones so, from being recorded at all.
//!
//! **Order of replay**: value date, then rank, then event id.
//!
//! | rank | events |
//! |---|---|
//! | 0 | approved |
//! | 1 | approval lapsed |
//! | 2 | disbursed |
//! | 3 | renegotiated (with issue 3: changes of terms) |
//! | 4, 5 | (with issue 3: charges, waivers) |
//! | 6 | repaid |
//! | 7 | (with issue 3: refunds) |
//!
//! A reversal and what it reverses drop out before the order is looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::amount::Amount;
use uuid::Uuid;

use crate::allocation::{Allocated, allocate};
use crate::event::{Event, EventKind, EventName, HistoryWouldBreak, Impossible};
use crate::loan::{Agreement, EventKey, Loan, LoanInstalment, Part, Settlement, Status};
use crate::payoff::{payoff, settle, settlement_interest};
use crate::schedule::{Schedule, schedule};
use crate::terms::Contract;

/// What a step did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    pub allocated: Vec<Allocated>,
    pub impossible: Option<Impossible>,
}

/// A loan and what each of its effective events did, in the order of replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    pub loan: Loan,
    pub applied: Vec<(Uuid, Applied)>,
}

/// The whole history, in any order.
pub fn replay(agreement: &Arc<Agreement>, events: &[Event]) -> Replayed {
    let mut dropped = BTreeSet::new();
    for event in events {
        if let EventKind::Reversed { reverses } = event.kind {
            dropped.extend([event.id, reverses]);
        }
    }
    let mut effective: Vec<&Event> = events.iter().filter(|event| !dropped.contains(&event.id)).collect();
    effective.sort_by_key(|event| EventKey::of(event));
    let mut loan = Loan::new(Arc::clone(agreement));
    let applied = effective.into_iter().map(|event| (event.id, loan.apply(event))).collect();
    Replayed { loan, applied }
}

impl Loan {
    /// Whether the event comes after all that was applied, so that [`Loan::apply`] alone gives what a replay would. If
    /// not, or if it is a reversal, the whole history must be replayed.
    pub fn is_followed_by(&self, event: &Event) -> bool {
        event.kind.name() != EventName::Reversed && self.last.is_none_or(|last| last < EventKey::of(event))
    }

    /// The step. The event must follow ([`Loan::is_followed_by`]).
    pub fn apply(&mut self, event: &Event) -> Applied {
        self.last = Some(EventKey::of(event));
        let outcome = match event.kind {
            EventKind::Approved { amount } => self.approve(amount),
            EventKind::ApprovalLapsed => self.release(),
            EventKind::Disbursed { amount, deducted_fees, withheld } => {
                self.disburse(amount, event.value_on).map(|()| {
                    self.deducted_fees = deducted_fees;
                    self.withheld = withheld;
                    Vec::new()
                })
            }
            EventKind::Repaid { amount } => self.repay(amount, event.value_on),
            EventKind::Renegotiated { flag } => self.flag_renegotiated(flag, event.value_on),
            EventKind::Reversed { .. } => Ok(Vec::new()),
        };
        match outcome {
            Ok(allocated) => Applied { allocated, impossible: None },
            Err(why) => {
                let cash = event.kind.cash();
                self.overpaid += cash;
                Applied { allocated: overpaid(cash).into_iter().collect(), impossible: Some(why) }
            }
        }
    }

    fn approve(&mut self, amount: Amount) -> Result<Vec<Allocated>, Impossible> {
        match self.status() {
            None => self.committed = amount,
            Some(Status::Approved) => return Err(Impossible::AlreadyApproved),
            Some(_) => return Err(Impossible::AlreadyDisbursed),
        }
        Ok(Vec::new())
    }

    fn release(&mut self) -> Result<Vec<Allocated>, Impossible> {
        if self.status() != Some(Status::Approved) {
            return Err(Impossible::NotApproved);
        }
        self.committed = Amount::ZERO;
        Ok(Vec::new())
    }

    /// One disbursement pays the loan out: a smaller amount than was approved releases the rest of the commitment.
    fn disburse(&mut self, amount: Amount, on: NaiveDate) -> Result<(), Impossible> {
        match self.status() {
            Some(Status::Approved) if amount > self.committed => {
                return Err(Impossible::AboveApproved { approved: self.committed });
            }
            Some(Status::Approved) => {}
            None => return Err(Impossible::NotApproved),
            Some(_) => return Err(Impossible::AlreadyDisbursed),
        }
        let Agreement { terms, instalments, first_due_on } = self.agreement.as_ref();
        let contract =
            Contract { principal: amount, instalments: *instalments, disbursed_on: on, first_due_on: *first_due_on };
        let promised = schedule(terms, &contract).map_err(|_| Impossible::NoSchedule)?;
        let settlement = settlement_interest(terms, &contract, &promised);
        self.matures_on = promised.instalments.last().map(|last| last.due_on);
        self.interest = promised.interest();
        self.instalments = unpaid_instalments(promised, settlement);
        self.committed = Amount::ZERO;
        self.disbursed_on = Some(on);
        self.principal = amount;
        Ok(())
    }

    fn repay(&mut self, amount: Amount, on: NaiveDate) -> Result<Vec<Allocated>, Impossible> {
        if self.disbursed_on.is_none() {
            return Err(Impossible::NotDisbursed);
        }
        let payoff = payoff(self, on);
        let mut allocated = if self.settled.is_some() {
            Vec::new()
        } else if amount >= payoff.total() {
            let interest = self.interest_paid + payoff.interest;
            self.settled = Some(Settlement { on, interest });
            settle(&mut self.instalments, interest, on)
        } else {
            allocate(&self.agreement.terms.allocation, &mut self.instalments, on, amount)
        };
        let sum =
            |part: Part| allocated.iter().filter(|line| line.part == part).map(|line| line.amount).sum::<Amount>();
        let (principal, interest) = (sum(Part::Principal), sum(Part::Interest));
        let surplus = amount - principal - interest;
        self.principal_paid += principal;
        self.interest_paid += interest;
        self.overpaid += surplus;
        allocated.extend(overpaid(surplus));
        Ok(allocated)
    }

    fn flag_renegotiated(&mut self, flag: bool, on: NaiveDate) -> Result<Vec<Allocated>, Impossible> {
        if self.disbursed_on.is_none() {
            return Err(Impossible::NotDisbursed);
        }
        self.renegotiated_since = flag.then(|| self.renegotiated_since.unwrap_or(on));
        Ok(Vec::new())
    }
}

impl EventKey {
    pub fn new(value_on: NaiveDate, name: EventName, id: Uuid) -> EventKey {
        EventKey { value_on, rank: rank(name), id }
    }

    pub fn of(event: &Event) -> EventKey {
        EventKey::new(event.value_on, event.kind.name(), event.id)
    }
}

/// The table above. A reversal never takes part; it ranks last so that it is never mistaken for the first.
const fn rank(name: EventName) -> u8 {
    match name {
        EventName::Approved => 0,
        EventName::ApprovalLapsed => 1,
        EventName::Disbursed => 2,
        EventName::Renegotiated => 3,
        EventName::Repaid => 6,
        EventName::Reversed => u8::MAX,
    }
}

/// The loan with the new event, or which event that would make impossible. For an event that follows all others
/// ([`Loan::is_followed_by`]) a step on a copy of the state says the same: it can
/// make only itself impossible.
pub fn check(agreement: &Arc<Agreement>, history: &[Event], new: &Event) -> Result<Replayed, HistoryWouldBreak> {
    check_reversal(history, new)?;
    let impossible = |replayed: &Replayed| -> Vec<(Uuid, Impossible)> {
        replayed.applied.iter().filter_map(|(event, applied)| Some((*event, applied.impossible?))).collect()
    };
    let before = impossible(&replay(agreement, history));
    let mut events = history.to_vec();
    events.push(*new);
    let after = replay(agreement, &events);
    // What was impossible before (an old import) is not the new event's fault.
    match impossible(&after).into_iter().find(|(event, _)| before.iter().all(|(known, _)| known != event)) {
        Some((event, why)) => Err(HistoryWouldBreak { event, why }),
        None => Ok(after),
    }
}

fn check_reversal(history: &[Event], new: &Event) -> Result<(), HistoryWouldBreak> {
    let EventKind::Reversed { reverses } = new.kind else { return Ok(()) };
    let reversal_of =
        |event: &&Event| matches!(event.kind, EventKind::Reversed { reverses: other } if other == reverses);
    let why = match history.iter().find(|event| event.id == reverses).map(|event| event.kind) {
        None => Impossible::NothingToReverse,
        Some(EventKind::Reversed { .. }) => Impossible::ReversesReversal,
        Some(_) if history.iter().find(reversal_of).is_some() => Impossible::AlreadyReversed,
        Some(_) => return Ok(()),
    };
    Err(HistoryWouldBreak { event: new.id, why })
}

/// A signed line to record for an event whose split has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reallocated {
    pub event: Uuid,
    pub line: Allocated,
}

/// What a back-dated event or a reversal changed in how all the events were split: the lines that bring the recorded
/// sums to the new ones. An event that dropped out is taken back whole.
pub fn reallocated(before: &[(Uuid, Applied)], after: &[(Uuid, Applied)]) -> Vec<Reallocated> {
    let mut sums: BTreeMap<(Uuid, Option<u32>, Part), Amount> = BTreeMap::new();
    let mut add = |applied: &[(Uuid, Applied)], sign: fn(Amount) -> Amount| {
        for (event, lines) in applied.iter().map(|(event, applied)| (*event, &applied.allocated)) {
            for line in lines {
                *sums.entry((event, line.instalment, line.part)).or_default() += sign(line.amount);
            }
        }
    };
    add(before, |amount| -amount);
    add(after, |amount| amount);
    sums.into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .map(|((event, instalment, part), amount)| Reallocated { event, line: Allocated { instalment, part, amount } })
        .collect()
}

fn unpaid_instalments(schedule: Schedule, settlement_interest: Vec<Amount>) -> Vec<LoanInstalment> {
    let (mut interest_before, mut settlement_before) = (Amount::ZERO, Amount::ZERO);
    let mut instalments = Vec::with_capacity(schedule.instalments.len());
    for (promised, settlement_after) in schedule.instalments.into_iter().zip(settlement_interest) {
        let interest = promised.interest;
        instalments.push(LoanInstalment {
            promised,
            interest_before,
            settlement_interest: settlement_after - settlement_before,
            settlement_interest_before: settlement_before,
            principal_paid: Amount::ZERO,
            interest_paid: Amount::ZERO,
            settled_on: None,
        });
        interest_before += interest;
        settlement_before = settlement_after;
    }
    instalments
}

/// Most payments leave no surplus, and a line of nothing is no line.
fn overpaid(amount: Amount) -> Option<Allocated> {
    (!amount.is_zero()).then_some(Allocated { instalment: None, part: Part::Overpaid, amount })
}
