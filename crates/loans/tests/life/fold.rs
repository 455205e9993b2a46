//! One step on a state held in part gives what a replay of everything gives; and what always holds of a single loan.

use chrono::{Days, NaiveDate};
use kernel::amount::Amount;
use loans::accrual::{earned, is_accruing};
use loans::event::{Event, EventKind};
use loans::in_part::suffices;
use loans::loan::Loan;
use loans::payoff::payoff;
use loans::position::{Slot, arrears, days_overdue, position};
use loans::replay::replay;
use loans::terms::{Basis, Bucket, InterestMethod, Walk};
use proptest::prelude::*;

use crate::random::{Borrower, borrower};
use crate::support::{agreement, approved, date, disbursed, events, id, money, monthly, repaid};

/// Days since the payment before, and percent of the first instalment.
type Payment = (u64, i64);

fn payments() -> impl Strategy<Value = Vec<Payment>> {
    let percent = prop_oneof![2 => Just(100_i64), 2 => 1..130_i64, 1 => 150..700_i64];
    proptest::collection::vec((0..45_u64, percent), 0..24)
}

fn history(borrower: &Borrower, payments: &[Payment]) -> Vec<Event> {
    let mut on = date("2027-11-30");
    let mut facts = vec![(on, approved(borrower.principal)), (on, disbursed(borrower.principal))];
    let lent = replay(&borrower.agreement, &events(facts.clone())).loan;
    let first = lent.instalments.first().map_or(Amount::ZERO, |first| first.promised.total());
    for (later, percent) in payments {
        on = on + Days::new(*later);
        facts.push((on, repaid(Amount::of_minor((first.minor() * percent / 100).max(1)))));
    }
    events(facts)
}

fn clocks(from: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    [0, 1, 2, 5, 13, 29, 31, 60, 200, 900].into_iter().map(move |later| from + Days::new(later))
}

#[test]
fn an_instalment_may_be_left_out_while_an_older_one_is_unpaid() {
    // What is due today is paid first. The second and the last instalment are paid on their days; those before are not.
    let mut terms = monthly(InterestMethod::Flat, 24);
    terms.allocation.order.sort_by_key(|bucket| !matches!(bucket, Bucket::DueInterest | Bucket::DuePrincipal));
    let agreement = agreement(terms, 4);
    let lent_on = date("2026-01-31");
    let first = [(lent_on, approved(money("1200"))), (lent_on, disbursed(money("1200")))];
    for paid_on in [date("2026-03-31"), date("2026-05-31")] {
        let history = events(first.into_iter().chain([(paid_on, repaid(money("324"))), (paid_on, repaid(money("1")))]));
        let before = replay(&agreement, &history[..3]).loan;
        let mut in_part = before.clone();
        in_part.instalments.retain(|instalment| !instalment.may_be_omitted(paid_on));
        assert_eq!(in_part.instalments.len(), 3);
        for clock in clocks(paid_on) {
            assert_eq!(position(&in_part, clock), position(&before, clock), "{clock}");
        }
        in_part.apply(&history[3]);
        assert_eq!(position(&in_part, paid_on), position(&replay(&agreement, &history).loan, paid_on));
    }
}

