//! A loan's life: who may do what to it, and what it then is.

use super::bank::{self, Plan, balances, cents, change, expected, lend, pay, reverse, show};
use crate::harness::builders::Loan;
use crate::harness::people::id;
use crate::harness::*;

fn plan(house: &Institution, product: &str) -> Plan {
    Plan::of(house.product(product), 12_000_00, 12)
}

#[test]
fn from_the_application_to_the_last_payment() {
    let house = Institution::start();
    let applied = house.applied_loan("nrb");
    let status = |loan: Loan| show(&house, loan, "")["status"].as_str().unwrap().to_owned();
    assert_eq!(status(applied), "applied");
    house.repay(applied, "1.00").problem(409, "loan.not_active");
    house
        .session("teller@nrb")
        .post(&applied.path("disburse"), &json!({"channel": "cash"}))
        .problem(409, "loan.wrong_status");
    house
        .session("branch_manager@nrb")
        .post(&applied.path("approve"), &json!({"conditions": "Stock to be seen"}))
        .expect(200);
    assert_eq!(
        (status(applied), show(&house, applied, "")["conditions"].clone()),
        ("approved".into(), json!("Stock to be seen"))
    );
    assert_eq!(balances(&house), expected(&[("9020", 12_000_00), ("9021", -12_000_00)]));
    house.session("teller@nrb").post(&applied.path("disburse"), &json!({"channel": "cash"})).expect(200);
    let schedule = show(&house, applied, "schedule");
    for (index, instalment) in schedule["instalments"].as_array().unwrap().iter().enumerate() {
        assert_eq!(status(applied), "active");
        bank::open_day(&house, instalment["due_on"].as_str().unwrap());
        let arrears = show(&house, applied, "")["arrears"]["days_overdue"].clone();
        assert_eq!(arrears, 0, "what is due today is not late");
        let paid = house.repay(applied, instalment["total"].as_str().unwrap()).ok(201);
        let parts = &paid["transaction"]["parts"];
        assert_eq!(
            (&parts["principal"], &parts["interest"]),
            (&instalment["principal"], &instalment["interest"]),
            "{index}"
        );
        assert_eq!(
            (&paid["transaction"]["balance"], &paid["loan"]["balances"]["principal"]),
            (&instalment["balance"], &instalment["balance"])
        );
        assert_eq!(paid["loan"]["balances"]["interest"], "0.00");
    }
    let loan = show(&house, applied, "");
    assert_eq!(
        (&loan["status"], &loan["settled_on"], &loan["matures_on"]),
        (&json!("closed"), &json!("2027-01-31"), &json!("2027-01-31"))
    );
    house.repay(applied, "1.00").problem(409, "loan.not_active");
    // Only cash, income and nothing else is left.
    assert_eq!(balances(&house), expected(&[("1020", 1_616_59 + 240_00), ("4010", -1_616_59), ("4020", -240_00)]));
    let transactions = show(&house, applied, "transactions");
    let kinds: Vec<&str> =
        transactions["data"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 13);
    assert!(kinds[0] == "disbursed" && kinds[1..].iter().all(|kind| *kind == "repaid"), "{kinds:?}");
    assert_eq!(transactions["data"][0]["parts"]["fees"], "240.00");
    let events = show(&house, applied, "events");
    let kinds: Vec<&str> = events["data"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds.len(), kinds[0], kinds[1], kinds[13]), (14, "approved", "disbursed", "repaid"));
    bank::close(&house, "2027-03-31");
    assert_eq!(balances(&house)["4010"], -1_616_59, "a closed loan earns nothing");
    house.must_hold(&[]);
}

