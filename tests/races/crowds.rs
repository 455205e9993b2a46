//! Crowds on one account, on one loan, under one key.

use std::thread;

use rand::RngExt;

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

#[test]
fn thirty_two_pay_into_one_cash_account() {
    let house = Institution::start();
    let second = house.second_server();
    let loans: Vec<Loan> = (0..32).map(|_| house.active_loan("nrb")).collect();
    let teller = house.session("teller@nrb");
    thread::scope(|scope| {
        for (index, loan) in loans.iter().enumerate() {
            let session = if index % 2 == 0 { teller.clone() } else { teller.at(&second) };
            scope.spawn(move || {
                for _ in 0..5 {
                    session.insist(&key(), &loan.path("repayments"), &repayment("10.00")).expect(201);
                }
            });
        }
    });
    let cash: i64 = house.database.one(
        "select sum(amount_minor)::bigint from journal_line join gl_account on gl_account.id = account_id
         join journal_entry on journal_entry.id = entry_id where code = '1020' and event like '%repaid'",
        &[],
    );
    assert_eq!(cash, 32 * 5 * 1000);
    house.must_hold(&[&second]);
}

#[test]
fn one_loan_is_repaid_by_thirty_two_at_once() {
    let house = Institution::start();
    let second = house.second_server();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let mut random = random("one_loan_is_repaid_by_thirty_two_at_once");
    let amounts: Vec<i64> = (0..32).map(|_| random.random_range(1..90_000)).collect();
    thread::scope(|scope| {
        for (index, amount) in amounts.iter().enumerate() {
            let session = if index % 2 == 0 { teller.clone() } else { teller.at(&second) };
            let amount = format!("{}.{:02}", amount / 100, amount % 100);
            scope.spawn(move || session.insist(&key(), &loan.path("repayments"), &repayment(&amount)));
        }
    });
    // What is beyond the payoff is owed to the client; a loan that is settled takes no more.
    let paid: i64 = house.database.one("select sum(amount_minor)::bigint from loan_event where kind = 'repaid'", &[]);
    let events: i64 = house.database.one("select count(*) from loan_event where kind = 'repaid'", &[]);
    assert!(paid >= 1_200_000.min(amounts.iter().sum()), "{paid} in {events} payments");
    let shown = house.session("auditor@hq").get(&loan.path("transactions")).ok(200);
    let shown: i64 = shown["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["kind"] == "repaid")
        .map(|one| oracle::minor(one["amount"].as_str().unwrap()))
        .sum();
    assert_eq!(shown, paid);
    house.must_hold(&[&second]);
}

#[test]
fn every_request_comes_up_to_five_times() {
    let house = Institution::start();
    let second = house.second_server();
    let mut random = random("every_request_comes_up_to_five_times");
    let repeat = |who: &str, path: &str, body: &Value, times: usize| -> Value {
        let (here, key) = (house.session(who), key());
        let there = here.at(&second);
        let answers: Vec<Answer> = thread::scope(|scope| {
            let calls: Vec<_> = (0..times)
                .map(|index| {
                    let session = if index % 2 == 0 { &here } else { &there };
                    scope.spawn(|| session.insist(&key, path, body))
                })
                .collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        let firsts = answers.iter().filter(|answer| !answer.is_replay()).count();
        assert_eq!(firsts, 1, "{path} was carried out {firsts} times");
        assert!(
            answers.iter().all(|answer| (answer.status, &answer.text) == (answers[0].status, &answers[0].text)),
            "{path}"
        );
        assert!(answers[0].status < 300, "{path}: {}", answers[0].text);
        answers[0].json()
    };
    for _ in 0..6 {
        let mut times = || random.random_range(1..=5);
        let client = repeat("loan_officer@nrb", "/v1/clients", &house.client_request("nrb"), times());
        let request = house.loan_request(people::id(&client["id"]), "W01");
        let loan = repeat("loan_officer@nrb", "/v1/loans", &request, times());
        let loan = Loan { id: people::id(&loan["id"]), branch: "nrb" };
        repeat("branch_manager@nrb", &loan.path("approve"), &json!({}), times());
        repeat("teller@nrb", &loan.path("disburse"), &json!({"channel": "bank"}), times());
        let receipt = format!("R-{}", loan.id.simple());
        let paid = json!({"amount": "1240.00", "channel": "cash", "receipt": receipt});
        let paid = repeat("teller@nrb", &loan.path("repayments"), &paid, times());
        let transaction = paid["transaction"]["id"].as_str().unwrap().to_owned();
        repeat("branch_manager@nrb", &loan.path("renegotiated"), &json!({"reason": "Flood"}), times());
        repeat("branch_manager@nrb", &loan.path(&format!("transactions/{transaction}/reverse")), &json!({}), times());
        let entry = repeat("accountant@nrb", "/v1/journal-entries", &house.entry_request("nrb", "7.00"), times());
        let reverse = format!("/v1/journal-entries/{}/reverse", entry["id"].as_str().unwrap());
        repeat("accountant@nrb", &reverse, &json!({}), times());
        let code = format!("9{}", random.random_range(10_000..99_999));
        let account = json!({"code": code, "name": "Another bank", "class": "asset"});
        repeat("admin@hq", "/v1/gl-accounts", &account, random.random_range(1..=5));
        let branch = json!({"code": format!("B{code}"), "name": "Another branch"});
        repeat("admin@hq", "/v1/branches", &branch, random.random_range(1..=5));
    }
    house.must_hold(&[&second]);
}

#[test]
fn what_callers_choose_is_given_once() {
    let house = Institution::start();
    let second = house.second_server();
    let loans = [house.active_loan("nrb"), house.active_loan("nrb")];
    let (teller, officer, admin) =
        (house.session("teller@nrb"), house.session("loan_officer@nrb"), house.session("admin@hq"));
    for round in 0..5 {
        let id = Uuid::new_v4();
        let mut client = house.client_request("nrb");
        client["id"] = json!(id);
        let receipt = format!("R-{round}");
        let branch = json!({"code": format!("X{round}"), "name": "One of this code"});
        let cases: [(&Session, String, Value); 3] = [
            (&officer, "/v1/clients".into(), client),
            (
                &teller,
                loans[round % 2].path("repayments"),
                json!({"amount": "1.00", "channel": "cash", "receipt": receipt}),
            ),
            (&admin, "/v1/branches".into(), branch),
        ];
        for (session, path, body) in &cases {
            let there = session.at(&second);
            let statuses: Vec<u16> = thread::scope(|scope| {
                let calls: Vec<_> = (0..6)
                    .map(|index| {
                        let session = if index % 2 == 0 { *session } else { &there };
                        // The receipt comes with either loan.
                        let path =
                            if body["receipt"].is_null() { path.clone() } else { loans[index % 2].path("repayments") };
                        scope.spawn(move || session.insist(&key(), &path, body))
                    })
                    .collect();
                calls.into_iter().map(|call| call.join().unwrap().status).collect()
            });
            let made = statuses.iter().filter(|status| **status == 201).count();
            assert!(made == 1 && statuses.iter().all(|status| matches!(status, 201 | 409)), "{path}: {statuses:?}");
        }
    }
    house.must_hold(&[&second]);
}
