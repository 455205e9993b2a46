//! `POST /v1/commands`: each item is the single command.

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

pub fn item(key: &str, operation: &str, path: Value, body: Value) -> Value {
    json!({"key": key, "operation": operation, "path": path, "body": body})
}

pub fn on(loan: Loan, operation: &str, body: Value) -> Value {
    item(&key(), operation, json!({"id": loan.id}), body)
}

pub fn statuses(answer: &Value) -> Vec<u64> {
    answer["data"].as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect()
}

fn codes(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|item| item["body"]["code"].as_str().unwrap_or("")).collect()
}

#[test]
fn approve_disburse_and_repay_of_one_loan_stand_in_one_batch_in_order() {
    let house = Institution::start();
    let loan = house.applied_loan("nrb");
    let manager = house.session("branch_manager@nrb");
    let items = json!({"items": [
        on(loan, "loan.approve", json!({})),
        on(loan, "loan.disburse", json!({"channel": "bank"})),
        on(loan, "loan.repay", repayment("134.72")),
        on(loan, "loan.repay", repayment("1000.00")),
    ]});
    let answer = manager.ask("/v1/commands", &items).ok(200);
    assert_eq!(statuses(&answer), [200, 200, 201, 201], "{answer}");
    assert_eq!(answer["data"][3]["body"]["loan"]["balances"]["principal"], "11105.28");
    let kinds = house.database.query(
        "select kind, count(*) over (partition by recorded_at) as together, command_id from loan_event where loan_id = $1 order by number",
        &[&loan.id],
    );
    let kinds: Vec<(&str, i64)> = kinds.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(kinds, [("approved", 4), ("disbursed", 4), ("repaid", 4), ("repaid", 4)], "in one batch");
    house.must_hold(&[]);
}

#[test]
fn an_item_is_the_single_command_under_the_same_key() {
    let house = Institution::start();
    let (loan, other) = (house.active_loan("nrb"), house.applied_loan("nrb"));
    let (manager, officer) = (house.session("branch_manager@nrb"), house.session("loan_officer@nrb"));
    let accountant = house.session("accountant@nrb");
    let paid = house.repay(loan, "10.00").ok(201);
    let transaction = &paid["transaction"]["id"];
    let pending = {
        let mut request = house.client_request("nrb");
        request["status"] = json!("pending");
        people::id(&officer.post("/v1/clients", &request).ok(201)["id"])
    };
    let posted = accountant.post("/v1/journal-entries", &house.entry_request("nrb", "1.00")).ok(201);
    let (loan_path, other_path) = (json!({"id": loan.id}), json!({"id": other.id}));
    let apply = house.loan_request(house.client("nrb"), "W02");
    let cases: Vec<(&Session, &str, String, Value, Value)> = vec![
        (&officer, "client.register", "/v1/clients".into(), json!({}), house.client_request("nrb")),
        (&officer, "client.activate", format!("/v1/clients/{pending}/activate"), json!({"id": pending}), json!({})),
        (&officer, "loan.apply", "/v1/loans".into(), json!({}), apply),
        (&manager, "loan.approve", other.path("approve"), other_path.clone(), json!({})),
        (&manager, "loan.withdraw", other.path("withdraw"), other_path.clone(), json!({"reason": "Moved away"})),
        (&manager, "loan.reject", other.path("reject"), other_path, json!({})),
        (&manager, "loan.disburse", loan.path("disburse"), loan_path.clone(), json!({"channel": "cash"})),
        (&manager, "loan.repay", loan.path("repayments"), loan_path.clone(), repayment("0.00")),
        (&manager, "loan.repay", loan.path("repayments"), loan_path.clone(), repayment("20.00")),
        (
            &manager,
            "loan.reverse",
            loan.path(&format!("transactions/{}/reverse", transaction.as_str().unwrap())),
            json!({"id": loan.id, "transaction_id": transaction}),
            json!({"reason": "Keyed twice"}),
        ),
        (&manager, "loan.renegotiate", loan.path("renegotiated"), loan_path, json!({"reason": "Flood"})),
        (
            &accountant,
            "journal_entry.post",
            "/v1/journal-entries".into(),
            json!({}),
            house.entry_request("nrb", "2.00"),
        ),
        (
            &accountant,
            "journal_entry.reverse",
            format!("/v1/journal-entries/{}/reverse", posted["id"].as_str().unwrap()),
            json!({"id": posted["id"]}),
            json!({}),
        ),
    ];
    let mut covered: Vec<&str> = cases.iter().map(|(_, operation, ..)| *operation).collect();
    for (session, operation, url, path, body) in cases {
        let key = key();
        let items = json!({"items": [item(&key, operation, path, body.clone())]});
        let told = session.ask("/v1/commands", &items).ok(200)["data"][0].clone();
        let single = session.post_as(&key, &url, &body);
        assert_eq!(told["status"], single.status, "{operation}: {told} and {}", single.text);
        // A conflict is decided again, all else is the same answer.
        if single.status != 409 {
            assert!(single.is_replay(), "{operation}: {}", single.text);
            assert_eq!(told["body"], single.json(), "{operation}");
        }
        assert_eq!(told["replayed"], false, "{operation}");
    }
    let rows = api::operations::all().filter(|row| row.has_dry_run());
    covered.sort_unstable();
    covered.dedup();
    let mut expected: Vec<&str> = rows.map(|row| row.id).collect();
    expected.sort_unstable();
    assert_eq!(covered, expected, "each command of the desk is tried");
    house.must_hold(&[]);
}

