//! Interest that is no longer income: from the close of the day on which the days overdue reach the product's threshold, until
//! the oldest unpaid due date moves on.

use super::bank::{self, Plan, balances, change, expected, show};
use crate::harness::*;

fn terms(more: &Value) -> Value {
    let mut terms = json!({"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}});
    bank::merge(&mut terms, more);
    terms
}

#[test]
fn ninety_days_and_the_cure() {
    let house = Institution::start();
    // Due on 28 February: the ninetieth day after is 29 May, and its close takes the income back.
    let loan = bank::lend(&house, &Plan::of(house.product("W02"), 12_000_00, 12));
    let closes = |through: &str| {
        let before = balances(&house);
        bank::close(&house, through);
        change(&before, &balances(&house))
    };
    closes("2026-05-27");
    let earned = balances(&house)["1310"];
    assert_eq!(balances(&house)["4010"], -earned);
    assert_eq!(closes("2026-05-28"), expected(&[("1310", 5_98), ("4010", -5_98)]), "the last night of income");
    let receivable = balances(&house)["1310"];
    let entered = closes("2026-05-29");
    assert_eq!((entered["1310"], entered["4010"]), (-receivable, receivable));
    assert_eq!(entered["9050"], -entered["9051"]);
    assert_eq!(entered["9050"], receivable + 5_97, "with that night's");
    let entries =
        house.session("auditor@hq").get("/v1/journal-entries?booked_from=2026-05-29&booked_to=2026-05-29").ok(200);
    let entry = house
        .session("auditor@hq")
        .get(&format!("/v1/journal-entries/{}", entries["data"][0]["id"].as_str().unwrap()))
        .ok(200);
    let named = entry["lines"].as_array().unwrap().iter().filter(|line| line["subject_id"] == json!(loan.id)).count();
    assert_eq!(named, 4, "a loan that ceases to accrue has lines of its own");
    // The memo grows on, income does not; what is collected is income, and the payoff knows the memo.
    let memo = closes("2026-05-31");
    assert_eq!((memo.len(), memo["9050"] > 0), (2, true), "{memo:?}");
    let payoff = show(&house, loan, "payoff");
    assert_eq!(bank::cents(&payoff["interest"]), balances(&house)["9050"]);
    let before = balances(&house);
    bank::pay(&house, loan, 100_00, None);
    let booked = expected(&[("1020", 100_00), ("4010", -100_00), ("9050", -100_00), ("9051", 100_00)]);
    assert_eq!(change(&before, &balances(&house)), booked, "a part of the oldest instalment cures nothing");
    // Paying the oldest instalment moves the date on: the rest of the memo is a receivable and income again.
    let memo = balances(&house)["9050"];
    let before = balances(&house);
    bank::pay(&house, loan, 1_034_72, None);
    let rest = memo - 140_00;
    let booked = [
        ("1020", 1_034_72),
        ("1210", -894_72),
        ("1310", rest),
        ("4010", -140_00 - rest),
        ("9050", -memo),
        ("9051", memo),
    ];
    assert_eq!(change(&before, &balances(&house)), expected(&booked));
    let night = closes("2026-06-01");
    assert_eq!((night.len(), night["1310"] + night["4010"]), (2, 0), "accrues again: {night:?}");
    house.must_hold(&[]);
}

#[test]
fn the_threshold_is_the_products_and_a_day_closed_late_books_the_same() {
    let house = Institution::start();
    let none_yet = bank::product(&house, "NA30", &terms(&json!({"non_accrual_days": 30})), &json!({}));
    let loan = bank::lend(&house, &Plan::of(none_yet, 12_000_00, 12));
    let before = balances(&house);
    bank::close(&house, "2026-03-29");
    assert_eq!(change(&before, &balances(&house)), expected(&[("1310", 454_95), ("4010", -454_95)]));
    let before = balances(&house);
    bank::close(&house, "2026-03-30");
    let booked = [("1310", -454_95), ("4010", 454_95), ("9050", 462_11), ("9051", -462_11)];
    assert_eq!(change(&before, &balances(&house)), expected(&booked));
    let before = balances(&house);
    bank::pay(&house, loan, 1_134_72, None);
    let booked = [
        ("1020", 1_134_72),
        ("1210", -894_72),
        ("1310", 222_11),
        ("4010", -462_11),
        ("9050", -462_11),
        ("9051", 462_11),
    ];
    assert_eq!(change(&before, &balances(&house)), expected(&booked));
    // A payment that had come in time makes it as if it had never been.
    let other = bank::lend(&house, &Plan { disbursed_on: Some("2026-01-31"), ..Plan::of(none_yet, 12_000_00, 12) });
    let balance = balances(&house);
    assert_eq!((balance["1310"], balance["9050"]), (222_11, 462_11), "known late, it never was income");
    let before = balances(&house);
    bank::pay(&house, other, 1_134_72, Some("2026-02-28"));
    let booked = [
        ("1020", 1_134_72),
        ("1210", -894_72),
        ("1310", 222_11),
        ("4010", -462_11),
        ("9050", -462_11),
        ("9051", 462_11),
    ];
    assert_eq!(change(&before, &balances(&house)), expected(&booked));
    house.must_hold(&[]);
}
