//! Value dates: who may say that something happened earlier, what it changes, and what it does not.

use super::bank::{self, Plan, balances, change, expected, lend, pay, reverse, show};
use crate::harness::people::id;
use crate::harness::*;

fn w02(house: &Institution) -> Plan {
    Plan::of(house.product("W02"), 12_000_00, 12)
}

#[test]
fn back_dating_needs_a_permission_and_has_a_limit() {
    let house = Institution::start();
    let loan = lend(&house, &w02(&house));
    let (waiting, untouched) = (house.applied_loan("nrb"), house.approved_loan("nrb"));
    bank::open_day(&house, "2026-03-15");
    let (teller, manager, officer) =
        (house.session("teller@nrb"), house.session("branch_manager@nrb"), house.session("loan_officer@nrb"));
    let on = |day: &str| json!({"amount": "10.00", "channel": "cash", "paid_on": day});
    let path = loan.path("repayments");
    teller.post(&path, &on("2026-03-14")).problem(403, "access.forbidden");
    teller.post(&path, &on("2026-03-15")).expect(201);
    let body = manager.post(&path, &on("2026-03-16")).problem(422, "date.in_the_future");
    assert_eq!(body["errors"][0]["pointer"], "/paid_on");
    manager.post(&path, &on("2026-02-01")).expect(201);
    let before = manager.post(&path, &on("2026-01-30")).problem(409, "loan.history_would_break");
    assert!(before["detail"].as_str().unwrap().contains("not disbursed"), "{before}");
    // The institution's limit.
    let admin = house.session("admin@hq");
    let limit = |days: Value| {
        let etag = admin.get("/v1/settings").expect(200).etag();
        admin.patch("/v1/settings", &etag, &json!({"backdating_limit_days": days})).expect(200);
    };
    limit(json!(10));
    manager.post(&path, &on("2026-03-05")).expect(201);
    let body = manager.post(&path, &on("2026-03-04")).problem(422, "date.back_dated_too_far");
    assert_eq!(body["errors"][0]["pointer"], "/paid_on");
    manager
        .post(&waiting.path("approve"), &json!({"approved_on": "2026-03-04"}))
        .problem(422, "date.back_dated_too_far");
    manager.post(&waiting.path("approve"), &json!({"approved_on": "2026-03-16"})).problem(422, "date.in_the_future");
    manager.post(&waiting.path("approve"), &json!({"approved_on": "2026-03-06"})).expect(200);
    let disburse = |day: &str| json!({"disbursed_on": day, "channel": "cash"});
    let body = manager.post(&waiting.path("disburse"), &disburse("2026-03-04")).problem(422, "date.back_dated_too_far");
    assert_eq!(body["errors"][0]["pointer"], "/disbursed_on");
    manager.post(&waiting.path("disburse"), &disburse("2026-03-05")).problem(409, "loan.history_would_break");
    teller.post(&untouched.path("disburse"), &disburse("2026-03-06")).problem(403, "access.forbidden");
    manager.post(&waiting.path("disburse"), &disburse("2026-03-06")).expect(200);
    assert_eq!(show(&house, waiting, "")["disbursed_on"], "2026-03-06");
    let mut request = house.loan_request(house.client("nrb"), "W02");
    request["applied_on"] = json!("2026-03-14");
    officer.post("/v1/loans", &request).problem(403, "access.forbidden");
    manager.post("/v1/loans", &request).expect(201);
    request["applied_on"] = json!("2026-03-16");
    manager.post("/v1/loans", &request).problem(422, "date.in_the_future");
    let flag = |day: &str| json!({"on": day, "reason": "Flood"});
    manager.post(&loan.path("renegotiated"), &flag("2026-03-16")).problem(422, "date.in_the_future");
    manager.post(&loan.path("renegotiated"), &flag("2026-03-04")).problem(422, "date.back_dated_too_far");
    limit(json!(0));
    manager.post(&path, &on("2026-03-14")).problem(422, "date.back_dated_too_far");
    teller.post(&path, &on("2026-03-15")).expect(201);
    limit(Value::Null);
    manager.post(&path, &on("2026-02-01")).expect(201);
    house.must_hold(&[]);
}