#[test]
fn never_approved_by_who_applied() {
    let house = Institution::start();
    let admin = house.session("admin@hq");
    let staff = house.people.staff["branch_manager@nrb"];
    let user = |name: &str, staff_id: Option<Uuid>| {
        let request = json!({
            "username": name, "password": "seven green apples fall", "name": "A manager", "roles": ["branch_manager"],
            "branch_id": house.branch("nrb"), "staff_id": staff_id
        });
        house.session_of(id(&admin.post("/v1/users", &request).ok(201)["id"]))
    };
    let manager = house.session("branch_manager@nrb");
    let request = house.loan_request(house.client("nrb"), "W02");
    let path = |loan: &Value| format!("/v1/loans/{}/approve", id(&loan["id"]));
    let approve = |session: &Session, loan: &Value| session.post(&path(loan), &json!({}));
    let loan = manager.post("/v1/loans", &request).ok(201);
    approve(&manager, &loan).problem(403, "approval.same_person");
    approve(&user("second_login", Some(staff)), &loan).problem(403, "approval.same_person");
    // The other way round: applied for by the second user of the member of staff.
    let by_second = user("third_login", Some(staff)).post("/v1/loans", &request).ok(201);
    approve(&manager, &by_second).problem(403, "approval.same_person");
    // Users without a staff record are persons of their own.
    let (one, other) = (user("lone_one", None), user("lone_other", None));
    let by_one = one.post("/v1/loans", &request).ok(201);
    approve(&one, &by_one).problem(403, "approval.same_person");
    approve(&house.session("loan_officer@nrb"), &by_one).problem(403, "access.forbidden");
    approve(&house.session("branch_manager@ksm"), &by_one).problem(404, "resource.not_found");
    assert_eq!(balances(&house).len(), 0, "nothing was committed");
    approve(&other, &by_one).expect(200);
    approve(&house.session("branch_manager@hq"), &loan).expect(200);
    approve(&other, &by_second).expect(200);
    approve(&one, &by_second).problem(409, "loan.wrong_status");
    assert_eq!(balances(&house)["9020"], 36_000_00);
    // Not the oracle: what was forbidden is not stored, and sent again it is a conflict now.
    bank::must_verify(&house);
}

#[test]
fn what_was_approved_is_the_most_and_lapses_with_the_rest() {
    let house = Institution::start();
    let manager = house.session("branch_manager@nrb");
    let teller = house.session("teller@nrb");
    let loan = house.applied_loan("nrb");
    manager
        .post(&loan.path("approve"), &json!({"principal": "10000000.00"}))
        .problem(422, "product.principal_outside_limits");
    manager.post(&loan.path("approve"), &json!({"instalments": 61})).problem(422, "product.instalments_outside_limits");
    manager.post(&loan.path("approve"), &json!({"principal": "10000.00", "instalments": 10})).expect(200);
    assert_eq!(balances(&house), expected(&[("9020", 10_000_00), ("9021", -10_000_00)]));
    let body = teller
        .post(&loan.path("disburse"), &json!({"amount": "10000.01", "channel": "cash"}))
        .problem(422, "loan.above_approved");
    assert_eq!(body["errors"][0]["pointer"], "/amount");
    let paid_out = teller.post(&loan.path("disburse"), &json!({"amount": "9000.00", "channel": "cash"})).ok(200);
    assert_eq!(paid_out["transaction"]["amount"], "8820.00", "less the fee of 2 %");
    assert_eq!(balances(&house), expected(&[("1210", 9_000_00), ("1020", -8_820_00), ("4020", -180_00)]));
    assert_eq!(show(&house, loan, "schedule")["instalments"].as_array().unwrap().len(), 10);
    teller.post(&loan.path("disburse"), &json!({"channel": "cash"})).problem(409, "loan.wrong_status");

    // Rejected and withdrawn: nothing is left of the commitment.
    let before = balances(&house);
    let rejected = house.applied_loan("nrb");
    let reason = json!({"reason": "Too many other debts"});
    house.session("loan_officer@nrb").post(&rejected.path("reject"), &reason).problem(403, "access.forbidden");
    assert_eq!(manager.post(&rejected.path("reject"), &reason).ok(200)["status"], "rejected");
    assert_eq!(show(&house, rejected, "")["closed_reason"], "Too many other debts");
    manager.post(&rejected.path("approve"), &json!({})).problem(409, "loan.wrong_status");
    let withdrawn = house.approved_loan("nrb");
    assert_eq!(change(&before, &balances(&house)), expected(&[("9020", 12_000_00), ("9021", -12_000_00)]));
    let ended = house.session("loan_officer@nrb").post(&withdrawn.path("withdraw"), &json!({})).ok(200);
    assert_eq!(ended["status"], "withdrawn");
    assert_eq!(balances(&house), before);
    for action in ["withdraw", "reject", "approve"] {
        manager.post(&withdrawn.path(action), &json!({})).problem(409, "loan.wrong_status");
    }
    teller.post(&withdrawn.path("disburse"), &json!({"channel": "cash"})).problem(409, "loan.wrong_status");
    let kinds: Vec<Value> =
        show(&house, withdrawn, "events")["data"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["approved", "approval_lapsed"]);
    house.must_hold(&[]);
}

