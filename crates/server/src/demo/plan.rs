//! Who does what on which day: pure data from a seed, so that the same seed shows the same institution.
//!
//! Indexes name people and loans; nothing here knows a database.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kernel::amount::Amount;
use kernel::currency::Currency;
use ledger::periods::Month;
use loans::loan::Loan;
use loans::product::kept_back;
use uuid::Uuid;

use crate::demo::NAMESPACE;
use crate::demo::dice::Dice;
use crate::demo::institution::Span;
use crate::demo::journal::{Entry, Scale};
use crate::demo::loans::{Fate, PlannedLoan, World, planned};
use crate::demo::payments::{Flag, Payment};
use crate::demo::people::{Borrowing, Person, borrowing};
use crate::demo::treasury::{self, Business, Flow};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    pub clients: usize,
    pub seed: u64,
    pub currency: Currency,
}

#[derive(Debug)]
pub struct Plan {
    pub world: World,
    pub people: Vec<Person>,
    pub loans: Vec<PlannedLoan>,
    /// For each loan, its client.
    pub clients: Vec<usize>,
    pub days: BTreeMap<NaiveDate, Day>,
    /// Of each loan that was paid out: what it is at the end of the last day.
    pub ends: BTreeMap<usize, Loan>,
}

/// What happens on one day. People and loans by their index.
#[derive(Debug, Default)]
pub struct Day {
    pub entries: Vec<Numbered<Entry>>,
    pub registrations: Vec<usize>,
    pub activations: Vec<usize>,
    pub applications: Vec<usize>,
    pub approvals: Vec<usize>,
    pub rejections: Vec<usize>,
    pub withdrawals: Vec<usize>,
    pub disbursements: Vec<usize>,
    pub flags: Vec<Flag>,
    pub payments: Vec<Numbered<Payment>>,
    /// The accountant closes it.
    pub month: Option<Month>,
}

/// Something with its number in the whole plan.
#[derive(Debug)]
pub struct Numbered<T> {
    pub number: usize,
    pub it: T,
}

impl Plan {
    pub fn new(wish: Wish, span: Span) -> Plan {
        let world = World::new(span, wish.currency);
        let mut dice = Dice::new(wish.seed);
        let loans = planned(wish.clients * 7 / 6, &world, &mut dice);
        let borrowing = borrowing(wish.clients, &loans, &world, &mut dice);
        let scale = Scale { currency: wish.currency, clients: wish.clients };
        let entries = treasury::entries(&business(&loans, &borrowing, &world), &world, scale);
        let Borrowing { people, clients, courses } = borrowing;
        let mut days = Days::default();
        people.iter().enumerate().for_each(|(index, person)| days.person(index, person));
        loans.iter().enumerate().for_each(|(index, loan)| days.loan(index, loan));
        let mut ends = BTreeMap::new();
        let mut payments = Vec::new();
        for (index, course) in courses.into_iter().enumerate().filter_map(|(index, course)| Some((index, course?))) {
            course.flags.into_iter().for_each(|flag| days.on(flag.on).flags.push(flag));
            payments.extend(course.payments);
            ends.insert(index, course.loan);
        }
        days.payments(payments);
        days.entries(entries);
        days.months(span);
        Plan { world, people, loans, clients, days: days.0, ends }
    }

    pub fn payment_count(&self) -> usize {
        self.days.values().map(|day| day.payments.len()).sum()
    }

    /// What was lent and is not repaid.
    pub fn outstanding(&self) -> Amount {
        self.ends.values().map(Loan::principal_outstanding).sum()
    }

    /// Differs where anything in the plan differs.
    pub fn fingerprint(&self) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{self:?}").as_bytes())
    }
}

/// Money that loans move, for the treasury.
fn business<'a>(loans: &[PlannedLoan], borrowing: &'a Borrowing, world: &World) -> Business<'a> {
    let mut business = Business { flows: BTreeMap::new(), savings_due: Vec::new(), courses: Vec::new() };
    for (index, course) in borrowing.courses.iter().enumerate() {
        let (Some(course), loan) = (course, &loans[index]) else { continue };
        let branch = borrowing.people[borrowing.clients[index]].branch;
        let command = &world.offers[loan.product].command;
        let (fees, withheld) = kept_back(&command.charges, &command.withholds, loan.principal).unwrap_or_default();
        let paid_out = Flow { branch, channel: loan.channel, amount: fees + withheld - loan.principal };
        business.flows.entry(loan.expected_disbursed_on).or_default().push(paid_out);
        for payment in &course.payments {
            let flow = Flow { branch, channel: payment.channel, amount: payment.amount };
            business.flows.entry(payment.booked_on).or_default().push(flow);
        }
        if let Some(settled_on) = course.settled_on().filter(|_| withheld.is_positive()) {
            business.savings_due.push((settled_on, branch, withheld));
        }
        business.courses.push((branch, course));
    }
    business
}

#[derive(Default)]
struct Days(BTreeMap<NaiveDate, Day>);

impl Days {
    fn on(&mut self, day: NaiveDate) -> &mut Day {
        self.0.entry(day).or_default()
    }

    fn person(&mut self, index: usize, person: &Person) {
        self.on(person.registered_on).registrations.push(index);
        if let Some(day) = person.activated_on {
            self.on(day).activations.push(index);
        }
    }

    fn loan(&mut self, index: usize, loan: &PlannedLoan) {
        self.on(loan.applied_on).applications.push(index);
        if let Some(day) = loan.decided_on {
            match loan.fate {
                _ if loan.is_approved() => self.on(day).approvals.push(index),
                Fate::Withdrawn => self.on(day).withdrawals.push(index),
                _ => self.on(day).rejections.push(index),
            }
        }
        if let Some(day) = loan.withdrawn_on {
            self.on(day).withdrawals.push(index);
        }
        if loan.is_disbursed {
            self.on(loan.expected_disbursed_on).disbursements.push(index);
        }
    }

    /// Numbered by the day on which they are booked.
    fn payments(&mut self, mut payments: Vec<Payment>) {
        payments.sort_by_key(|payment| payment.booked_on);
        for (number, it) in payments.into_iter().enumerate() {
            self.on(it.booked_on).payments.push(Numbered { number, it });
        }
    }

    fn entries(&mut self, entries: Vec<Entry>) {
        for (number, it) in entries.into_iter().enumerate() {
            self.on(it.on).entries.push(Numbered { number, it });
        }
    }

    /// A month is closed on the tenth of the month after the next: the last one or two stay open.
    fn months(&mut self, span: Span) {
        let mut month = Month::of(span.first);
        loop {
            let closed_on = month.next().next().starts_on().with_day(10);
            let Some(closed_on) = closed_on.filter(|day| *day <= span.last) else { return };
            self.on(closed_on).month = Some(month);
            month = month.next();
        }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
