//! Every command of the desk shows what it would do, and leaves no trace.

use crate::harness::builders::repayment;
use crate::harness::*;

/// The last numbers of all sequences.
fn numbers(house: &Institution) -> Vec<Option<i64>> {
    let rows = house.database.query("select last_value from pg_sequences order by sequencename", &[]);
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn every_command_of_the_desk_has_a_dry_run_that_leaves_no_trace() {
    let house = Institution::start();
    let (active, applied) = (house.active_loan("nrb"), house.applied_loan("nrb"));
    let (manager, officer) = (house.session("branch_manager@nrb"), house.session("loan_officer@nrb"));
    let accountant = house.session("accountant@nrb");
    let mut pending = house.client_request("nrb");
    pending["status"] = json!("pending");
    let pending = officer.post("/v1/clients", &pending).ok(201)["id"].as_str().unwrap().to_owned();
    let paid = house.repay(active, "10.00").ok(201);
    let transaction = paid["transaction"]["id"].as_str().unwrap();
    let entry = accountant.post("/v1/journal-entries", &house.entry_request("nrb", "1.00")).ok(201);
    let reversal = format!("/v1/journal-entries/{}/reverse", entry["id"].as_str().unwrap());
    let client = house.client("nrb");
    let runs: Vec<(&Session, &str, String, Value, &str)> = vec![
        (&officer, "client.register", "/v1/clients".into(), house.client_request("nrb"), "/status"),
        (&officer, "client.activate", format!("/v1/clients/{pending}/activate"), json!({}), "/status"),
        (&officer, "loan.apply", "/v1/loans".into(), house.loan_request(client, "W02"), "/status"),
        (&manager, "loan.approve", applied.path("approve"), json!({}), "/loan/status"),
        (&manager, "loan.reject", applied.path("reject"), json!({}), "/status"),
        (&manager, "loan.withdraw", applied.path("withdraw"), json!({}), "/status"),
        (&manager, "loan.repay", active.path("repayments"), repayment("20.00"), "/transaction/amount"),
        (
            &manager,
            "loan.reverse",
            active.path(&format!("transactions/{transaction}/reverse")),
            json!({}),
            "/transaction/amount",
        ),
        (&manager, "loan.renegotiate", active.path("renegotiated"), json!({"reason": "Flood"}), "/loan/status"),
        (&accountant, "journal_entry.post", "/v1/journal-entries".into(), house.entry_request("nrb", "2.00"), "/event"),
        (&accountant, "journal_entry.reverse", reversal, json!({}), "/event"),
    ];
    let mut tried: Vec<&str> = runs.iter().map(|(_, operation, ..)| *operation).collect();
    // Paid out below, after it was approved.
    tried.push("loan.disburse");
    let before = house.database.row_counts();
    let drawn = numbers(&house);
    let mut foreseen = Vec::new();
    for (session, operation, path, body, _) in &runs {
        let dry = session.ask(&format!("{path}?dry_run=true"), body).ok(200);
        assert_eq!((&dry["dry_run"], &dry["held"]), (&json!(true), &json!(false)), "{operation}: {dry}");
        let lines = dry["lines"].as_array().unwrap();
        let sum = |side: &str| lines.iter().map(|line| oracle::minor(line[side].as_str().unwrap())).sum::<i64>();
        assert_eq!(sum("debit"), sum("credit"), "{operation}: {dry}");
        foreseen.push(dry);
    }
    assert!(foreseen[0]["answer"]["number"].is_null() && foreseen[2]["answer"]["number"].is_null());
    assert_eq!(house.database.row_counts(), before, "a dry run wrote rows");
    assert_eq!(numbers(&house), drawn, "a dry run drew numbers");
    for ((session, operation, path, body, member), foreseen) in runs.iter().zip(&foreseen) {
        // An application ends once: the others are foreseen only.
        if matches!(*operation, "loan.reject" | "loan.withdraw") {
            continue;
        }
        let done = session.post(path, body).json();
        assert_eq!(done.pointer(member), foreseen["answer"].pointer(member), "{operation}");
    }
    manager.ask(&format!("{}?dry_run=true", applied.path("disburse")), &json!({"channel": "cash"})).ok(200);
    let mut expected: Vec<&str> = api::operations::all().filter(|row| row.has_dry_run()).map(|row| row.id).collect();
    expected.sort_unstable();
    tried.sort_unstable();
    assert_eq!(tried, expected, "each command of the desk is tried");
    house.must_hold(&[]);
}

#[test]
fn what_is_wrong_is_said_in_one_order() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let (teller, auditor) = (house.session("teller@nrb"), house.session("auditor@nrb"));
    let (path, malformed) = (loan.path("repayments"), json!({"amount": 5}));
    let missing = format!("/v1/loans/{}/repayments", Uuid::new_v4());
    // 401 before the body, 403 before 400, 400 of the body before the key, the key before 404.
    house.with_token("").ask(&path, &malformed).problem(401, "access.unauthenticated");
    auditor.ask(&path, &malformed).problem(403, "access.forbidden");
    auditor.ask(&format!("{path}?dry_run=true"), &malformed).problem(403, "access.forbidden");
    teller.ask(&path, &malformed).problem(400, "request.malformed");
    teller.ask(&path, &repayment("1.00")).problem(400, "idempotency.key_missing");
    teller.ask(&missing, &repayment("1.00")).problem(400, "idempotency.key_missing");
    teller.post(&missing, &repayment("0.00")).problem(404, "resource.not_found");
    teller.post("/v1/loans/no-id/repayments", &repayment("1.00")).problem(404, "resource.not_found");
    house.must_hold(&[]);
}