#[test]
fn an_approval_is_valid_until_its_day() {
    let house = Institution::start();
    let manager = house.session("branch_manager@nrb");
    let teller = house.session("teller@nrb");
    let disburse = json!({"channel": "cash"});
    let (one, other) = (house.applied_loan("nrb"), house.applied_loan("nrb"));
    for loan in [one, other] {
        manager.post(&loan.path("approve"), &json!({"valid_until": "2026-02-10"})).expect(200);
    }
    bank::open_day(&house, "2026-02-10");
    teller.post(&one.path("disburse"), &disburse).expect(200);
    bank::open_day(&house, "2026-02-11");
    teller.post(&other.path("disburse"), &disburse).problem(409, "loan.approval_expired");
    assert_eq!(balances(&house)["9020"], 12_000_00);
    manager.post(&other.path("withdraw"), &json!({})).expect(200);
    assert!(!balances(&house).contains_key("9020"));
    house.must_hold(&[]);
}

#[test]
fn payments_ahead_and_above() {
    let house = Institution::start();
    let loan = lend(&house, &plan(&house, "W02"));
    bank::open_day(&house, "2026-02-10");
    // Ten nights of 240.00 over 28 are earned: 85.71; the rest of the instalment's interest is paid ahead.
    let before = balances(&house);
    let paid = pay(&house, loan, 1_134_72, None);
    let booked = expected(&[("1020", 1_134_72), ("1210", -894_72), ("1310", -85_71), ("2395", -154_29)]);
    assert_eq!(change(&before, &balances(&house)), booked);
    assert_eq!(
        (&paid["loan"]["balances"]["unearned"], &paid["loan"]["balances"]["interest"]),
        (&json!("154.29"), &json!("0.00"))
    );
    // The nights use it up; 1310 is never negative, nor 2395 a debit.
    for day in ["2026-02-20", "2026-02-28", "2026-03-05"] {
        bank::open_day(&house, day);
        let now = balances(&house);
        assert!(
            now.get("1310").is_none_or(|amount| *amount >= 0) && now.get("2395").is_none_or(|amount| *amount <= 0),
            "{now:?}"
        );
    }
    assert_eq!(balances(&house)["1310"], 35_82, "five nights of 222.11 over 31");
    // A request may refuse a surplus, and is told what settles.
    let payoff = show(&house, loan, "payoff");
    assert_eq!(payoff["total"], "11141.10");
    let more = |amount: &str| json!({"amount": amount, "channel": "cash", "overpayment": "refuse"});
    let teller = house.session("teller@nrb");
    let body = teller.post(&loan.path("repayments"), &more("11141.11")).problem(422, "loan.amount_exceeds_payoff");
    assert!(
        body["detail"].as_str().unwrap().contains("11141.10") && body["errors"][0]["pointer"] == "/amount",
        "{body}"
    );
    let before = balances(&house);
    let taken = teller.post(&loan.path("repayments"), &json!({"amount": "11241.10", "channel": "cash"})).ok(201);
    assert_eq!(
        (&taken["transaction"]["parts"]["overpaid"], &taken["loan"]["status"]),
        (&json!("100.00"), &json!("overpaid"))
    );
    assert_eq!(taken["loan"]["balances"]["overpaid"], "100.00");
    let booked = expected(&[("1020", 11_241_10), ("1210", -11_105_28), ("1310", -35_82), ("2340", -100_00)]);
    assert_eq!(change(&before, &balances(&house)), booked);
    house.repay(loan, "1.00").problem(409, "loan.not_active");
    // Exactly the payoff is no surplus.
    let exact = lend(&house, &plan(&house, "W02"));
    let paid = teller.post(&exact.path("repayments"), &more("12000.00")).ok(201);
    assert_eq!(
        (&paid["loan"]["status"], &paid["transaction"]["parts"]["interest"]),
        (&json!("closed"), &json!("0.00"))
    );
    house.must_hold(&[]);
}

