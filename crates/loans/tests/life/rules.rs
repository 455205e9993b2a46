//! The posting rules (`postings.rs`) against what is booked: every entry is a sum of rules, and every rule is needed.
//!
//! An entry is the difference of two positions, so nothing computes it by the rules; this is what makes the table true. The
//! random lives of `theorem.rs` hold each of their entries against it.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use loans::event::{Event, EventKind, EventName};
use loans::loan::Agreement;
use loans::position::{Position, Slot, cash_leg, difference, position};
use loans::postings::{APPROVED, CLOSE_OF_DAY, DISBURSED, LAPSED, Leg, REPAID, REVERSED, RULES, Rule};
use loans::replay::replay;
use loans::terms::{Basis, Terms};

use crate::support::*;
use crate::worked_through;

/// An entry as it would be posted.
#[derive(Debug, Clone)]
pub struct Posted {
    pub event: &'static str,
    /// Booked on its own value date, after everything else that had happened: no correction is in it.
    pub plain: bool,
    pub lines: Vec<(Slot, Amount)>,
    pub cash: Amount,
}

/// The rules' name for the entry of an event.
pub fn entry_event(name: EventName) -> &'static str {
    match name {
        EventName::Approved => APPROVED,
        EventName::ApprovalLapsed => LAPSED,
        EventName::Disbursed => DISBURSED,
        EventName::Repaid => REPAID,
        EventName::Reversed => REVERSED,
        EventName::Renegotiated => "loan.renegotiated",
    }
}

impl Posted {
    pub fn of(event: &'static str, plain: bool, lines: &Position, cash: Amount) -> Posted {
        Posted { event, plain, lines: lines.lines().collect(), cash }
    }

    /// Debits positive.
    fn legs(&self) -> Vec<(Leg, i64)> {
        let money = (Leg::Channel, self.cash.minor());
        let lines = self.lines.iter().map(|(slot, amount)| (Leg::Slot(*slot), amount.minor()));
        [money].into_iter().chain(lines).filter(|(_, amount)| *amount != 0).collect()
    }

    /// Whether these rules can have made it. A plain entry is a sum of the rules of its event, line for line. A reversal, or an
    /// event that comes late, takes back what others had booked: there, each rule may also stand the other way round, and what
    /// one takes from a slot and another gives to it is not seen.
    pub fn follows(&self, rules: &[Rule]) -> bool {
        let legs = self.legs();
        let amount = |leg: Leg| legs.iter().find(|(known, _)| *known == leg).map_or(0, |(_, amount)| *amount);
        let pairs: Vec<(Leg, Leg)> = if self.plain {
            let own = rules.iter().filter(|rule| rule.event == self.event).map(|rule| (rule.debit, rule.credit));
            own.filter(|(debit, credit)| amount(*debit) > 0 && amount(*credit) < 0).collect()
        } else {
            rules.iter().flat_map(|rule| [(rule.debit, rule.credit), (rule.credit, rule.debit)]).collect()
        };
        is_sum_of(&pairs, &legs)
    }
}

const CREDITS: usize = 0;
const DEBITS: usize = 1;
const PLACES: usize = 3 + Slot::ALL.len();

fn place(leg: Leg) -> usize {
    match leg {
        Leg::Channel => 2,
        Leg::Slot(slot) => 3 + slot as usize,
    }
}

/// Whether amounts can be found for the pairs (debit, credit) that add up to the entry: as much must flow from what is credited to
/// what is debited as there is. Paths are widened one by one (Ford and Fulkerson); the network has fourteen nodes.
fn is_sum_of(pairs: &[(Leg, Leg)], legs: &[(Leg, i64)]) -> bool {
    let mut room = [[0_i64; PLACES]; PLACES];
    for &(debit, credit) in pairs {
        room[place(credit)][place(debit)] = i64::MAX / 4;
    }
    for &(leg, amount) in legs {
        match amount {
            1.. => room[place(leg)][DEBITS] = amount,
            _ => room[CREDITS][place(leg)] = -amount,
        }
    }
    let wanted: i64 = legs.iter().map(|(_, amount)| *amount.max(&0)).sum();
    if legs.iter().map(|(_, amount)| amount).sum::<i64>() != 0 {
        return false;
    }
    let mut flown = 0;
    while let Some(path) = path(&room) {
        let width = path.windows(2).map(|step| room[step[0]][step[1]]).min().unwrap();
        for step in path.windows(2) {
            room[step[0]][step[1]] -= width;
            room[step[1]][step[0]] += width;
        }
        flown += width;
    }
    flown == wanted
}

/// A way from the credits to the debits with room on each step.
fn path(room: &[[i64; PLACES]; PLACES]) -> Option<Vec<usize>> {
    let mut seen = BTreeSet::from([CREDITS]);
    let mut ways = vec![vec![CREDITS]];
    while let Some(way) = ways.pop() {
        let end = *way.last()?;
        if end == DEBITS {
            return Some(way);
        }
        for next in (0..PLACES).filter(|next| room[end][*next] > 0) {
            if seen.insert(next) {
                ways.push(way.iter().copied().chain([next]).collect());
            }
        }
    }
    None
}

/// Everything that the life of one loan posts, with a close after each day from the first event to `until`.
fn posted(agreement: &std::sync::Arc<Agreement>, events: &[Event], until: NaiveDate) -> Vec<Posted> {
    let known = |day: NaiveDate| events.iter().copied().filter(|event| event.booked_on <= day).collect::<Vec<_>>();
    let mut entries = Vec::new();
    let mut history: Vec<Event> = Vec::new();
    let mut day = events.iter().map(|event| event.booked_on).min().unwrap();
    while day <= until {
        for event in events.iter().filter(|event| event.booked_on == day) {
            let before = replay(agreement, &history).loan;
            let plain = before.is_followed_by(event) && event.value_on == day;
            history.push(*event);
            let lines = difference(&position(&replay(agreement, &history).loan, day), &position(&before, day));
            entries.push(Posted::of(entry_event(event.kind.name()), plain, &lines, cash_leg(event, &history)));
        }
        let loan = replay(agreement, &known(day)).loan;
        let lines = difference(&position(&loan, day + Days::new(1)), &position(&loan, day));
        entries.push(Posted::of(CLOSE_OF_DAY, true, &lines, Amount::ZERO));
        day = day + Days::new(1);
    }
    entries
}

