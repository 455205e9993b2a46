//! Loans as they were asked for: product, amount, days, and how each will end.

use std::ops::RangeInclusive;

use chrono::{Datelike, NaiveDate};
use kernel::amount::Amount;
use kernel::currency::Currency;
use ledger::slots::Channel;
use loans::schedule::{Schedule, schedule};
use loans::terms::{Contract, Unit};

use crate::demo::dice::Dice;
use crate::demo::institution::{Span, WorkingDays, earlier, later, units};
use crate::demo::products::{Offer, offers};

/// What the plan is made within.
#[derive(Debug)]
pub struct World {
    pub span: Span,
    pub working: WorkingDays,
    pub currency: Currency,
    pub offers: [Offer; 4],
}

impl World {
    pub fn new(span: Span, currency: Currency) -> World {
        World { span, working: WorkingDays::of(span), currency, offers: offers(currency) }
    }
}

/// What becomes of an application, and of the loan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Nobody has decided yet.
    Applied,
    /// The money has not been fetched yet.
    Approved,
    Rejected,
    Withdrawn,
    /// Paid as it should be, to the end or until today.
    Regular,
    SettledEarly,
    Overpaid,
    /// Not paid any more: so many days overdue at the end.
    Overdue(RangeInclusive<i64>),
    /// Overdue once, then renegotiated, and paid again since.
    Renegotiated,
    /// The same, and overdue again.
    RenegotiatedOverdue(RangeInclusive<i64>),
    /// Renegotiated, and long enough current to count as any other.
    Cured,
}

/// How many of a thousand applications have a fate; what is left is regular. Each occurs at least once.
const FATES: [(Fate, usize); 14] = [
    (Fate::Applied, 17),
    (Fate::Approved, 11),
    (Fate::Rejected, 20),
    (Fate::Withdrawn, 14),
    (Fate::SettledEarly, 40),
    (Fate::Overpaid, 16),
    (Fate::Overdue(1..=30), 36),
    (Fate::Overdue(31..=60), 14),
    (Fate::Overdue(61..=90), 10),
    (Fate::Overdue(91..=180), 12),
    (Fate::Overdue(181..=400), 9),
    (Fate::Renegotiated, 9),
    (Fate::RenegotiatedOverdue(5..=80), 6),
    (Fate::Cured, 3),
];

/// The fates of so many applications, in an order of chance.
fn fates(count: usize, dice: &mut Dice) -> Vec<Fate> {
    let times = |share: usize| (count * share).div_ceil(1_000);
    let mut fates: Vec<Fate> =
        FATES.iter().flat_map(|(fate, share)| std::iter::repeat_n(fate.clone(), times(*share))).collect();
    fates.resize(count, Fate::Regular);
    dice.shuffle(&mut fates);
    fates
}

#[derive(Debug, Clone)]
pub struct PlannedLoan {
    pub fate: Fate,
    /// An index into the offers.
    pub product: usize,
    pub principal: Amount,
    pub instalments: u32,
    pub applied_on: NaiveDate,
    /// Approved, rejected or, where it was not approved, withdrawn.
    pub decided_on: Option<NaiveDate>,
    /// Approved and then withdrawn.
    pub withdrawn_on: Option<NaiveDate>,
    pub expected_disbursed_on: NaiveDate,
    pub is_disbursed: bool,
    pub first_due_on: Option<NaiveDate>,
    pub channel: Channel,
    /// The first instalment that is not paid when it should be.
    pub fails_at: Option<u32>,
}

impl PlannedLoan {
    pub fn contract(&self) -> Contract {
        Contract {
            principal: self.principal,
            instalments: self.instalments,
            disbursed_on: self.expected_disbursed_on,
            first_due_on: self.first_due_on,
        }
    }

    pub fn is_approved(&self) -> bool {
        self.is_disbursed || self.withdrawn_on.is_some() || self.fate == Fate::Approved
    }
}

/// All applications, by the day on which they were made.
pub fn planned(count: usize, world: &World, dice: &mut Dice) -> Vec<PlannedLoan> {
    let mut loans: Vec<PlannedLoan> = Vec::with_capacity(count);
    for fate in fates(count, dice) {
        loans.push(with_fate(fate, world, dice));
    }
    loans.sort_by_key(|loan| loan.applied_on);
    loans
}

/// How often a loan is drawn until it fits its fate.
const DRAWS: usize = 2_000;

fn with_fate(fate: Fate, world: &World, dice: &mut Dice) -> PlannedLoan {
    for _ in 0..DRAWS {
        let mut loan = drawn(fate.clone(), world, dice);
        if fits(&mut loan, world, dice) {
            return loan;
        }
    }
    drawn(Fate::Regular, world, dice)
}