#[test]
fn settled_early_at_the_payoff() {
    let house = Institution::start();
    let teller = house.session("teller@nrb");
    let flat: Vec<Loan> = (0..3).map(|_| lend(&house, &plan(&house, "W01"))).collect();
    let declining: Vec<Loan> = (0..3).map(|_| lend(&house, &plan(&house, "W02"))).collect();
    for month in 2..=7 {
        let due = show(&house, flat[0], "schedule")["instalments"][month - 2]["due_on"].as_str().unwrap().to_owned();
        bank::open_day(&house, &due);
        for loan in &flat {
            pay(&house, *loan, 1_240_00, None);
        }
        for loan in &declining {
            pay(&house, *loan, 1_134_72, None);
        }
    }
    // W25: half of W01 is paid; 827.22 of 1,440.00 falls away by the actuarial method.
    let payoff = show(&house, flat[0], "payoff?on=2026-07-31");
    assert_eq!(
        (&payoff["total"], &payoff["principal"], &payoff["interest"]),
        (&json!("6612.78"), &json!("6000.00"), &json!("612.78"))
    );
    assert_eq!(payoff["interest_falls_away"], "827.22");
    let payoff = show(&house, declining[0], "payoff");
    assert_eq!((&payoff["total"], &payoff["interest_falls_away"]), (&json!("6356.01"), &json!("452.26")));
    let foretold = [flat[1], declining[1]].map(|loan| show(&house, loan, "payoff?on=2026-08-17"));
    let settle = |loan: Loan| {
        let payoff = show(&house, loan, "payoff");
        let total = cents(&payoff["total"]);
        // A cent less does not settle it, as a dry run says.
        let dry = |amount: i64| {
            let request = json!({"amount": bank::money(amount), "channel": "cash"});
            teller.ask(&format!("{}?dry_run=true", loan.path("repayments")), &request).ok(200)
        };
        assert_eq!(dry(total - 1)["answer"]["loan"]["status"], "active");
        let warned = [-1, 0, 1].map(|more| bank::warnings(&dry(total + more)));
        assert_eq!(warned, [vec![], vec!["settles"], vec!["settles", "overpaid"]]);
        let request = json!({"amount": payoff["total"], "channel": "cash", "overpayment": "refuse"});
        let paid = teller.post(&loan.path("repayments"), &request).ok(201);
        let parts = &paid["transaction"]["parts"];
        assert_eq!(
            (&parts["principal"], &parts["interest"], &parts["overpaid"]),
            (&payoff["principal"], &payoff["interest"], &json!("0.00"))
        );
        assert_eq!(paid["loan"]["status"], "closed");
    };
    let before = balances(&house);
    settle(flat[0]);
    let booked = expected(&[("1020", 6_612_78), ("1210", -6_000_00), ("4010", -612_78)]);
    assert_eq!(change(&before, &balances(&house)), booked, "the rebate is income that never was");
    settle(declining[0]);
    bank::open_day(&house, "2026-08-17");
    assert_eq!([flat[1], declining[1]].map(|loan| show(&house, loan, "payoff")), foretold, "a payoff keeps its word");
    settle(flat[1]);
    settle(declining[1]);
    // Late: after the last due date everything of the contract is owed, and no more.
    bank::open_day(&house, "2027-04-01");
    for (loan, total) in [(flat[2], 7_440_00), (declining[2], 6_808_27)] {
        let payoff = show(&house, loan, "payoff");
        let owed = cents(&show(&house, loan, "schedule")["totals"]["outstanding"]);
        assert_eq!((cents(&payoff["total"]), &payoff["interest_falls_away"]), (owed, &json!("0.00")));
        assert_eq!(owed, total);
        settle(loan);
    }
    assert!(
        !balances(&house).contains_key("1210")
            && !balances(&house).contains_key("1310")
            && !balances(&house).contains_key("9050")
    );
    house.must_hold(&[]);
}

