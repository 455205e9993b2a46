//! What a command leaves behind: an audit row always, nothing for a dry run.

use crate::harness::builders::repayment;
use crate::harness::*;

#[test]
fn a_dry_run_leaves_no_trace() {
    let house = Institution::start();
    let (approved, active) = (house.approved_loan("nrb"), house.active_loan("nrb"));
    let paid = house.repay(active, "1134.72").ok(201);
    let manager = house.session("branch_manager@nrb");
    let transaction = paid["transaction"]["id"].as_str().unwrap();
    let runs = [
        (approved.path("disburse"), json!({"channel": "bank"})),
        (active.path("repayments"), repayment("500.00")),
        (active.path(&format!("transactions/{transaction}/reverse")), json!({"reason": "Keyed twice"})),
    ];
    let before = house.database.row_counts();
    let sequences = || {
        house
            .database
            .query("select sequencename::text, last_value from pg_sequences order by 1", &[])
            .iter()
            .map(|row| row.get(1))
            .collect::<Vec<Option<i64>>>()
    };
    let numbers = sequences();
    let mut foreseen = Vec::new();
    for (path, body) in &runs {
        // Without a key, and with one, which is not used.
        let foreseen_here = manager.ask(&format!("{path}?dry_run=true"), body).ok(200);
        let with_key = manager.post_as("dry", &format!("{path}?dry_run=true"), body).ok(200);
        assert_eq!(foreseen_here["dry_run"], true);
        assert_eq!(foreseen_here["answer"]["loan"], with_key["answer"]["loan"]);
        let lines = foreseen_here["lines"].as_array().unwrap();
        let sum = |side: &str| lines.iter().map(|line| oracle::minor(line[side].as_str().unwrap())).sum::<i64>();
        assert!(!lines.is_empty() && sum("debit") == sum("credit") && sum("debit") > 0, "{foreseen_here}");
        foreseen.push(foreseen_here);
    }
    assert_eq!(manager.get("/v1/operations/dry").ok(200)["state"], "unknown");
    assert_eq!(house.database.row_counts(), before, "a dry run wrote rows");
    assert_eq!(sequences(), numbers, "a dry run used up numbers");
    // It says what then happens.
    for ((path, body), foreseen) in runs.iter().zip(&foreseen).take(2) {
        let done = manager.post(path, body);
        let done = done.json();
        assert_eq!(done["loan"], foreseen["answer"]["loan"]);
        for member in ["kind", "amount", "parts", "balance", "on", "booked_on"] {
            assert_eq!(done["transaction"][member], foreseen["answer"]["transaction"][member], "{path}: {member}");
        }
    }
    // It refuses as the command would.
    let refused = manager.ask(&format!("{}?dry_run=true", approved.path("repayments")), &repayment("0.001"));
    refused.problem(422, "amount.too_fine");
    house
        .session("auditor@nrb")
        .ask(&format!("{}?dry_run=true", active.path("repayments")), &repayment("1.00"))
        .problem(403, "access.forbidden");
    house.must_hold(&[]);
}

#[test]
fn every_decision_is_audited_once() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let count = || house.database.one::<i64>("select count(*) from audit", &[]);
    let before = count();
    let key = key();
    let paid = teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
    let row = house.database.query(
        "select user_id, operation, subject_id, status, request_id::text, key_id, business_date::text from audit order by at desc, id desc limit 1",
        &[],
    );
    let row = &row[0];
    assert_eq!(row.get::<_, Uuid>("user_id"), teller.user_id);
    assert_eq!(row.get::<_, &str>("operation"), "loan.repay");
    assert_eq!(row.get::<_, Uuid>("subject_id"), loan.id);
    assert_eq!(row.get::<_, i16>("status"), 201);
    assert_eq!(row.get::<_, &str>("request_id"), paid.header("x-request-id").unwrap());
    assert_eq!(row.get::<_, Uuid>("key_id"), db::keys::key_id(teller.user_id, &key));
    assert_eq!(row.get::<_, &str>("business_date"), people::FIRST_DAY);
    assert_eq!(count(), before + 1);
    // A replay is no decision; a refusal is one.
    teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
    assert_eq!(count(), before + 1);
    teller.post(&loan.path("repayments"), &repayment("0.00")).problem(422, "amount.not_positive");
    assert_eq!(count(), before + 2);
    let outbox: i64 = house.database.one(
        "select count(*) from outbox, jsonb_array_elements(events) as event where (event ->> 'subject_id')::uuid = $1",
        &[&loan.id],
    );
    assert!(outbox >= 4, "applied, approved, disbursed, repaid are {outbox} events in the outbox");
    house.must_hold(&[]);
}

#[test]
fn an_entry_is_foreseen_with_what_should_be_seen_before() {
    let house = Institution::start();
    let (auditor, accountant) = (house.session("auditor@hq"), house.session("accountant@nrb"));
    let before = house.database.row_counts();
    let mut entry = house.entry_request("nrb", "10.00");
    let mut warned = Vec::new();
    for (member, day) in [("id", None), ("value_on", Some("2026-01-30")), ("booked_on", Some("2026-01-30"))] {
        if let Some(day) = day {
            entry[member] = json!(day);
        }
        let dry = accountant.ask("/v1/journal-entries?dry_run=true", &entry).ok(200);
        let codes: Vec<&str> =
            dry["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect();
        warned.push(codes.join(" "));
    }
    assert_eq!(warned, ["", "back_dated", "booked_earlier"]);
    assert_eq!(house.database.row_counts(), before, "a dry run wrote rows");
    assert_eq!(auditor.get("/v1/journal-entries?booked_to=2026-01-30").ok(200)["data"], json!([]));
    house.must_hold(&[]);
}