#[test]
fn an_item_that_is_wrong_harms_no_other() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let path = json!({"id": loan.id});
    let items = json!({"items": [
        item(&key(), "loan.repay", path.clone(), json!({"amount": 5, "channel": "cash"})),
        item(&key(), "loan.repay", path.clone(), repayment("10.00")),
        item(&key(), "loan.repay", json!({"id": "no-id"}), repayment("10.00")),
        item(&key(), "loan.repay", json!({}), repayment("10.00")),
        item(&key(), "loan.approve", path.clone(), json!({})),
        item(&key(), "branch.open", json!({}), json!({"code": "X", "name": "X"})),
        item(&key(), "period.reopen", json!({"period": "2026-01"}), json!({})),
        item(&key(), "loan.dance", json!({}), json!({})),
        item(&key(), "commands.run", json!({}), json!({"items": []})),
        {"key": key(), "operation": "loan.repay", "path": path.clone()},
        item(&key(), "loan.repay", path, repayment("20.00")),
    ]});
    let answer = teller.ask("/v1/commands", &items).ok(200);
    assert_eq!(statuses(&answer), [400, 201, 404, 404, 403, 422, 422, 422, 422, 400, 201], "{answer}");
    assert_eq!(
        codes(&answer),
        [
            "request.malformed",
            "",
            "resource.not_found",
            "resource.not_found",
            "access.forbidden",
            "command.not_here",
            "command.not_here",
            "command.not_here",
            "command.not_here",
            "request.malformed",
            ""
        ]
    );
    assert_eq!(answer["data"][0]["body"]["errors"][0]["pointer"], "/amount");
    let problem = teller.ask("/v1/commands", &json!({"items": []})).problem(400, "request.malformed");
    assert_eq!(problem["errors"][0]["pointer"], "/items", "{problem}");
    for without_key in [json!({"key": "", "operation": "loan.repay"}), json!({"operation": "loan.repay"})] {
        let told = teller.ask("/v1/commands", &json!({"items": [without_key]})).ok(200);
        assert_eq!(statuses(&told), [400], "{told}");
        assert_eq!(told["data"][0]["body"]["errors"][0]["pointer"], "/key", "{told}");
    }
    house.with_token("").ask("/v1/commands", &items).problem(401, "access.unauthenticated");
    house.must_hold(&[]);
}

#[test]
fn an_item_of_a_bulk_of_repayments_that_cannot_be_read_is_that_items_400() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let items = json!({"items": [
        {"key": key(), "loan_id": loan.id, "amount": "10.00", "channel": "cash"},
        {"key": key(), "loan_id": loan.id, "amount": "10.00", "channel": "pigeon"},
        {"key": key(), "loan_id": loan.id, "amount": "10.00", "channel": "cash", "amuont": "1"},
        {"key": key(), "loan_id": 5, "amount": "10.00", "channel": "cash"},
        {"key": key(), "loan_id": loan.id, "amount": "20.00", "channel": "cash"},
    ]});
    let answer = teller.ask("/v1/repayments", &items).ok(200);
    assert_eq!(statuses(&answer), [201, 400, 400, 404, 201], "{answer}");
    assert_eq!(answer["data"][1]["problem"]["errors"][0]["pointer"], "/channel");
    assert_eq!(answer["data"][2]["problem"]["errors"][0]["code"], "field.unknown");
    house.must_hold(&[]);
}
