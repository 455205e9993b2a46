//! How payments are split, as tables.

use loans::event::{Event, EventKind};
use loans::loan::Part;
use loans::replay::{Applied, reallocated, replay};
use loans::terms::{Bucket, InterestMethod, Walk};

use crate::support::*;

/// "1i 240.00" is 240.00 for the interest of instalment 1; "over" is what was overpaid.
fn split(applied: &Applied) -> String {
    let line = |line: &loans::allocation::Allocated| match line.instalment {
        Some(number) => format!("{number}{} {}", &line.part.as_str()[..1], print(line.amount)),
        None => format!("over {}", print(line.amount)),
    };
    applied.allocated.iter().map(line).collect::<Vec<_>>().join(", ")
}

/// The order with these buckets first.
fn order(first: &[Bucket]) -> Vec<Bucket> {
    first.iter().copied().chain(Bucket::ALL.iter().copied().filter(|bucket| !first.contains(bucket))).collect()
}

fn check(order: &[Bucket], walk: Walk, paid_on: &str, amount: &str, expected: &str) {
    // 1,200 in three of 400.00 and 24.00 flat, due on the 28th, 31st and 30th of February, March, April.
    let mut terms = monthly(InterestMethod::Flat, 24);
    terms.allocation.order = order.to_vec();
    terms.allocation.walk = walk;
    let history = events([
        (date("2026-01-31"), approved(money("1200"))),
        (date("2026-01-31"), disbursed(money("1200"))),
        (date(paid_on), repaid(money(amount))),
    ]);
    let replayed = replay(&agreement(terms, 3), &history);
    assert_eq!(split(&replayed.applied[2].1), expected, "{walk:?} {paid_on} {amount}");
    let sum = replayed.applied[2].1.allocated.iter().map(|line| line.amount).sum();
    assert_eq!(money(amount), sum);
}

#[test]
fn by_default_the_oldest_instalment_is_paid_whole_interest_first() {
    let order = order(&[]);
    for (paid_on, amount, expected) in [
        ("2026-03-31", "10", "1i 10.00"),
        ("2026-03-31", "30", "1i 24.00, 1p 6.00"),
        ("2026-03-31", "430", "1i 24.00, 1p 400.00, 2i 6.00"),
        ("2026-03-31", "850", "1i 24.00, 1p 400.00, 2i 24.00, 2p 400.00, 3i 2.00"),
        ("2026-02-10", "430", "1i 24.00, 1p 400.00, 2i 6.00"),
    ] {
        check(&order, Walk::ByInstalment, paid_on, amount, expected);
    }
}

#[test]
fn by_part_pays_one_part_across_the_instalments_of_a_class() {
    let order = order(&[]);
    for (paid_on, amount, expected) in [
        // On 15 April two instalments are past due and one is in advance.
        ("2026-04-15", "30", "1i 24.00, 2i 6.00"),
        ("2026-04-15", "500", "1i 24.00, 2i 24.00, 1p 400.00, 2p 52.00"),
        ("2026-04-15", "850", "1i 24.00, 2i 24.00, 1p 400.00, 2p 400.00, 3i 2.00"),
        // On 31 March one is past due, one due, one in advance.
        ("2026-03-31", "430", "1i 24.00, 1p 400.00, 2i 6.00"),
    ] {
        check(&order, Walk::ByPart, paid_on, amount, expected);
    }
}

#[test]
fn the_order_ranks_classes_and_parts() {
    use Bucket::{DueInterest, DuePrincipal, InAdvanceInterest, PastDuePrincipal};
    for (first, walk, amount, expected) in [
        (&[PastDuePrincipal][..], Walk::ByInstalment, "430", "1p 400.00, 1i 24.00, 2i 6.00"),
        // What is due today before what is past due.
        (&[DueInterest, DuePrincipal], Walk::ByInstalment, "430", "2i 24.00, 2p 400.00, 1i 6.00"),
        (&[DueInterest], Walk::ByPart, "430", "2i 24.00, 1i 24.00, 1p 382.00"),
        (&[DueInterest], Walk::ByInstalment, "430", "2i 24.00, 2p 400.00, 1i 6.00"),
        (&[InAdvanceInterest], Walk::ByPart, "30", "3i 24.00, 1i 6.00"),
    ] {
        check(&order(first), walk, "2026-03-31", amount, expected);
    }
}

#[test]
fn a_settlement_takes_all_principal_and_gives_back_interest_paid_ahead() {
    // All interest paid ahead, then settled after one period: 72.00 paid, 35.65 (2.9709 %) earned at the true rate.
    let mut terms = monthly(InterestMethod::Flat, 24);
    terms.allocation.order = order(&[Bucket::InAdvanceInterest]);
    terms.allocation.walk = Walk::ByPart;
    let agreement = agreement(terms, 3);
    let mut history = events([
        (date("2026-01-31"), approved(money("1200"))),
        (date("2026-01-31"), disbursed(money("1200"))),
        (date("2026-01-31"), repaid(money("72"))),
        (date("2026-02-28"), repaid(money("1200"))),
    ]);
    let replayed = replay(&agreement, &history);
    let splits: Vec<String> = replayed.applied.iter().map(|(_, applied)| split(applied)).collect();
    assert_eq!(splits[2], "1i 24.00, 2i 24.00, 3i 24.00");
    let earned = replayed.loan.interest_paid;
    assert_eq!(print(earned), "35.65");
    assert_eq!(splits[3], "1p 400.00, 2i -12.35, 2p 400.00, 3i -24.00, 3p 400.00, over 36.35");

    // Taking the first payment back moves the second: its lines are corrected, those of the first are undone.
    let before = replayed.applied;
    let (value_on, booked_on) = (date("2026-01-31"), date("2026-03-02"));
    history.push(Event { id: id(5), value_on, booked_on, kind: EventKind::Reversed { reverses: id(3) } });
    let after = replay(&agreement, &history).applied;
    assert_eq!(split(&after[2].1), "2i 24.00, 3i 24.00, 1i 24.00, 1p 400.00, 2p 400.00, 3p 328.00");
    let corrections = reallocated(&before, &after);
    let undone: Vec<_> = corrections.iter().filter(|line| line.event == id(3)).map(|line| line.line).collect();
    assert_eq!(undone.len(), 3);
    assert!(undone.iter().all(|line| line.part == Part::Interest && line.amount == money("-24")));
    assert_eq!(corrections.iter().map(|line| line.line.amount).sum::<kernel::amount::Amount>(), money("-72"));
}
