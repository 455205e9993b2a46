//! The theorem of the books: for any closed day D, all that was booked up to D is, slot by slot, what
//! the loans known at the close of D are worth at the clock D + 1.
//!
//! The model keeps books as the system does: a journal that is only appended to, one state per loan that an event in
//! order steps forward from the instalments it needs, a replay for what comes late, closes that run whenever they get
//! to it. Every entry is held against the posting rules (`rules.rs`).

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use loans::event::{Event, EventKind};
use loans::loan::{Loan, Part};
use loans::payoff::payoff;
use loans::position::{Position, cash_leg, difference, position};
use loans::postings::{CLOSE_OF_DAY, RULES};
use loans::replay::{Applied, check, reallocated, replay};
use proptest::prelude::*;
use uuid::Uuid;

use crate::random::{Borrower, Size, Wish, WishKind, borrower, wish};
use crate::rules::{Posted, entry_event};
use crate::support::{date, id};

const FIRST_DAY: &str = "2027-11-20";
const DAYS: usize = 130;

/// A loan as it is stored: its events, its state with all instalments, its allocations as signed rows summed.
struct Stored {
    borrower: Borrower,
    events: Vec<Event>,
    state: Loan,
    allocations: BTreeMap<(Uuid, Option<u32>, Part), Amount>,
}

struct Entry {
    booked_on: NaiveDate,
    lines: Position,
    cash: Amount,
}

struct Books {
    loans: Vec<Stored>,
    journal: Vec<Entry>,
    recorded: u128,
}

impl Stored {
    fn known_at(&self, day: NaiveDate) -> Loan {
        let known: Vec<Event> = self.events.iter().copied().filter(|event| event.booked_on <= day).collect();
        replay(&self.borrower.agreement, &known).loan
    }

    fn allocated(&mut self, rows: impl IntoIterator<Item = (Uuid, Option<u32>, Part, Amount)>) {
        for (event, instalment, part, amount) in rows {
            *self.allocations.entry((event, instalment, part)).or_default() += amount;
        }
        self.allocations.retain(|_, amount| !amount.is_zero());
    }

    fn event(&self, wish: &Wish, number: u128, today: NaiveDate) -> Option<Event> {
        let mut value_on = today - Days::new(wish.days_back);
        let kind = match &wish.kind {
            WishKind::Approve => EventKind::Approved { amount: self.borrower.principal },
            WishKind::Lapse => EventKind::ApprovalLapsed,
            WishKind::Disburse { kept_back_percent } => {
                let amount = self.borrower.principal;
                let kept_back = Amount::of_minor(amount.minor() * kept_back_percent / 100);
                EventKind::Disbursed { amount, deducted_fees: kept_back, withheld: kept_back }
            }
            WishKind::Repay(size) => EventKind::Repaid { amount: self.amount(size, value_on)? },
            WishKind::Reverse { place } => {
                let original = self.events.get(place.checked_rem(self.events.len())?)?;
                value_on = original.value_on;
                EventKind::Reversed { reverses: original.id }
            }
            WishKind::Flag(flag) => EventKind::Renegotiated { flag: *flag },
        };
        // Ids that are not in the order of time, as those that clients make.
        let id = id(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        Some(Event { id, value_on, booked_on: today, kind })
    }

    fn amount(&self, size: &Size, on: NaiveDate) -> Option<Amount> {
        let amount = match size {
            Size::Minor(minor) => Amount::of_minor(*minor),
            Size::OfInstalment(percent) => {
                let first = self.state.instalments.first()?.promised;
                Amount::of_minor(first.total().minor() * percent / 100)
            }
            Size::Payoff(more) => payoff(&self.state, on).total() + Amount::of_minor(*more),
        };
        amount.is_positive().then_some(amount)
    }

    /// Steps forward from a state loaded in part. `None`: the event is refused.
    fn step(&mut self, event: &Event) -> Option<(Loan, Loan)> {
        let mut before = self.state.clone();
        before.instalments.retain(|instalment| !instalment.may_be_omitted(event.value_on));
        let mut after = before.clone();
        let applied = after.apply(event);
        if applied.impossible.is_some() {
            return None;
        }
        let rows = applied.allocated.iter().map(|line| (event.id, line.instalment, line.part, line.amount));
        self.allocated(rows);
        let mut all = std::mem::take(&mut self.state.instalments);
        if event.kind.name() == loans::event::EventName::Disbursed {
            all = after.instalments.clone();
        }
        for changed in &after.instalments {
            all.iter_mut().filter(|one| one.promised.number == changed.promised.number).for_each(|one| *one = *changed);
        }
        self.state = Loan { instalments: all, ..after.clone() };
        Some((before, after))
    }

    /// Replays everything. `None`: the event is refused.
    fn replay(&mut self, event: &Event) -> Option<(Loan, Loan)> {
        let replayed = check(&self.borrower.agreement, &self.events, event).ok()?;
        let before = replay(&self.borrower.agreement, &self.events);
        let rows = reallocated(&before.applied, &replayed.applied);
        self.allocated(rows.into_iter().map(|row| (row.event, row.line.instalment, row.line.part, row.line.amount)));
        self.state = replayed.loan;
        Some((before.loan, self.state.clone()))
    }

    fn agrees_with_its_replay(&self) {
        let replayed = replay(&self.borrower.agreement, &self.events);
        assert_eq!(self.state, replayed.loan);
        let mut sums = BTreeMap::new();
        for (event, Applied { allocated, impossible }) in &replayed.applied {
            assert_eq!(*impossible, None);
            for line in allocated {
                *sums.entry((*event, line.instalment, line.part)).or_insert(Amount::ZERO) += line.amount;
            }
            let kind = self.events.iter().find(|recorded| recorded.id == *event).unwrap().kind;
            if let EventKind::Repaid { amount } = kind {
                assert_eq!(allocated.iter().map(|line| line.amount).sum::<Amount>(), amount);
            }
        }
        assert_eq!(self.allocations, sums);
        let of_part = |part| sums.iter().filter(|((_, _, of), _)| *of == part).map(|(_, amount)| *amount).sum();
        let loan = &self.state;
        assert_eq!((loan.principal_paid, loan.interest_paid), (of_part(Part::Principal), of_part(Part::Interest)));
        assert_eq!(loan.overpaid, of_part(Part::Overpaid));
        assert_eq!(loan.principal_paid, loan.instalments.iter().map(|instalment| instalment.principal_paid).sum());
        assert_eq!(loan.interest_paid, loan.instalments.iter().map(|instalment| instalment.interest_paid).sum());
    }
}

impl Books {
    fn act(&mut self, wish: &Wish, today: NaiveDate) {
        self.recorded += 1;
        let stored = &mut self.loans[wish.loan];
        let Some(event) = stored.event(wish, self.recorded, today) else { return };
        let possible = check(&stored.borrower.agreement, &stored.events, &event).is_ok();
        let in_order = stored.state.is_followed_by(&event);
        let done = if in_order { stored.step(&event) } else { stored.replay(&event) };
        assert_eq!(done.is_some(), possible, "{event:?}");
        let Some((before, after)) = done else { return };
        let lines = difference(&position(&after, today), &position(&before, today));
        let cash = cash_leg(&event, &stored.events);
        assert_eq!(lines.total() + cash, Amount::ZERO, "{event:?}");
        let posted = Posted::of(entry_event(event.kind.name()), in_order && event.value_on == today, &lines, cash);
        assert!(posted.follows(RULES), "{posted:?}");
        stored.events.push(event);
        stored.agrees_with_its_replay();
        self.journal.push(Entry { booked_on: today, lines, cash });
    }

