//! What a loan is: the fold of its events over its agreement.
//!
//! [`Loan::apply`] is the step, [`replay`] its fold. A replay is total: it reads no calendar, no product and no
//! settings, and it never fails. An event that can not be what it says ([`Impossible`]) changes only what stands
//! between the institution and the client: its money goes to `overpaid`, so that the books balance whatever was
//! recorded. [`event::check`](crate::event::check) keeps such events, and events that would make later ones so, from
//! being recorded at all.
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
//!
//! **State in part.** A state may be held without the instalments that what is asked of it cannot touch (`in_part.rs`).
//! Time changes no state: what depends on the clock is asked for with a clock.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::text_enum;
use uuid::Uuid;

use crate::allocation::{Allocated, Part, allocate};
use crate::event::{Event, EventKind, EventName, Impossible};
use crate::payoff::{payoff, settle, settlement_interest};
use crate::schedule::{Instalment, Schedule, schedule};
use crate::terms::{Contract, Terms};

/// What was agreed with the borrower beside the amount: the loan's own copy, which no later product version changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    pub terms: Arc<Terms>,
    pub instalments: u32,
    /// One period after the disbursement unless agreed otherwise.
    pub first_due_on: Option<NaiveDate>,
}

/// A loan after its events. All figures are sums over the whole loan, also where instalments are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    pub agreement: Arc<Agreement>,
    /// Approved and not yet paid out.
    pub committed: Amount,
    pub disbursed_on: Option<NaiveDate>,
    pub deducted_fees: Amount,
    pub withheld: Amount,
    pub principal: Amount,
    pub principal_paid: Amount,
    /// The contract's interest, first instalment to last.
    pub interest: Amount,
    pub interest_paid: Amount,
    /// Money of the client's that the loan has no place for.
    pub overpaid: Amount,
    /// The last due date.
    pub matures_on: Option<NaiveDate>,
    pub settled: Option<Settlement>,
    pub renegotiated_since: Option<NaiveDate>,
    /// In the order of their due dates.
    pub instalments: Vec<LoanInstalment>,
    pub last: Option<EventKey>,
}

/// A payment reached the payoff: nothing more is owed, and the interest is final, earned and paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    pub on: NaiveDate,
    pub interest: Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoanInstalment {
    pub promised: Instalment,
    /// Contract interest of all instalments before this one.
    pub interest_before: Amount,
    /// This instalment's share of the interest that counts when the loan is settled (`payoff.rs`), and that of all
    /// before.
    pub settlement_interest: Amount,
    pub settlement_interest_before: Amount,
    pub principal_paid: Amount,
    pub interest_paid: Amount,
    /// The value date from which nothing of it was owed.
    pub settled_on: Option<NaiveDate>,
}

/// Where an event stands in the order of replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey {
    pub value_on: NaiveDate,
    pub rank: u8,
    pub id: Uuid,
}

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

text_enum! {
    /// How far a loan's life has come. Applied, rejected and withdrawn are known to the store alone.
    pub enum Status {
        Approved = "approved",
        Active = "active",
        Closed = "closed",
        /// Closed, and money is owed to the client.
        Overpaid = "overpaid",
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
    /// Nothing has happened yet.
    pub fn new(agreement: Arc<Agreement>) -> Loan {
        Loan {
            agreement,
            committed: Amount::ZERO,
            disbursed_on: None,
            deducted_fees: Amount::ZERO,
            withheld: Amount::ZERO,
            principal: Amount::ZERO,
            principal_paid: Amount::ZERO,
            interest: Amount::ZERO,
            interest_paid: Amount::ZERO,
            overpaid: Amount::ZERO,
            matures_on: None,
            settled: None,
            renegotiated_since: None,
            instalments: Vec::new(),
            last: None,
        }
    }

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

    /// `None` while nothing is approved or lent: applied for, rejected, withdrawn.
    pub fn status(&self) -> Option<Status> {
        match (self.disbursed_on, self.settled) {
            (Some(_), Some(_)) if self.overpaid.is_positive() => Some(Status::Overpaid),
            (Some(_), Some(_)) => Some(Status::Closed),
            (Some(_), None) => Some(Status::Active),
            (None, _) => self.committed.is_positive().then_some(Status::Approved),
        }
    }

    pub fn principal_outstanding(&self) -> Amount {
        self.principal - self.principal_paid
    }

    /// What ages the loan. It changes only by events, so it can be stored where "days overdue" can not.
    pub fn oldest_unpaid_due_on(&self) -> Option<NaiveDate> {
        self.instalments.iter().find(|instalment| instalment.is_unpaid()).map(|instalment| instalment.promised.due_on)
    }
}

impl LoanInstalment {
    /// What is owed of a part; nothing once it is settled, though a settlement may leave promised interest unpaid.
    pub fn outstanding(&self, part: Part) -> Amount {
        match part {
            _ if self.settled_on.is_some() => Amount::ZERO,
            Part::Principal => self.promised.principal - self.principal_paid,
            Part::Interest => self.promised.interest - self.interest_paid,
            Part::Fees | Part::Penalties | Part::Overpaid => Amount::ZERO,
        }
    }

    pub fn outstanding_total(&self) -> Amount {
        self.outstanding(Part::Principal) + self.outstanding(Part::Interest)
    }

    pub fn is_unpaid(&self) -> bool {
        self.outstanding_total().is_positive()
    }

    pub(crate) fn pay(&mut self, part: Part, amount: Amount, on: NaiveDate) {
        match part {
            Part::Principal => self.principal_paid += amount,
            Part::Interest => self.interest_paid += amount,
            Part::Fees | Part::Penalties | Part::Overpaid => {}
        }
        if !self.is_unpaid() {
            self.settled_on.get_or_insert(on);
        }
    }
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
