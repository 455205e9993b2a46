//! Which events may be recorded.

use loans::event::{Event, EventKind, HistoryWouldBreak, Impossible};
use loans::position::{Slot, cash_leg, position};
use loans::replay::{check, replay};

use crate::support::*;

fn event(number: u128, on: &str, kind: EventKind) -> Event {
    Event { id: id(number), value_on: date(on), booked_on: date(on), kind }
}

fn reversal(number: u128, on: &str, reverses: u128) -> Event {
    event(number, on, EventKind::Reversed { reverses: id(reverses) })
}

#[test]
fn an_event_that_breaks_the_history_is_refused() {
    let history = [
        event(1, "2026-01-20", approved(money("12000"))),
        event(2, "2026-01-31", disbursed(money("12000"))),
        event(3, "2026-02-28", repaid(money("1134.72"))),
        event(4, "2026-03-31", repaid(money("500"))),
        reversal(5, "2026-03-31", 4),
    ];
    let amount = money("12000");
    let cases = [
        // A repayment that counts before the disbursement.
        (event(9, "2026-01-30", repaid(money("10"))), Some((9, Impossible::NotDisbursed))),
        (event(9, "2026-01-31", repaid(money("10"))), None),
        (event(9, "2026-03-01", repaid(money("99999"))), None),
        // Taking away what later events stand on.
        (reversal(9, "2026-01-31", 2), Some((3, Impossible::NotDisbursed))),
        (reversal(9, "2026-01-20", 1), Some((2, Impossible::NotApproved))),
        (event(9, "2026-01-25", EventKind::ApprovalLapsed), Some((2, Impossible::NotApproved))),
        (event(9, "2026-01-25", disbursed(money("1"))), Some((2, Impossible::AlreadyDisbursed))),
        // What cannot follow.
        (event(9, "2026-01-21", approved(amount)), Some((9, Impossible::AlreadyApproved))),
        (event(9, "2026-03-01", approved(amount)), Some((9, Impossible::AlreadyDisbursed))),
        (event(9, "2026-03-01", disbursed(amount)), Some((9, Impossible::AlreadyDisbursed))),
        (event(9, "2026-03-01", EventKind::ApprovalLapsed), Some((9, Impossible::NotApproved))),
        (event(9, "2026-01-30", EventKind::Renegotiated { flag: true }), Some((9, Impossible::NotDisbursed))),
        // Reversals.
        (reversal(9, "2026-02-28", 3), None),
        (reversal(9, "2026-02-28", 7), Some((9, Impossible::NothingToReverse))),
        (reversal(9, "2026-03-31", 4), Some((9, Impossible::AlreadyReversed))),
        (reversal(9, "2026-03-31", 5), Some((9, Impossible::ReversesReversal))),
    ];
    for (new, expected) in cases {
        let refusal = check(&w02(), &history, &new).err();
        let expected = expected.map(|(number, why)| HistoryWouldBreak { event: id(number), why });
        assert_eq!(refusal, expected, "{new:?}");
    }
}

#[test]
fn more_than_approved_or_without_a_schedule_is_not_disbursed() {
    let history = [event(1, "2026-01-20", approved(money("12000")))];
    let above = check(&w02(), &history, &event(2, "2026-01-31", disbursed(money("12000.01")))).err().unwrap();
    assert_eq!(above.why, Impossible::AboveApproved { approved: money("12000") });
    let none = agreement((*w02().terms).clone(), 0);
    let refused = check(&none, &history, &event(2, "2026-01-31", disbursed(money("12000")))).err().unwrap();
    assert_eq!(refused.why, Impossible::NoSchedule);
    // Less than approved pays the loan out, and the rest of the commitment is released.
    let less = check(&w02(), &history, &event(2, "2026-01-31", disbursed(money("9000")))).unwrap().loan;
    assert_eq!((less.committed, less.principal), (money("0"), money("9000")));
}

#[test]
fn the_books_balance_even_over_events_that_should_not_have_been_recorded() {
    let kept_back = EventKind::Disbursed { amount: money("500"), deducted_fees: money("20"), withheld: money("30") };
    let history = [
        event(1, "2026-01-10", repaid(money("70"))),
        event(2, "2026-01-20", kept_back),
        event(3, "2026-01-21", approved(money("12000"))),
        event(4, "2026-01-31", disbursed(money("12000"))),
        event(5, "2026-02-10", kept_back),
        reversal(6, "2026-01-31", 99),
    ];
    let replayed = replay(&w02(), &history);
    let impossible: Vec<_> = replayed.applied.iter().filter_map(|(_, applied)| applied.impossible).collect();
    assert_eq!(impossible, [Impossible::NotDisbursed, Impossible::NotApproved, Impossible::AlreadyDisbursed]);
    let cash = history.iter().map(|event| cash_leg(event, &history)).sum();
    for clock in ["2026-01-05", "2026-02-20", "2028-01-01"] {
        let position = position(&replayed.loan, date(clock));
        assert_eq!(position.total() + cash, money("0"), "{clock}");
        assert_eq!(print(position.of(Slot::Overpayment)), "830.00");
    }
    // Recording goes on: what was impossible before is no reason to refuse what is possible now.
    assert!(check(&w02(), &history, &event(7, "2026-02-28", repaid(money("10")))).is_ok());
}

#[test]
fn a_reversal_gives_the_loan_that_would_be_without_both() {
    let mut history = vec![
        event(1, "2026-01-31", approved(money("12000"))),
        event(2, "2026-01-31", disbursed(money("12000"))),
        event(3, "2026-02-20", repaid(money("2000"))),
        event(4, "2026-03-31", repaid(money("300"))),
    ];
    let without: Vec<Event> = history.iter().copied().filter(|event| event.id != id(3)).collect();
    history.push(Event { booked_on: date("2026-04-02"), ..reversal(5, "2026-02-20", 3) });
    assert_eq!(replay(&w02(), &history), replay(&w02(), &without));
    assert_eq!(cash_leg(&history[4], &history), money("-2000"));
}

#[test]
fn events_of_one_day_count_in_the_order_of_their_rank_whatever_their_ids() {
    let on = "2026-01-31";
    let history = [
        event(5, on, approved(money("12000"))),
        event(4, on, disbursed(money("12000"))),
        event(3, on, EventKind::Renegotiated { flag: true }),
        event(2, on, repaid(money("100"))),
        event(1, on, repaid(money("50"))),
    ];
    let order: Vec<_> = replay(&w02(), &history).applied.iter().map(|(event, _)| event.as_u128()).collect();
    assert_eq!(order, [5, 4, 3, 1, 2]);
    let lapsed = [event(5, on, approved(money("12000"))), event(4, on, EventKind::ApprovalLapsed)];
    let replayed = replay(&w02(), &lapsed);
    assert!(replayed.applied.iter().all(|(_, applied)| applied.impossible.is_none()));
    assert_eq!((replayed.loan.status(), replayed.loan.committed), (None, money("0")));
}