    fn close(&mut self, day: NaiveDate) {
        let mut lines = Position::default();
        for stored in &self.loans {
            let loan = stored.known_at(day);
            let night = difference(&position(&loan, day + Days::new(1)), &position(&loan, day));
            let posted = Posted::of(CLOSE_OF_DAY, true, &night, Amount::ZERO);
            assert!(posted.follows(RULES), "{posted:?}");
            lines += night;
        }
        assert_eq!(lines.total(), Amount::ZERO);
        self.journal.push(Entry { booked_on: day, lines, cash: Amount::ZERO });
    }

    fn theorem_holds(&self, day: NaiveDate) {
        let (mut booked, mut cash) = (Position::default(), Amount::ZERO);
        for entry in self.journal.iter().filter(|entry| entry.booked_on <= day) {
            booked += entry.lines;
            cash += entry.cash;
        }
        let mut worth = Position::default();
        for stored in &self.loans {
            worth += position(&stored.known_at(day), day + Days::new(1));
        }
        assert_eq!(booked, worth, "{day}");
        assert_eq!(worth.total() + cash, Amount::ZERO, "{day}");
    }
}

fn run(borrowers: Vec<Borrower>, wishes: Vec<(usize, Wish)>, close_lag: Vec<usize>) {
    let state = |borrower: &Borrower| Loan::new(std::sync::Arc::clone(&borrower.agreement));
    let loans = borrowers
        .into_iter()
        .map(|borrower| Stored { state: state(&borrower), borrower, events: vec![], allocations: BTreeMap::new() })
        .collect();
    let mut books = Books { loans, journal: vec![], recorded: 0 };
    let day = |number: usize| date(FIRST_DAY) + Days::new(number as u64);
    for number in 0..DAYS {
        if number == 0 {
            for loan in 0..books.loans.len() {
                books.act(&Wish { loan, kind: WishKind::Approve, days_back: 30 }, day(number));
            }
        }
        for loan in (0..books.loans.len()).filter(|loan| number == loan * 7) {
            let kind = WishKind::Disburse { kept_back_percent: 2 };
            books.act(&Wish { loan, kind, days_back: loan as u64 * 10 }, day(number));
        }
        for (_, wish) in wishes.iter().filter(|(on, _)| *on == number) {
            books.act(wish, day(number));
        }
        // A close runs days after its day, when others have been opened and booked into.
        for (late, _) in close_lag.iter().enumerate().filter(|(late, lag)| late + *lag == number) {
            books.close(day(late));
        }
    }
    for (late, _) in close_lag.iter().enumerate().filter(|(late, lag)| late + *lag >= DAYS) {
        books.close(day(late));
    }
    (0..DAYS).for_each(|number| books.theorem_holds(day(number)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_booked_is_what_the_loans_are_worth(
        borrowers in proptest::collection::vec(borrower(), 3),
        wishes in proptest::collection::vec((0..DAYS, wish(3)), 0..60),
        close_lag in proptest::collection::vec(prop_oneof![3 => Just(0_usize), 1 => 0..6_usize], DAYS),
    ) {
        run(borrowers, wishes, close_lag);
    }
}
