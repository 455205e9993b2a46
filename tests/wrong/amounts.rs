//! Amounts and dates.

use super::refused;
use crate::harness::*;

#[test]
fn amounts_are_exact_decimal_strings() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let path = loan.path("repayments");
    let malformed = [
        "",
        " ",
        "1e400",
        "1E3",
        "-",
        "+1.00",
        "1,000.00",
        "1 000",
        "1.",
        ".5",
        "01.00",
        "00",
        "0x10",
        "NaN",
        "Infinity",
        "-Infinity",
        "1.00000",
        "1234567890123456",
        "99999999999999999999999999999",
        "1.0.0",
        "ten",
        "１.00",
        "1.00 ",
        "\u{200b}1",
        "−5.00",
        "1_000",
        "1'000",
    ];
    for amount in malformed {
        refused(teller.post(&path, &json!({"amount": amount, "channel": "cash"})), 400, "request.malformed", "/amount");
    }
    for amount in [
        json!(10),
        json!(10.5),
        json!(null),
        json!(true),
        json!(["1.00"]),
        json!({"amount": "1.00", "currency": "KES"}),
    ] {
        refused(teller.post(&path, &json!({"amount": amount, "channel": "cash"})), 400, "request.malformed", "/amount");
    }
    house.must_hold(&[]);
}

#[test]
fn amounts_are_more_than_nothing_and_no_finer_than_money() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let path = loan.path("repayments");
    let unbookable = [
        ("0.001", "amount.too_fine"),
        ("10.0001", "amount.too_fine"),
        ("999999999999999", "amount.too_large"),
        ("999999999999999.9900", "amount.too_large"),
        ("0", "amount.not_positive"),
        ("0.00", "amount.not_positive"),
        ("-0", "amount.not_positive"),
        ("-0.00", "amount.not_positive"),
        ("-5.00", "amount.not_positive"),
    ];
    for (amount, code) in unbookable {
        for query in ["", "?dry_run=true"] {
            refused(
                teller.post(&format!("{path}{query}"), &json!({"amount": amount, "channel": "cash"})),
                422,
                code,
                "/amount",
            );
        }
    }
    for (amount, shown) in [("1", "1.00"), ("1.5", "1.50"), ("2.5000", "2.50"), ("0.01", "0.01")] {
        let paid = teller.post(&path, &json!({"amount": amount, "channel": "cash"})).ok(201);
        assert_eq!(paid["transaction"]["amount"], shown);
    }
    house.must_hold(&[]);
}

#[test]
fn large_amounts_do_not_overflow() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    // The most that can be named is taken, and stands in what is owed to the client.
    let most = "9999999999999.99";
    let paid = house.repay(loan, most).ok(201);
    assert_eq!(paid["transaction"]["amount"], most);
    assert_eq!(paid["loan"]["status"], "overpaid");
    let accountant = house.session("accountant@nrb");
    for _ in 0..3 {
        accountant.post("/v1/journal-entries", &house.entry_request("nrb", most)).expect(201);
    }
    let report = house.session("accountant@hq").get("/v1/reports/trial-balance").ok(200);
    assert_eq!(report["total_debit"], report["total_credit"]);
    house.must_hold(&[]);
}

#[test]
fn dates_are_days_of_this_calendar() {
    let house = Institution::on("2026-03-15");
    let loan = house.active_loan("nrb");
    let manager = house.session("branch_manager@nrb");
    let path = loan.path("repayments");
    let pay = |paid_on: Value| manager.post(&path, &json!({"amount": "1.00", "channel": "cash", "paid_on": paid_on}));
    let none = [
        "2026-02-29",
        "2026-02-30",
        "2026-13-01",
        "2026-00-10",
        "0001-01-01",
        "9999-12-31",
        "1899-12-31",
        "2200-01-01",
        "26-01-01",
        "2026-1-1",
        "2026-01-31T00:00:00Z",
        "31.01.2026",
        "01/31/2026",
        "today",
        "",
        "2026-01-31 ",
        "+2026-01-31",
        "-2026-01-31",
        "20260131",
    ];
    for day in none {
        refused(pay(json!(day)), 400, "request.malformed", "/paid_on");
    }
    refused(pay(json!(20260131)), 400, "request.malformed", "/paid_on");
    refused(pay(json!("2026-03-16")), 422, "date.in_the_future", "/paid_on");
    refused(pay(json!("2199-12-31")), 422, "date.in_the_future", "/paid_on");
    pay(json!(null)).expect(201);
    pay(json!("2026-03-15")).expect(201);
    // Before the loan there was nothing to pay.
    let early = pay(json!("2026-03-14"));
    assert!(matches!(early.status, 409 | 422), "{}", early.text);
    pay(json!("1900-01-01")).expect(early.status);
    house.must_hold(&[]);
}

#[test]
fn back_dating_is_a_right_with_a_limit() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let accountant = house.session("accountant@hq");
    accountant.post("/v1/business-date/close", &json!({"through": "2026-02-28"})).expect(200);
    let (teller, manager) = (house.session("teller@nrb"), house.session("branch_manager@nrb"));
    let on = |day: &str| json!({"amount": "10.00", "channel": "cash", "paid_on": day});
    let path = loan.path("repayments");
    teller.post(&path, &on("2026-02-27")).problem(403, "access.forbidden");
    teller.post(&path, &on("2026-03-01")).expect(201);
    manager.post(&path, &on("2026-02-01")).expect(201);
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"backdating_limit_days": 10})).expect(200);
    refused(manager.post(&path, &on("2026-02-18")), 422, "date.back_dated_too_far", "/paid_on");
    let paid = manager.post(&path, &on("2026-02-19")).ok(201);
    assert_eq!(
        (paid["transaction"]["on"].as_str(), paid["transaction"]["booked_on"].as_str()),
        (Some("2026-02-19"), Some("2026-03-01"))
    );
    house.must_hold(&[]);
}