#[test]
fn reversals_of_payments_and_of_the_disbursement() {
    let house = Institution::start();
    let loan = lend(&house, &plan(&house, "W02"));
    bank::open_day(&house, "2026-02-28");
    let before = balances(&house);
    let paid = pay(&house, loan, 1_134_72, None)["transaction"].clone();
    let transactions = show(&house, loan, "transactions");
    let disbursed = transactions["data"][0]["id"].clone();
    reverse(&house, loan, &disbursed).problem(409, "loan.history_would_break");
    let teller = house.session("teller@nrb");
    let path = loan.path(&format!("transactions/{}/reverse", id(&paid["id"])));
    teller.post(&path, &json!({})).problem(403, "access.forbidden");
    let reversal = reverse(&house, loan, &paid["id"]).ok(200)["transaction"].clone();
    assert_eq!(balances(&house), before);
    assert_eq!(
        (&reversal["reverses"], &reversal["on"], &reversal["amount"]),
        (&paid["id"], &json!("2026-02-28"), &json!("1134.72"))
    );
    reverse(&house, loan, &paid["id"]).problem(409, "loan.reversed_already");
    reverse(&house, loan, &reversal["id"]).problem(422, "loan.not_reversible");
    reverse(&house, loan, &json!(Uuid::now_v7())).problem(404, "resource.not_found");
    let other = house.active_loan("nrb");
    reverse(&house, other, &disbursed).problem(404, "resource.not_found");
    let list = show(&house, loan, "transactions");
    let row = list["data"].as_array().unwrap().iter().find(|one| one["id"] == paid["id"]).unwrap();
    assert_eq!((&row["reversed_by"], &row["parts"]["principal"]), (&reversal["id"], &json!("0.00")));
    let entry =
        house.session("auditor@hq").get(&format!("/v1/journal-entries/{}", id(&paid["journal_entry_id"]))).ok(200);
    assert_eq!(entry["reversed_by"], reversal["journal_entry_id"]);
    // Now nothing stands on the disbursement: it never happened, and the approval stands again.
    let before_reversal = balances(&house);
    let answer = reverse(&house, loan, &disbursed).ok(200);
    assert_eq!(answer["loan"]["status"], "approved");
    let booked = [
        ("1020", 11_760_00),
        ("1210", -12_000_00),
        ("4020", 240_00),
        ("9020", 12_000_00),
        ("9021", -12_000_00),
        ("1310", -240_00),
        ("4010", 240_00),
    ];
    assert_eq!(change(&before_reversal, &balances(&house)), expected(&booked), "28 nights of interest are taken back");
    house.repay(loan, "1.00").problem(409, "loan.not_active");
    let again = teller.post(&loan.path("disburse"), &json!({"channel": "bank"})).ok(200);
    assert_eq!(again["loan"]["status"], "active");
    assert_eq!(show(&house, loan, "schedule")["instalments"][0]["due_on"], "2026-03-28");
    bank::close(&house, "2026-03-31");
    house.must_hold(&[]);
}

#[test]
fn numbers_grow_beyond_their_digits() {
    let house = Institution::start();
    house
        .database
        .execute("select setval('client_number', 999998), setval('loan_number', 999998), setval('staff_number', 9998)");
    let numbers: Vec<(Value, Value, Value)> = (0..3)
        .map(|_| {
            let client = house.session("loan_officer@nrb").post("/v1/clients", &house.client_request("nrb")).ok(201);
            let request = house.loan_request(id(&client["id"]), "W01");
            let loan = house.session("loan_officer@nrb").post("/v1/loans", &request).ok(201);
            let staff = json!({"name": "Somebody", "branch_id": house.branch("nrb")});
            let staff = house.session("admin@hq").post("/v1/staff", &staff).ok(201);
            (client["number"].clone(), loan["number"].clone(), staff["number"].clone())
        })
        .collect();
    let told = |digits: &str, staff: &str| {
        (json!(format!("C-{digits}")), json!(format!("L-{digits}")), json!(format!("S-{staff}")))
    };
    assert_eq!(numbers, [told("999999", "9999"), told("1000000", "10000"), told("1000001", "10001")]);
    house.must_hold(&[]);
}