#[test]
fn a_payment_that_ends_among_the_held_instalments_needs_no_other() {
    let by_part = |walk| {
        let mut terms = monthly(InterestMethod::Flat, 24);
        terms.allocation.walk = walk;
        terms
    };
    let lent_on = date("2026-01-31");
    let paid_on = date("2026-02-28");
    // 12 × (100.00 + 24.00): of three instalments one is due and two lie ahead.
    let cases = [
        (Walk::ByInstalment, &["124", "123.99"][..], true),
        (Walk::ByInstalment, &["124", "124"], false),
        (Walk::ByPart, &["47.99"], true),
        (Walk::ByPart, &["24", "24"], false),
        (Walk::ByInstalment, &[], true),
    ];
    for (walk, amounts, expected) in cases {
        let agreement = agreement(by_part(walk), 12);
        let history = events([(lent_on, approved(money("1200"))), (lent_on, disbursed(money("1200")))]);
        let mut loan = replay(&agreement, &history).loan;
        loan.instalments.truncate(3);
        let payments: Vec<(NaiveDate, Amount)> = amounts.iter().map(|amount| (paid_on, money(amount))).collect();
        assert_eq!(suffices(&loan, &payments, paid_on), expected, "{walk:?} {amounts:?}");
        // Three instalments say nothing of the day on which the third is due, whatever is paid.
        assert!(!suffices(&loan, &[], date("2026-04-30")));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_fold_of_steps_is_a_replay(borrower in borrower(), payments in payments()) {
        let history = history(&borrower, &payments);
        let mut in_part = Loan::new(std::sync::Arc::clone(&borrower.agreement));
        for (last, event) in history.iter().enumerate() {
            in_part.instalments.retain(|instalment| !instalment.may_be_omitted(event.value_on));
            prop_assert!(in_part.is_followed_by(event));
            let applied = in_part.apply(event);
            let mut whole = replay(&borrower.agreement, &history[..=last]);
            prop_assert_eq!(&applied, &whole.applied.last().unwrap().1);
            for clock in clocks(event.value_on) {
                prop_assert_eq!(position(&in_part, clock), position(&whole.loan, clock));
                prop_assert_eq!(payoff(&in_part, clock), payoff(&whole.loan, clock));
                prop_assert_eq!(arrears(&in_part, clock), arrears(&whole.loan, clock));
            }
            // What is held in part is the same, line by line.
            whole.loan.instalments.retain(|one| in_part.instalments.iter().any(|held| held.promised == one.promised));
            prop_assert_eq!(&in_part, &whole.loan);
        }
    }

    #[test]
    fn a_loan_held_in_part_takes_payments_as_the_whole_does(
        borrower in borrower(),
        payments in payments(),
        at_once in 1..4_usize,
        held in 1..8_usize,
        later in 0..40_u64,
    ) {
        let history = history(&borrower, &payments);
        for (first, batch) in history[2..].chunks(at_once).enumerate() {
            let before = replay(&borrower.agreement, &history[..2 + first * at_once]).loan;
            let (from, until) = (batch[0].value_on, batch[batch.len() - 1].value_on + Days::new(later));
            let paid: Vec<(NaiveDate, Amount)> = batch.iter().map(|event| (event.value_on, event.kind.cash())).collect();
            let mut in_part = before.clone();
            in_part.instalments.retain(|one| !one.may_be_omitted(from));
            in_part.instalments.truncate(held);
            if !suffices(&in_part, &paid, until) {
                continue;
            }
            for clock in [from, until] {
                prop_assert_eq!(position(&in_part, clock), position(&before, clock));
                prop_assert_eq!(arrears(&in_part, clock), arrears(&before, clock));
                prop_assert_eq!(payoff(&in_part, clock), payoff(&before, clock));
            }
            let mut whole = before;
            for event in batch {
                prop_assert_eq!(in_part.apply(event), whole.apply(event));
            }
            prop_assert_eq!(position(&in_part, until), position(&whole, until));
            prop_assert_eq!(in_part.oldest_unpaid_due_on(), whole.oldest_unpaid_due_on());
            whole.instalments.retain(|one| in_part.instalments.iter().any(|held| held.promised == one.promised));
            prop_assert_eq!(in_part, whole);
        }
    }

    #[test]
    fn a_replay_takes_events_in_any_order(borrower in borrower(), payments in payments(), turn in any::<usize>()) {
        let history = history(&borrower, &payments);
        let mut turned = history.clone();
        turned.rotate_left(turn % history.len());
        turned.reverse();
        prop_assert_eq!(replay(&borrower.agreement, &turned), replay(&borrower.agreement, &history));
    }

    #[test]
    fn what_always_holds_of_a_loan(borrower in borrower(), payments in payments()) {
        let history = history(&borrower, &payments);
        let loan = replay(&borrower.agreement, &history).loan;
        prop_assume!(loan.disbursed_on.is_some());
        let cash: Amount = history.iter().map(|event| event.kind.cash()).sum();
        let owed: Amount = loan.instalments.iter().map(|one| one.outstanding_total()).sum();
        let (mut earned_before, mut payoff_before) = (Amount::ZERO, Amount::ZERO);
        let threshold_reached = loan.oldest_unpaid_due_on().into_iter().flat_map(|due_on| {
            let days = u64::from(loan.agreement.terms.non_accrual_days);
            [due_on + Days::new(days), due_on + Days::new(days + 1)]
        });
        let last = history.last().unwrap().value_on;
        let mut clocks: Vec<NaiveDate> = clocks(last).chain(threshold_reached.filter(|clock| *clock >= last)).collect();
        clocks.sort();
        for clock in clocks {
            let position = position(&loan, clock);
            prop_assert_eq!(position.total() + cash, Amount::ZERO);
            let (receivable, unearned) = (position.of(Slot::InterestReceivable), -position.of(Slot::Unearned));
            let (income, memo) = (-position.of(Slot::InterestIncome), position.of(Slot::NonAccrualMemo));
            prop_assert!([receivable, unearned, income, memo].iter().all(|balance| !balance.is_negative()));
            prop_assert!(receivable.is_zero() || unearned.is_zero());
            // On the cash basis interest is income when it is paid, and nothing stands in the memo.
            let told = match loan.agreement.terms.basis {
                Basis::Accrual => earned(&loan, clock),
                Basis::Cash => loan.interest_paid,
            };
            prop_assert_eq!(income + memo, told);
            prop_assert!(is_accruing(&loan, clock) || receivable.is_zero());
            // Accruing until the close of the day on which the days overdue reach the threshold.
            let threshold = i64::from(loan.agreement.terms.non_accrual_days);
            let reached = |due_on: NaiveDate| clock > due_on && days_overdue(&loan, clock - Days::new(1)) >= threshold;
            prop_assert_eq!(is_accruing(&loan, clock), !loan.oldest_unpaid_due_on().is_some_and(reached));

            let payoff = payoff(&loan, clock).total();
            prop_assert!(payoff <= owed && payoff >= payoff_before, "{payoff:?} of {owed:?}");
            prop_assert!(loan.settled.is_some() == payoff.is_zero());
            prop_assert!(earned(&loan, clock) >= earned_before);
            prop_assert!(loan.settled.is_none_or(|settlement| settlement.interest == loan.interest_paid));
            (earned_before, payoff_before) = (earned(&loan, clock), payoff);
        }
    }

    #[test]
    fn interest_grows_straight_to_what_is_promised(borrower in borrower()) {
        let loan = replay(&borrower.agreement, &history(&borrower, &[])).loan;
        let interest = &loan.agreement.terms.interest;
        let mut promised = Amount::ZERO;
        for one in &loan.instalments {
            prop_assert_eq!(one.interest_before, promised);
            let weight = |to: NaiveDate| match interest.calculation {
                loans::terms::Calculation::PerPeriod => (to - one.promised.from).num_days(),
                loans::terms::Calculation::Daily => interest.day_count.weight(one.promised.from, to),
            };
            let mut clock = one.promised.from;
            while clock < one.promised.due_on {
                // |earned − exact| ≤ ½, over the common denominator.
                let length = i128::from(weight(one.promised.due_on));
                let exact = i128::from(one.promised.interest.minor()) * i128::from(weight(clock));
                let rounded = i128::from((earned(&loan, clock) - promised).minor()) * length;
                prop_assert!(2 * (rounded - exact).abs() <= length, "{clock}");
                clock = clock + Days::new(1);
            }
            promised += one.promised.interest;
            prop_assert_eq!(earned(&loan, one.promised.due_on), promised);
            let settling = one.settlement_interest_before + one.settlement_interest;
            prop_assert!(settling >= promised && settling <= loan.interest);
            prop_assert!(interest.method == InterestMethod::Flat || settling == promised);
        }
        prop_assert_eq!(promised, loan.interest);
    }

    #[test]
    fn a_payment_and_its_reversal_leave_nothing(borrower in borrower(), payments in payments(), at in any::<usize>()) {
        let history = history(&borrower, &payments);
        let event = history[at % history.len()];
        let without: Vec<Event> = history.iter().copied().filter(|other| other.id != event.id).collect();
        let reversal = Event { id: id(1 << 90), kind: EventKind::Reversed { reverses: event.id }, ..event };
        let with_both: Vec<Event> = history.iter().copied().chain([reversal]).collect();
        prop_assert_eq!(replay(&borrower.agreement, &with_both), replay(&borrower.agreement, &without));
    }
}