fn drawn(fate: Fate, world: &World, dice: &mut Dice) -> PlannedLoan {
    let shares: Vec<(usize, u32)> = world.offers.iter().map(|offer| offer.share).enumerate().collect();
    let product = dice.weighted(&shares);
    let offer = &world.offers[product];
    let (least, most, step) = offer.lent;
    // The smaller of two: small loans are the many.
    let steps = dice.between(0, (most - least) / step).min(dice.between(0, (most - least) / step));
    let disbursed_on = disbursement_day(&fate, world, dice);
    let approved_on = world.working.until(earlier(disbursed_on, dice.between(1, 3).unsigned_abs()));
    let applied_on = world.working.until(earlier(approved_on, dice.between(1, 4).unsigned_abs()));
    let mut loan = PlannedLoan {
        product,
        principal: units(world.currency, least + steps * step),
        instalments: dice.pick(offer.instalments),
        applied_on,
        decided_on: Some(approved_on),
        withdrawn_on: None,
        expected_disbursed_on: disbursed_on,
        is_disbursed: true,
        first_due_on: first_due_on(offer, disbursed_on, dice),
        channel: if dice.percent(70) { Channel::Bank } else { Channel::MobileMoney },
        fails_at: None,
        fate,
    };
    decide(&mut loan, dice);
    loan
}

/// The institution grows: of two days it is the later one more often than not. What is on its way today began a few days ago.
fn disbursement_day(fate: &Fate, world: &World, dice: &mut Dice) -> NaiveDate {
    let Span { first, last } = world.span;
    let days = (last - first).num_days();
    let day = match fate {
        Fate::Applied => later(last, dice.between(4, 9).unsigned_abs()),
        Fate::Approved => later(last, dice.between(1, 4).unsigned_abs()),
        Fate::Overdue(_) | Fate::Renegotiated | Fate::RenegotiatedOverdue(_) | Fate::Cured => {
            later(first, dice.between(20, days - 10).unsigned_abs())
        }
        _ if dice.percent(45) => later(first, dice.between(10, days - 1).unsigned_abs()),
        _ => later(first, dice.between(10, days - 1).max(dice.between(10, days - 1)).unsigned_abs()),
    };
    world.working.from(day)
}

/// Some who pay by the month choose their payday; the first instalment is then 20 to 50 days away.
fn first_due_on(offer: &Offer, disbursed_on: NaiveDate, dice: &mut Dice) -> Option<NaiveDate> {
    if offer.command.terms.frequency.unit != Unit::Month || !dice.percent(35) {
        return None;
    }
    let payday = dice.pick(&[1, 5, 28]);
    later(disbursed_on, 20).iter_days().take(31).find(|day| day.day() == payday)
}

/// What was decided, where that was not to pay it out.
fn decide(loan: &mut PlannedLoan, dice: &mut Dice) {
    match loan.fate {
        Fate::Applied => loan.decided_on = None,
        Fate::Approved | Fate::Rejected => {}
        Fate::Withdrawn if dice.percent(50) => loan.withdrawn_on = Some(loan.expected_disbursed_on),
        Fate::Withdrawn => {}
        _ => return,
    }
    loan.is_disbursed = false;
}

/// Whether such a loan can have its fate within the days of the demo.
fn fits(loan: &mut PlannedLoan, world: &World, dice: &mut Dice) -> bool {
    let Span { first, last } = world.span;
    let happens = [Some(loan.applied_on), loan.decided_on, loan.withdrawn_on];
    if loan.applied_on < later(first, 7) || happens.into_iter().flatten().any(|day| day > last) {
        return false;
    }
    let Ok(promised) = schedule(&world.offers[loan.product].command.terms, &loan.contract()) else { return false };
    let age = |number: usize| promised.instalments.get(number).map(|instalment| (last - instalment.due_on).num_days());
    let count = promised.instalments.len();
    match &loan.fate {
        Fate::Applied | Fate::Approved => loan.expected_disbursed_on > last,
        Fate::Rejected | Fate::Withdrawn => true,
        Fate::Regular => loan.expected_disbursed_on <= last,
        Fate::SettledEarly => age(count / 2).is_some_and(|age| age > 5) && count > 3,
        Fate::Overpaid => age(count - 1).is_some_and(|age| age > 5),
        Fate::Overdue(days) => fail_within(loan, &promised, last, days.clone(), dice),
        Fate::Renegotiated => still_runs(&promised, last) && fail_within(loan, &promised, last, 110..=260, dice),
        Fate::RenegotiatedOverdue(_) => {
            still_runs(&promised, last) && fail_within(loan, &promised, last, 180..=300, dice)
        }
        Fate::Cured => still_runs(&promised, last) && fail_within(loan, &promised, last, 250..=420, dice),
    }
}

fn still_runs(promised: &Schedule, last: NaiveDate) -> bool {
    promised.instalments.last().is_some_and(|end| end.due_on > later(last, 10))
}

/// Lets the loan fail at an instalment that is so many days old at the end: not at the first one, where there is another.
fn fail_within(
    loan: &mut PlannedLoan,
    promised: &Schedule,
    last: NaiveDate,
    days: RangeInclusive<i64>,
    dice: &mut Dice,
) -> bool {
    let fitting =
        promised.instalments.iter().filter(|instalment| days.contains(&(last - instalment.due_on).num_days()));
    let numbers: Vec<u32> = fitting.map(|instalment| instalment.number).filter(|number| *number > 1).collect();
    if numbers.is_empty() {
        return false;
    }
    loan.fails_at = Some(dice.pick(&numbers));
    true
}
