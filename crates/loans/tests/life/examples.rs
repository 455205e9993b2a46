//! Loans that were worked by hand, and what the rules say at their edges.

use chrono::Days;
use loans::accrual::is_accruing;
use loans::event::EventKind;
use loans::loan::Status;
use loans::payoff::payoff;
use loans::position::{Slot, arrears, days_overdue, difference, position};
use loans::replay::replay;
use loans::terms::InterestMethod;

use crate::support::*;

#[test]
fn the_nights_of_the_first_month_add_up_to_its_interest() {
    let loan = lent(&w02(), &[]);
    let (mut clock, mut sum) = (date("2026-01-31"), money("0"));
    while clock < date("2026-02-28") {
        let next = clock + Days::new(1);
        let night = difference(&position(&loan, next), &position(&loan, clock));
        assert_eq!(night.lines().count(), 2, "{clock}: {}", lines(&night));
        // 240.00 over 28 nights is 8.571428…: the running sum is rounded, so a night is 8.57 or 8.58.
        let interest = night.of(Slot::InterestReceivable);
        assert!([money("8.57"), money("8.58")].contains(&interest), "{clock}: {}", print(interest));
        sum += interest;
        clock = next;
    }
    assert_eq!(print(sum), "240.00");
}

#[test]
fn the_mini_ledger_of_the_domain() {
    // Both loans of 12,000, A paying its instalment in full, B paying 1,000 of 1,240.
    for (agreement, paid, principal_paid, night) in
        [(w02(), "1134.72", "894.72", "7.16"), (w01(), "1000", "760.00", "7.74")]
    {
        let before = lent(&agreement, &[]);
        let after = lent(&agreement, &[("2026-02-28", paid)]);
        let day = date("2026-02-28");
        assert_eq!(balance(&before, "2026-02-28", Slot::InterestReceivable), "240.00");
        let entry = difference(&position(&after, day), &position(&before, day));
        assert_eq!(lines(&entry), format!("loan_portfolio -{principal_paid}, interest_receivable -240.00"));
        let close = difference(&position(&after, day + Days::new(1)), &position(&after, day));
        assert_eq!(lines(&close), format!("interest_receivable {night}, interest_income -{night}"));
    }
}

#[test]
fn kept_back_fees_and_savings_are_booked_at_the_disbursement() {
    let on = date("2026-01-31");
    let kind = EventKind::Disbursed { amount: money("12000"), deducted_fees: money("240"), withheld: money("1200") };
    let history = events([(on, approved(money("12000"))), (on, kind)]);
    let committed = position(&replay(&w02(), &history[..1]).loan, on);
    assert_eq!(lines(&committed), "commitment 12,000.00, commitment_contra -12,000.00");
    let lent = position(&replay(&w02(), &history).loan, on);
    assert_eq!(lines(&lent), "loan_portfolio 12,000.00, fee_income -240.00, compulsory_savings -1,200.00");
    assert_eq!(kind.cash(), -lent.total());
}

#[test]
fn flat_interest_is_rebated_at_the_true_rate() {
    // W25. The dates are those of a loan of 31 January, so the sixth instalment is due on 31 July.
    let paid: Vec<(&str, &str)> = ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31", "2026-06-30", "2026-07-31"]
        .map(|on| (on, "1240"))
        .into();
    let after_six = lent(&w01(), &paid);
    let settling = payoff(&after_six, date("2026-07-31"));
    assert_eq!((print(settling.total()).as_str(), print(settling.falls_away).as_str()), ("6,612.78", "827.22"));

    // Two instalments behind, the same debt and the two instalments.
    let behind = lent(&w01(), &paid[..4]);
    assert_eq!(print(payoff(&behind, date("2026-07-31")).total()), "9,092.78");
    // Half-way through the seventh period, half of its interest at the true rate: 6,612.78 × 3.4753 % ÷ 31 × 15.
    assert_eq!(print(payoff(&after_six, date("2026-08-15")).total()), "6,723.98");
    // Nothing is left to fall away at the end.
    let at_the_end = payoff(&after_six, date("2027-01-31"));
    assert_eq!((print(at_the_end.total()).as_str(), at_the_end.falls_away), ("7,440.00", money("0")));
}