/// A loan disbursed days ago earns at once what its nights would have brought.
#[test]
fn a_disbursement_known_later_catches_up() {
    let house = Institution::on("2026-02-15");
    let before = balances(&house);
    let loan = lend(&house, &Plan { disbursed_on: Some("2026-01-31"), ..w02(&house) });
    let booked = [("1020", -11_760_00), ("1210", 12_000_00), ("4020", -240_00), ("1310", 128_57), ("4010", -128_57)];
    assert_eq!(change(&before, &balances(&house)), expected(&booked), "15 nights of 240.00 over 28");
    bank::open_day(&house, "2026-02-28");
    assert_eq!(balances(&house)["1310"], 240_00);
    assert_eq!(show(&house, loan, "schedule")["instalments"][0]["due_on"], "2026-02-28");
    house.must_hold(&[]);
}

#[test]
fn the_schedule_and_the_list_as_they_were_known() {
    let house = Institution::start();
    let loan = lend(&house, &w02(&house));
    bank::open_day(&house, "2026-03-10");
    pay(&house, loan, 1_134_72, Some("2026-02-28"));
    bank::open_day(&house, "2026-04-05");
    let late = pay(&house, loan, 1_134_72, None)["transaction"].clone();
    bank::open_day(&house, "2026-04-10");
    let paid = |as_of: &str| -> Vec<String> {
        let schedule = show(&house, loan, &format!("schedule?as_of={as_of}"));
        schedule["instalments"].as_array().unwrap()[..3]
            .iter()
            .map(|one| one["paid"]["total"].as_str().unwrap().to_owned())
            .collect()
    };
    let none = ["0.00", "0.00", "0.00"];
    assert_eq!(show(&house, loan, "schedule?as_of=2026-01-30")["instalments"], json!([]), "nothing was disbursed");
    assert_eq!(
        (paid("2026-02-28"), paid("2026-03-09")),
        (none.map(str::to_owned).to_vec(), none.map(str::to_owned).to_vec())
    );
    assert_eq!(paid("2026-03-10"), ["1134.72", "0.00", "0.00"]);
    assert_eq!(show(&house, loan, "schedule?as_of=2026-03-10")["instalments"][0]["settled_on"], "2026-02-28");
    assert_eq!(paid("2026-04-05"), ["1134.72", "1134.72", "0.00"]);
    // Paid on time after all: the third instalment was the one that came in April.
    pay(&house, loan, 1_134_72, Some("2026-03-31"));
    assert_eq!(paid("2026-04-05"), ["1134.72", "1134.72", "0.00"], "as it was known then");
    assert_eq!(paid("2026-04-10"), ["1134.72", "1134.72", "1134.72"]);
    let list = show(&house, loan, "transactions");
    let rows = list["data"].as_array().unwrap();
    let dates: Vec<(&str, &str)> =
        rows.iter().map(|one| (one["on"].as_str().unwrap(), one["booked_on"].as_str().unwrap())).collect();
    assert_eq!(
        dates,
        [
            ("2026-01-31", "2026-01-31"),
            ("2026-02-28", "2026-03-10"),
            ("2026-03-31", "2026-04-10"),
            ("2026-04-05", "2026-04-05")
        ]
    );
    let balances: Vec<&str> = rows.iter().map(|one| one["balance"].as_str().unwrap()).collect();
    assert_eq!(balances, ["12000.00", "11105.28", "10192.67", "9261.80"]);
    assert_eq!((&rows[3]["id"], &rows[3]["parts"]["interest"]), (&late["id"], &json!("203.85")), "split anew");
    assert_eq!(late["parts"]["interest"], "222.11", "as it was told");
    // A reversal re-splits what came after it.
    let second = rows[1]["id"].clone();
    reverse(&house, loan, &second).expect(200);
    let list = show(&house, loan, "transactions");
    let row = |day: &str| {
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .rfind(|one| one["on"] == day && one["kind"] == "repaid")
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&row("2026-03-31")["parts"]["interest"], &row("2026-04-05")["parts"]["interest"]),
        (&json!("240.00"), &json!("222.11"))
    );
    assert_eq!(row("2026-04-05")["balance"], "10192.67");
    house.must_hold(&[]);
}

