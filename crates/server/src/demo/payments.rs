//! How borrowers pay: a course of payments for each loan, with the loan itself beside it, so that what settles it is known to
//! the cent.

use std::sync::Arc;

use chrono::NaiveDate;
use kernel::amount::Amount;
use ledger::slots::Channel;
use loans::event::{Event, EventKind};
use loans::loan::{Agreement, Loan};
use loans::payoff::payoff;
use loans::product::kept_back;
use uuid::Uuid;

use crate::demo::dice::Dice;
use crate::demo::institution::{HEAD_OFFICE, MANAGER, STAFF, TELLER, earlier, later, moved, units};
use crate::demo::loans::{Fate, PlannedLoan, World};

#[derive(Debug, Clone)]
pub struct Payment {
    pub loan: usize,
    pub booked_on: NaiveDate,
    /// Where the money had come before it was booked.
    pub paid_on: Option<NaiveDate>,
    pub amount: Amount,
    pub channel: Channel,
    /// The member of staff who takes it.
    pub taken_by: usize,
    /// First keyed with this amount, then taken back.
    pub mistyped: Option<Amount>,
}

/// Flagged as renegotiated, or cured.
#[derive(Debug, Clone)]
pub struct Flag {
    pub loan: usize,
    pub on: NaiveDate,
    pub renegotiated: bool,
}

/// What a loan was worth since a day.
#[derive(Debug, Clone, Copy)]
pub struct Worth {
    pub since: NaiveDate,
    pub outstanding: Amount,
    pub oldest_unpaid_due_on: Option<NaiveDate>,
}

#[derive(Debug, Clone)]
pub struct Course {
    pub payments: Vec<Payment>,
    pub flags: Vec<Flag>,
    pub worth: Vec<Worth>,
    /// The loan at the end of the last day.
    pub loan: Loan,
}

impl Course {
    /// The day on which the loan was settled.
    pub fn settled_on(&self) -> Option<NaiveDate> {
        self.loan.settled?;
        self.payments.last().map(|payment| payment.booked_on)
    }
}

/// The course of a loan that was paid out; its officer looks after it.
pub fn course(index: usize, planned: &PlannedLoan, officer: usize, world: &World, dice: &mut Dice) -> Course {
    let command = &world.offers[planned.product].command;
    let agreement = Agreement {
        terms: command.terms.clone().into(),
        instalments: planned.instalments,
        first_due_on: planned.first_due_on,
    };
    let mut borrower = Borrower {
        index,
        officer,
        world,
        lateness: dice.pick(&[0, 0, 0, 3, 3, 8, 14]),
        dice,
        loan: Loan::new(Arc::new(agreement)),
        events: 0,
        not_before: planned.expected_disbursed_on,
        payments: Vec::new(),
        flags: Vec::new(),
        worth: Vec::new(),
    };
    let (deducted_fees, withheld) =
        kept_back(&command.charges, &command.withholds, planned.principal).unwrap_or_default();
    let on = planned.expected_disbursed_on;
    borrower.happens(EventKind::Approved { amount: planned.principal }, on, on);
    borrower.happens(EventKind::Disbursed { amount: planned.principal, deducted_fees, withheld }, on, on);
    borrower.live(planned);
    borrower.end()
}

struct Borrower<'a> {
    index: usize,
    officer: usize,
    world: &'a World,
    dice: &'a mut Dice,
    /// How many days late this one pays at most, at times.
    lateness: i64,
    loan: Loan,
    events: u128,
    /// The day of the last event.
    not_before: NaiveDate,
    payments: Vec<Payment>,
    flags: Vec<Flag>,
    worth: Vec<Worth>,
}