#[test]
fn interest_of_elapsed_instalments_never_falls_away() {
    // 5 cents of flat interest on 50.00 in ten instalments: a cent in each of the first five. At the true rate four
    // would do for half of the term.
    let mut terms = monthly(InterestMethod::Flat, 0);
    terms.interest.rate.percent = "0.12".parse().unwrap();
    let lent_on = date("2026-01-01");
    let mut facts = vec![(lent_on, approved(money("50"))), (lent_on, disbursed(money("50")))];
    facts.extend(
        ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
            .map(|on| (date(on), repaid(money("5.01")))),
    );
    let loan = replay(&agreement(terms, 10), &events(facts)).loan;
    let settling = payoff(&loan, date("2026-06-01"));
    assert_eq!((print(settling.principal), print(settling.interest)), ("25.00".into(), "0.00".into()));
}

#[test]
fn a_payoff_settles_and_the_rest_is_overpaid() {
    let on = "2026-03-10";
    let open = lent(&w02(), &[("2026-02-28", "1134.72")]);
    // 11,105.28 and ten of 31 nights of 222.11.
    assert_eq!(print(payoff(&open, date(on)).total()), "11,176.93");

    let one_less = lent(&w02(), &[("2026-02-28", "1134.72"), (on, "11176.92")]);
    assert_eq!(one_less.status(), Some(Status::Active));
    let exact = lent(&w02(), &[("2026-02-28", "1134.72"), (on, "11176.93")]);
    assert_eq!(exact.status(), Some(Status::Closed));
    let more = lent(&w02(), &[("2026-02-28", "1134.72"), (on, "11200"), ("2026-03-31", "50")]);
    assert_eq!((more.status(), print(more.overpaid).as_str()), (Some(Status::Overpaid), "73.07"));
    for settled in [&exact, &more] {
        assert_eq!(print(settled.interest_paid), "311.65");
        assert_eq!(payoff(settled, date("2026-05-01")).total(), money("0"));
        assert_eq!((settled.oldest_unpaid_due_on(), settled.principal_outstanding()), (None, money("0")));
        // Its interest is final: no night accrues any more.
        assert_eq!(position(settled, date("2026-03-10")), position(settled, date("2027-03-10")));
    }
}

#[test]
fn interest_paid_ahead_is_used_up_night_by_night_and_comes_back_in_the_payoff() {
    // The first instalment, paid two weeks early: 120.00 of its 240.00 is not earned yet.
    let loan = lent(&w02(), &[("2026-02-14", "1134.72")]);
    let slots = |clock: &str| {
        [Slot::InterestReceivable, Slot::Unearned, Slot::InterestIncome].map(|slot| balance(&loan, clock, slot))
    };
    assert_eq!(slots("2026-02-14"), ["0.00", "-120.00", "-120.00"]);
    assert_eq!(slots("2026-02-15"), ["0.00", "-111.43", "-128.57"]);
    assert_eq!(slots("2026-02-28"), ["0.00", "0.00", "-240.00"]);
    assert_eq!(slots("2026-03-01"), ["7.16", "0.00", "-247.16"]);

    let settling = payoff(&loan, date("2026-02-14"));
    assert_eq!((print(settling.principal).as_str(), print(settling.interest).as_str()), ("11,105.28", "-120.00"));
    let settled = lent(&w02(), &[("2026-02-14", "1134.72"), ("2026-02-14", "10985.28")]);
    assert_eq!((settled.status(), print(settled.interest_paid).as_str()), (Some(Status::Closed), "120.00"));
    assert_eq!(balance(&settled, "2026-02-14", Slot::InterestIncome), "-120.00");
}