#[test]
fn renegotiated_and_cured() {
    let house = Institution::start();
    let loan = lend(&house, &w02(&house));
    let manager = house.session("branch_manager@nrb");
    let path = loan.path("renegotiated");
    let at_risk = || bank::par(&house, "")["total"]["at_risk"].clone();
    house.session("loan_officer@nrb").post(&path, &json!({"reason": "Flood"})).problem(403, "access.forbidden");
    manager.post(&path, &json!({"reason": "Never was", "renegotiated": false})).problem(409, "loan.flagged_already");
    manager.post(&path, &json!({"reason": " "})).problem(400, "request.malformed");
    assert_eq!(at_risk()[4]["with_renegotiated"], "0.00");
    manager.post(&path, &json!({"reason": "Flood"})).expect(200);
    manager.post(&path, &json!({"reason": "Flood again"})).problem(409, "loan.flagged_already");
    let loan_now = show(&house, loan, "");
    assert_eq!((&loan_now["renegotiated"], &loan_now["renegotiated_since"]), (&json!(true), &json!("2026-01-31")));
    assert_eq!(
        (&at_risk()[4]["with_renegotiated"], &at_risk()[0]["without_renegotiated"]),
        (&json!("12000.00"), &json!("0.00"))
    );
    assert_eq!(balances(&house)["1210"], 12_000_00, "the flag moves no money");
    bank::open_day(&house, "2026-02-10");
    manager.post(&path, &json!({"reason": "Three instalments paid", "renegotiated": false})).expect(200);
    assert_eq!(
        (show(&house, loan, "")["renegotiated"].clone(), at_risk()[0]["with_renegotiated"].clone()),
        (json!(false), json!("0.00"))
    );
    let reasons: Vec<Value> =
        show(&house, loan, "events")["data"].as_array().unwrap().iter().map(|one| one["reason"].clone()).collect();
    assert_eq!(reasons[2..], ["Flood", "Three instalments paid"]);
    let rows = show(&house, loan, "transactions");
    assert_eq!(rows["data"].as_array().unwrap().len(), 1, "a flag is no transaction");
    house.must_hold(&[]);
}

#[test]
fn a_receipt_is_used_once() {
    let house = Institution::start();
    let (one, other) = (lend(&house, &w02(&house)), lend(&house, &w02(&house)));
    let teller = house.session("teller@nrb");
    let request = json!({"amount": "10.00", "channel": "officer", "receipt": "R-000117"});
    let paid = teller.post(&one.path("repayments"), &request).ok(201);
    assert_eq!(
        (&paid["transaction"]["receipt"], &paid["transaction"]["channel"]),
        (&json!("R-000117"), &json!("officer"))
    );
    for loan in [one, other] {
        let body = teller.post(&loan.path("repayments"), &request).problem(409, "receipt.taken");
        assert_eq!(body["errors"][0]["pointer"], "/receipt");
    }
    let item = |key: &str, loan: Uuid, receipt: &str| json!({"key": key, "loan_id": loan, "amount": "10.00", "channel": "cash", "receipt": receipt});
    let items = [
        item("a", one.id, "R-000118"),
        item("b", other.id, "R-000118"),
        item("c", other.id, "R-000117"),
        item("d", other.id, "R-000119"),
    ];
    let answer = teller.ask("/v1/repayments", &json!({ "items": items })).ok(200);
    let data = answer["data"].as_array().unwrap();
    let statuses: Vec<i64> = data.iter().map(|one| one["status"].as_i64().unwrap()).collect();
    assert!(statuses[..2].contains(&201) && statuses[2..] == [409, 201], "{answer}");
    let refused = data.iter().find(|one| one["status"] != 201).unwrap();
    assert!(
        ["receipt.taken", "idempotency.in_progress"].contains(&refused["problem"]["code"].as_str().unwrap()),
        "{answer}"
    );
    assert_eq!(data[3]["transaction"]["receipt"], "R-000119");
    // A number stays used after a reversal: the paper is in the world.
    reverse(&house, one, &json!(id(&paid["transaction"]["id"]))).expect(200);
    teller.post(&one.path("repayments"), &request).problem(409, "receipt.taken");
    house.must_hold(&[]);
}