/// Loans whose lives need every rule.
fn examples() -> Vec<Posted> {
    let w02_life: Vec<Event> = worked_through::life().into_iter().map(|step| step.event).collect();
    let mut entries = posted(&w02(), &w02_life, date("2026-10-01"));
    let kept_back = EventKind::Disbursed { amount: money("9000"), deducted_fees: money("90"), withheld: money("900") };
    let lent = |kind: EventKind| vec![(date("2026-01-20"), approved(money("12000"))), (date("2026-01-31"), kind)];
    let mut life = |terms: Terms, facts: Vec<(NaiveDate, EventKind)>, until: &str| {
        entries.extend(posted(&agreement(terms, 12), &events(facts), date(until)));
    };
    let declining = || monthly(loans::terms::InterestMethod::Declining, 24);
    // Approved and never paid out.
    life(
        declining(),
        vec![(date("2026-01-20"), approved(money("12000"))), (date("2026-02-20"), EventKind::ApprovalLapsed)],
        "2026-02-20",
    );
    // Paid ahead, then settled while some of it is not earned.
    let mut ahead = lent(kept_back);
    ahead.extend([(date("2026-02-03"), repaid(money("1000"))), (date("2026-02-05"), repaid(money("9000")))]);
    life(declining(), ahead, "2026-02-06");
    // Non-accrual, cured by a part of what is due.
    let mut cured = lent(disbursed(money("12000")));
    cured.extend([(date("2026-06-10"), repaid(money("1200"))), (date("2026-06-11"), repaid(money("2400")))]);
    life(declining(), cured, "2026-06-12");
    // Flat interest, settled: the interest at the true rate is more than what has accrued.
    let mut early = lent(disbursed(money("12000")));
    early.push((date("2026-04-20"), repaid(money("13000"))));
    life(monthly(loans::terms::InterestMethod::Flat, 24), early, "2026-04-21");
    // The same, when nearly all is paid ahead: less principal is left than interest was paid ahead.
    let mut ahead = lent(disbursed(money("12000")));
    let due = ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"];
    ahead.extend(due.map(|due_on| (date(due_on), repaid(money("1240")))));
    ahead.extend([(date("2026-07-31"), repaid(money("6540"))), (date("2026-08-01"), repaid(money("200")))]);
    life(monthly(loans::terms::InterestMethod::Flat, 24), ahead, "2026-08-02");
    // On the cash basis interest is income when it comes.
    let mut cash = lent(disbursed(money("12000")));
    cash.push((date("2026-02-28"), repaid(money("1134.72"))));
    life(Terms { basis: Basis::Cash, ..declining() }, cash.clone(), "2026-03-01");
    // The same, paid ahead: a settlement gives back what is not earned.
    cash.extend([(date("2026-03-01"), repaid(money("3000"))), (date("2026-03-02"), repaid(money("9000")))]);
    life(Terms { basis: Basis::Cash, ..declining() }, cash, "2026-03-02");
    entries
}

#[test]
fn every_entry_of_the_examples_is_a_sum_of_rules() {
    for entry in examples() {
        assert!(entry.follows(RULES), "{entry:?}");
    }
}

#[test]
fn no_rule_can_be_missing_and_none_is_there_for_nothing() {
    let entries = examples();
    for rule in RULES {
        // Two rules may book the same two slots for different reasons: they stand or fall together.
        let same = |other: &&Rule| (other.event, other.debit, other.credit) == (rule.event, rule.debit, rule.credit);
        let without: Vec<Rule> = RULES.iter().filter(|other| !same(other)).copied().collect();
        let broken = entries.iter().filter(|entry| !entry.follows(&without)).count();
        assert!(broken > 0, "no example needs the rule {rule:?}");
    }
}

#[test]
fn what_no_rule_allows_is_seen() {
    let entry = |event, plain, lines: &[(Slot, i64)], cash: i64| {
        let lines = lines.iter().map(|(slot, amount)| (*slot, Amount::of_minor(*amount))).collect();
        Posted { event, plain, lines, cash: Amount::of_minor(cash) }
    };
    let (portfolio, income, memo) = (Slot::LoanPortfolio, Slot::InterestIncome, Slot::NonAccrualMemo);
    let cases = [
        (entry(REPAID, true, &[(portfolio, -100)], 100), true),
        (entry(REPAID, true, &[(portfolio, -100)], 99), false),
        (entry(REPAID, true, &[(portfolio, 100)], -100), false),
        (entry(REPAID, true, &[(Slot::FeeIncome, -100)], 100), false),
        (entry(CLOSE_OF_DAY, true, &[(portfolio, -100)], 100), false),
        (entry(CLOSE_OF_DAY, true, &[(income, -100), (portfolio, 100)], 0), false),
        // A correction may turn rules round, and no more than that.
        (entry(REVERSED, false, &[(portfolio, 100)], -100), true),
        (entry(REVERSED, false, &[(memo, 100)], -100), false),
        (entry(REPAID, false, &[(memo, 100), (Slot::Commitment, -100)], 0), false),
    ];
    for (entry, expected) in cases {
        assert_eq!(entry.follows(RULES), expected, "{entry:?}");
    }
}