impl Borrower<'_> {
    /// Instalment after instalment, until the loan is settled, the money ends or the last day is over.
    fn live(&mut self, planned: &PlannedLoan) {
        let dues: Vec<NaiveDate> = self.loan.instalments.iter().map(|instalment| instalment.promised.due_on).collect();
        let mut fails_at = planned.fails_at.and_then(|number| usize::try_from(number).ok()).map(|number| number - 1);
        for (index, due_on) in dues.iter().copied().enumerate() {
            if self.loan.settled.is_some() || due_on > later(self.world.span.last, 6) {
                return;
            }
            if fails_at != Some(index) {
                let is_settling = planned.fate == Fate::SettledEarly && index == dues.len() / 2;
                match is_settling {
                    true => self.settle(due_on),
                    false => self.pay_instalment(index, fails_at == Some(index + 1), &planned.fate),
                }
            } else if let Fate::Overdue(_) = planned.fate {
                return self.pay_a_token(index);
            } else if self.flags.is_empty() {
                let resumed_on = self.renegotiate(due_on, &planned.fate);
                fails_at = self.fails_again_at(&planned.fate, &dues, resumed_on);
                self.pay_all_due(resumed_on);
            } else {
                return;
            }
        }
    }

    /// One instalment, more or less when it is due. `is_the_last_good`: nothing is paid ahead, because the next one fails.
    fn pay_instalment(&mut self, index: usize, is_the_last_good: bool, fate: &Fate) {
        let instalment = self.loan.instalments[index];
        let due_on = instalment.promised.due_on;
        let owed = instalment.outstanding_total();
        if !owed.is_positive() {
            return;
        }
        let day = moved(due_on, self.delay()).max(self.not_before);
        let last = self.world.span.last;
        let day = if day > last && due_on <= last { due_on.max(self.not_before) } else { day };
        if day > last {
            return;
        }
        let surplus = match fate {
            Fate::Overpaid => units(self.world.currency, self.dice.between(1, 12) * 50),
            _ => Amount::ZERO,
        };
        let ten = units(self.world.currency, 10).minor();
        let half = Amount::of_minor(owed.minor() / 2 / ten * ten);
        let rest_on = later(day, self.dice.between(1, 4).unsigned_abs());
        match self.dice.between(1, 100) {
            1..=4 if half.is_positive() && rest_on <= last => {
                self.pay(day, half, Amount::ZERO);
                self.pay(rest_on, owed - half, surplus);
            }
            5..=8 => self.pay(day, rounded_up(owed, ten * 10), surplus),
            9..=10 if !is_the_last_good => {
                let next = self.loan.instalments.get(index + 1).map_or(Amount::ZERO, |next| next.outstanding_total());
                self.pay(day, owed + next, surplus);
            }
            _ => self.pay(day, owed, surplus),
        }
    }

    /// Days after the due date, or before it.
    fn delay(&mut self) -> i64 {
        match self.dice.between(1, 10) {
            1..=2 => -self.dice.between(1, 3),
            3..=5 => self.dice.between(0, self.lateness),
            _ => 0,
        }
    }

    /// The instalment at which it ended: a part of it came in, perhaps, and long ago.
    fn pay_a_token(&mut self, index: usize) {
        let instalment = self.loan.instalments[index];
        let day = later(instalment.promised.due_on, self.dice.between(3, 25).unsigned_abs()).max(self.not_before);
        let hundred = units(self.world.currency, 100).minor();
        let token = Amount::of_minor(instalment.outstanding_total().minor() / 3 / hundred * hundred);
        if token.is_positive() && day <= self.world.span.last && self.dice.percent(45) {
            self.pay(day, token, Amount::ZERO);
        }
    }

    /// A month or two after the first instalment that was missed. Gives the day on which money comes again.
    fn renegotiate(&mut self, due_on: NaiveDate, fate: &Fate) -> NaiveDate {
        let flagged_on = self.world.working.from(later(due_on, self.dice.between(30, 55).unsigned_abs()));
        let resumed_on = later(flagged_on, self.dice.between(3, 10).unsigned_abs());
        self.flag(flagged_on, true);
        if *fate == Fate::Cured {
            let cured_on = later(resumed_on, self.dice.between(90, 150).unsigned_abs());
            self.flags.push(Flag { loan: self.index, on: self.world.working.from(cured_on), renegotiated: false });
        }
        resumed_on
    }

    fn flag(&mut self, on: NaiveDate, renegotiated: bool) {
        self.happens(EventKind::Renegotiated { flag: renegotiated }, on, on);
        self.flags.push(Flag { loan: self.index, on, renegotiated });
    }

    fn fails_again_at(&mut self, fate: &Fate, dues: &[NaiveDate], resumed_on: NaiveDate) -> Option<usize> {
        let Fate::RenegotiatedOverdue(days) = fate else { return None };
        let last = self.world.span.last;
        let is_fitting = |due_on: NaiveDate| due_on > resumed_on && days.contains(&(last - due_on).num_days());
        let fitting: Vec<usize> = (0..dues.len()).filter(|index| is_fitting(dues[*index])).collect();
        (!fitting.is_empty()).then(|| self.dice.pick(&fitting))
    }

    fn pay_all_due(&mut self, on: NaiveDate) {
        let due = self.loan.instalments.iter().take_while(|instalment| instalment.promised.due_on <= on);
        let owed: Amount = due.map(|instalment| instalment.outstanding_total()).sum();
        if owed.is_positive() {
            self.pay(on, owed, Amount::ZERO);
        }
    }

    fn settle(&mut self, due_on: NaiveDate) {
        let day = earlier(due_on, self.dice.between(0, 5).unsigned_abs()).max(self.not_before);
        self.pay(day, Amount::LIMIT, Amount::ZERO);
    }

    /// Pays what is asked, at most what settles the loan and then a surplus on top.
    fn pay(&mut self, day: NaiveDate, asked: Amount, surplus: Amount) {
        let (day, channel) = self.way(day.max(self.not_before));
        let settles = payoff(&self.loan, day).total();
        let is_last = asked >= settles;
        let amount = if is_last { settles + surplus } else { asked };
        if !amount.is_positive() {
            return;
        }
        let mut payment = Payment {
            loan: self.index,
            booked_on: day,
            paid_on: None,
            amount,
            channel,
            taken_by: self.taken_by(channel),
            mistyped: None,
        };
        match self.dice.between(1, 100) {
            1..=2 => self.book_late(&mut payment),
            3 if !is_last => payment.mistyped = Some(amount + amount).filter(|wrong| *wrong < settles),
            _ => {}
        }
        self.happens(EventKind::Repaid { amount }, day, payment.booked_on);
        self.payments.push(payment);
    }

    /// The bank told the branch a few days later that the money had come.
    fn book_late(&mut self, payment: &mut Payment) {
        let paid_on = payment.booked_on;
        let booked_on = self.world.working.from(later(paid_on, self.dice.between(1, 3).unsigned_abs()));
        if booked_on <= self.world.span.last {
            payment.booked_on = booked_on;
            payment.paid_on = Some(paid_on);
            payment.channel = Channel::Bank;
            payment.taken_by = MANAGER;
        }
    }

    /// The day and the channel: branches and officers take money on working days only.
    fn way(&mut self, day: NaiveDate) -> (NaiveDate, Channel) {
        let ways = [(Channel::MobileMoney, 48), (Channel::Cash, 27), (Channel::Officer, 15), (Channel::Bank, 10)];
        let channel = self.dice.weighted(&ways);
        let working = self.world.working.until(day);
        match channel {
            Channel::MobileMoney => (day, channel),
            _ if working >= self.not_before => (working, channel),
            _ => (day, Channel::MobileMoney),
        }
    }

    fn taken_by(&self, channel: Channel) -> usize {
        match channel {
            Channel::Cash if STAFF[self.officer].branch != HEAD_OFFICE => self.officer,
            Channel::Officer => self.officer,
            _ => TELLER,
        }
    }

    fn end(mut self) -> Course {
        // Only a loan that runs can be cured.
        if self.loan.settled.is_some() {
            self.flags.retain(|flag| flag.renegotiated);
        }
        if self.flags.last().is_some_and(|flag| !flag.renegotiated) {
            self.loan.renegotiated_since = None;
        }
        Course { payments: self.payments, flags: self.flags, worth: self.worth, loan: self.loan }
    }

    fn happens(&mut self, kind: EventKind, value_on: NaiveDate, booked_on: NaiveDate) {
        self.events += 1;
        self.loan.apply(&Event { id: Uuid::from_u128(self.events), value_on, booked_on, kind });
        self.not_before = booked_on;
        self.worth.push(Worth {
            since: booked_on,
            outstanding: self.loan.principal_outstanding(),
            oldest_unpaid_due_on: self.loan.oldest_unpaid_due_on(),
        });
    }
}

fn rounded_up(amount: Amount, to: i64) -> Amount {
    Amount::of_minor((amount.minor() + to - 1) / to * to)
}
