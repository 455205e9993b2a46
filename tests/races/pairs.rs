//! Each command against each other on one loan, from two servers, at the same moment.

use std::thread;

use super::moves::{Move, both};
use crate::harness::builders::Loan;
use crate::harness::*;

/// All commands on a loan whose last repayment, if any, is known.
fn moves(loan: Loan, transaction: Option<&str>) -> Vec<Move> {
    let one = |name, who, path: &str, body| Move::post(name, who, loan.path(path), body);
    let transaction = transaction.map_or_else(|| Uuid::nil().to_string(), str::to_owned);
    let reverse = format!("transactions/{transaction}/reverse");
    vec![
        one("approve", "branch_manager@nrb", "approve", json!({})),
        one("reject", "branch_manager@nrb", "reject", json!({"reason": "Too much debt"})),
        one("withdraw", "loan_officer@nrb", "withdraw", json!({})),
        one("disburse", "teller@nrb", "disburse", json!({"channel": "cash"})),
        one("repay", "teller@nrb", "repayments", builders::repayment("500.00")),
        one("settle", "branch_manager@nrb", "repayments", builders::repayment("20000.00")),
        one(
            "back-date",
            "branch_manager@nrb",
            "repayments",
            json!({"amount": "70.00", "channel": "cash", "paid_on": "2026-02-20"}),
        ),
        one("renegotiate", "branch_manager@nrb", "renegotiated", json!({"reason": "Flood"})),
        one("reverse", "branch_manager@nrb", &reverse, json!({})),
    ]
}

/// A loan of this state, and its repayment.
fn loan_of(house: &Institution, state: &str) -> (Loan, Option<String>) {
    match state {
        "applied" => (house.applied_loan("nrb"), None),
        "approved" => (house.approved_loan("nrb"), None),
        _ => {
            let (loan, manager) = (house.applied_loan("nrb"), house.session("branch_manager@nrb"));
            manager.post(&loan.path("approve"), &json!({"approved_on": "2026-02-01"})).expect(200);
            let disbursed = json!({"channel": "bank", "disbursed_on": "2026-02-01"});
            manager.post(&loan.path("disburse"), &disbursed).expect(200);
            let paid = house.repay(loan, "300.00").ok(201);
            (loan, paid["transaction"]["id"].as_str().map(str::to_owned))
        }
    }
}

#[test]
fn every_command_meets_every_other_on_one_loan() {
    let house = Institution::on("2026-03-15");
    let second = house.second_server();
    for state in ["applied", "approved", "active"] {
        let count = moves(Loan { id: Uuid::nil(), branch: "nrb" }, None).len();
        let pairs: Vec<(usize, usize)> =
            (0..count).flat_map(|one| (one..count).map(move |other| (one, other))).collect();
        thread::scope(|scope| {
            for part in pairs.chunks(pairs.len().div_ceil(3)) {
                let (house, second) = (&house, &second);
                scope.spawn(move || {
                    for (one, other) in part {
                        let (loan, transaction) = loan_of(house, state);
                        let moves = moves(loan, transaction.as_deref());
                        let (one, other) = (&moves[*one], &moves[*other]);
                        let answers = both(house, second, one, other);
                        let case = format!("{state}: {} and {}", one.name, other.name);
                        judge(&case, state, one, other, &answers);
                    }
                });
            }
        });
    }
    house.must_hold(&[&second]);
}

/// Decisions that exclude each other are not both taken; those that do not are.
fn judge(case: &str, state: &str, one: &Move, other: &Move, answers: &[Answer; 2]) {
    for answer in answers {
        assert!(matches!(answer.status, 200 | 201 | 404 | 409 | 422), "{case}: {}", answer.text);
    }
    let done = answers.iter().filter(|answer| answer.status < 300).count();
    let names = [one.name, other.name];
    let of = |words: &[&str]| names.iter().all(|name| words.contains(name));
    match state {
        "applied" if of(&["approve"]) || of(&["withdraw", "reject"]) => assert_eq!(done, 1, "{case}: {answers:?}"),
        // What is approved may be declined a moment later, not the other way round.
        "applied" if of(&["approve", "reject"]) => assert!(done >= 1, "{case}: {answers:?}"),
        "approved" if of(&["disburse", "withdraw"]) => assert_eq!(done, 1, "{case}: {answers:?}"),
        "active" if of(&["repay", "back-date"]) => assert_eq!(done, 2, "{case}: {answers:?}"),
        "active" if of(&["reverse"]) => assert_eq!(done, 1, "{case}: {answers:?}"),
        _ => {}
    }
}

#[test]
fn makers_and_checkers_race() {
    let house = Institution::start();
    let second = house.second_server();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    for round in 0..8 {
        let held =
            house.session("accountant@nrb").post("/v1/journal-entries", &house.entry_request("nrb", "500.00")).ok(202);
        let decide = |how: &str| format!("/v1/approvals/{}/{how}", held["approval"]["id"].as_str().unwrap());
        let verdicts = if round % 2 == 0 { ["approve", "approve"] } else { ["approve", "reject"] };
        let one = Move::post(verdicts[0], "branch_manager@nrb", decide(verdicts[0]), json!({}));
        let other = Move::post(verdicts[1], "accountant@hq", decide(verdicts[1]), json!({}));
        let answers = both(&house, &second, &one, &other);
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{answers:?}");
    }
    let entries: i64 = house.database.one(
        "select count(*) from journal_entry where event in ('journal_entry.posted', 'journal_entry.reversed')",
        &[],
    );
    let approved: i64 = house.database.one("select count(*) from approval where status = 'approved'", &[]);
    assert_eq!(entries, approved);
    house.must_hold(&[&second]);
}

#[test]
fn changes_of_one_record_do_not_overwrite_each_other() {
    let house = Institution::start();
    let second = house.second_server();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    let etag = settings.etag();
    let answers: Vec<u16> = thread::scope(|scope| {
        let calls: Vec<_> = (1..=8)
            .map(|days| {
                let (session, etag) = (if days % 2 == 0 { admin.clone() } else { admin.at(&second) }, etag.clone());
                scope
                    .spawn(move || session.patch("/v1/settings", &etag, &json!({"backdating_limit_days": days})).status)
            })
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|status| matches!(status, 200 | 409 | 412)), "{answers:?}");
    house.must_hold(&[&second]);
}