#[test]
fn interest_stops_being_income_when_90_days_overdue_and_starts_again_with_the_oldest_debt_paid() {
    // Due on 28 February: 29 May is the 90th day overdue, and its close takes the accrued interest back.
    let loan = lent(&w02(), &[]);
    let day = date("2026-05-29");
    assert_eq!((days_overdue(&loan, day), is_accruing(&loan, day)), (90, true));
    let accrued = balance(&loan, "2026-05-29", Slot::InterestReceivable);
    let close = difference(&position(&loan, date("2026-05-30")), &position(&loan, day));
    let memo = balance(&loan, "2026-05-30", Slot::NonAccrualMemo);
    let taken_back = format!("interest_receivable -{accrued}, interest_income {accrued}");
    assert_eq!(lines(&close), format!("{taken_back}, non_accrual_memo {memo}, non_accrual_contra -{memo}"));
    // The contract's interest goes on in the memo and stays in the payoff.
    let next = difference(&position(&loan, date("2026-05-31")), &position(&loan, date("2026-05-30")));
    assert_eq!(next.lines().map(|(slot, _)| slot).collect::<Vec<_>>(), [Slot::NonAccrualMemo, Slot::NonAccrualContra]);
    assert_eq!(print(payoff(&loan, date("2026-05-31")).interest), balance(&loan, "2026-05-31", Slot::NonAccrualMemo),);

    // A part of the oldest instalment: what is collected is income, the loan stays where it is.
    let part = lent(&w02(), &[("2026-06-10", "100")]);
    let collected = difference(&position(&part, date("2026-06-10")), &position(&loan, date("2026-06-10")));
    assert_eq!(lines(&collected), "interest_income -100.00, non_accrual_memo -100.00, non_accrual_contra 100.00");
    // All of it: the oldest debt is now of 31 March, 71 days old, and the earned interest is income again.
    let cured = lent(&w02(), &[("2026-06-10", "1134.72")]);
    assert_eq!((days_overdue(&cured, date("2026-06-10")), is_accruing(&cured, date("2026-06-10"))), (71, true));
    assert_eq!(balance(&cured, "2026-06-10", Slot::NonAccrualMemo), "0.00");
    let unpaid = position(&loan, date("2026-06-10")).of(Slot::NonAccrualMemo) - money("240");
    assert_eq!(position(&cured, date("2026-06-10")).of(Slot::InterestReceivable), unpaid);
}

#[test]
fn contract_interest_stops_at_the_last_due_date() {
    let mut terms = monthly(InterestMethod::Declining, 24);
    terms.non_accrual_days = u16::MAX;
    let loan = lent(&agreement(terms, 12), &[]);
    for clock in ["2027-01-31", "2027-02-01", "2030-01-01"] {
        assert_eq!(balance(&loan, clock, Slot::InterestReceivable), "1,616.59", "{clock}");
        assert_eq!(print(payoff(&loan, date(clock)).total()), "13,616.59", "{clock}");
    }
}

#[test]
fn what_falls_due_today_is_not_overdue_yet() {
    let loan = lent(&w02(), &[("2026-02-28", "1000")]);
    let cases = [
        ("2026-02-28", 0, "0.00", "0.00"),
        ("2026-03-01", 1, "134.72", "0.00"),
        ("2026-04-01", 32, "1,047.33", "222.11"),
    ];
    for (as_of, days, principal, interest) in cases {
        let arrears = arrears(&loan, date(as_of));
        assert_eq!(
            (arrears.days_overdue, print(arrears.principal), print(arrears.interest)),
            (days, principal.into(), interest.into()),
            "{as_of}"
        );
    }
}

#[test]
fn the_statuses_of_a_life() {
    let lent_on = date("2026-01-31");
    // One night of 200.00 over 28 is 7.14, two are 14.29.
    let life = [
        (date("2026-01-10"), approved(money("12000")), Some(Status::Approved)),
        (date("2026-01-12"), EventKind::ApprovalLapsed, None),
        (date("2026-01-15"), approved(money("12000")), Some(Status::Approved)),
        (lent_on, disbursed(money("10000")), Some(Status::Active)),
        (date("2026-02-01"), repaid(money("5000")), Some(Status::Active)),
        (date("2026-02-02"), repaid(money("5014.29")), Some(Status::Closed)),
        (date("2026-02-03"), repaid(money("0.01")), Some(Status::Overpaid)),
    ];
    let history = events(life.iter().map(|(on, kind, _)| (*on, *kind)));
    for (last, (on, _, status)) in life.iter().enumerate() {
        assert_eq!(replay(&w02(), &history[..=last]).loan.status(), *status, "{on}");
    }
}

#[test]
fn a_renegotiated_loan_is_flagged_until_it_is_cured() {
    let mut history = events([
        (date("2026-01-31"), approved(money("12000"))),
        (date("2026-01-31"), disbursed(money("12000"))),
        (date("2026-03-10"), EventKind::Renegotiated { flag: true }),
        (date("2026-04-10"), EventKind::Renegotiated { flag: true }),
    ]);
    assert_eq!(replay(&w02(), &history).loan.renegotiated_since, Some(date("2026-03-10")));
    history.push(loans::event::Event {
        id: id(9),
        value_on: date("2026-09-10"),
        booked_on: date("2026-09-10"),
        kind: EventKind::Renegotiated { flag: false },
    });
    assert_eq!(replay(&w02(), &history).loan.renegotiated_since, None);
}
