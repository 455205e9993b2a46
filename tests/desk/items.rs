//! What an item may be, and who hears first that it may not.

use std::thread;

use crate::desk::commands::statuses;
use crate::harness::builders::{Loan, repayment};
use crate::harness::*;
use crate::idempotency::bulk::item;
use crate::idempotency::keys::{hold, is_waiting, release};

fn repaid(house: &Institution) -> i64 {
    house.database.one("select count(*) from loan_event where kind = 'repaid'", &[])
}

#[test]
fn fields_are_given_by_name() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let send = |path: &str, body: &str| teller.send("POST", path, None, Some(body), &[]).unwrap();
    let positional = r#"["1.00",null,"cash",null,null]"#;
    send(&loan.path("repayments"), positional).problem(400, "request.malformed");
    send(&format!("{}?dry_run=true", loan.path("repayments")), positional).problem(400, "request.malformed");
    let path = format!(r#"{{"id":"{}"}}"#, loan.id);
    let call = |item: &str| format!(r#"{{"items":[{item}]}}"#);
    send("/v1/commands", &format!(r#"[[["k","loan.repay",{path},{positional}]],false]"#))
        .problem(400, "request.malformed");
    let items = [
        format!(r#"["k","loan.repay",{path},{positional}]"#),
        format!(r#"{{"key":"k","operation":"loan.repay","path":{path},"body":{positional}}}"#),
    ];
    for one in items {
        assert_eq!(statuses(&send("/v1/commands", &call(&one)).ok(200)), [400], "{one}");
    }
    // A name that stands twice says two things.
    let loan_id = loan.id;
    let twice = [
        format!(r#"{{"key":"a","loan_id":"{loan_id}","amount":"1.00","amount":"2.00","channel":"cash"}}"#),
        format!(r#"{{"key":"a","key":"b","loan_id":"{loan_id}","amount":"1.00","channel":"cash"}}"#),
        r#"["a"]"#.to_owned(),
    ];
    for one in twice {
        assert_eq!(statuses(&send("/v1/repayments", &call(&one)).ok(200)), [400], "{one}");
    }
    let twice = format!(
        r#"{{"key":"c","operation":"loan.repay","path":{{"id":"zz","id":"{loan_id}"}},"body":{{"amount":"1.00","channel":"cash"}}}}"#
    );
    assert_eq!(statuses(&send("/v1/commands", &call(&twice)).ok(200)), [400]);
    assert_eq!(repaid(&house), 0);
    house.must_hold(&[]);
}

#[test]
fn an_item_that_cannot_be_read_is_its_own_400() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let good =
        |key: &str| json!({"key": key, "operation": "loan.repay", "path": {"id": loan.id}, "body": repayment("2.00")});
    let bad = [
        json!({"key": "x", "operation": "loan.repay", "surprise": 1}),
        json!({"key": "x", "operation": "loan.repay", "path": {"id": 5}, "body": {}}),
        json!({"key": "x", "operation": "loan.repay", "path": {"id": loan.id, "zz": "1"}, "body": repayment("2.00")}),
        json!({"key": "x", "operation": 5}),
        json!({"key": 5, "operation": "loan.repay"}),
        json!({"operation": "loan.repay", "path": {"id": loan.id}, "body": repayment("2.00")}),
        Value::Null,
        json!(5),
    ];
    let mut items: Vec<Value> = bad.to_vec();
    items.insert(0, good("first"));
    items.push(good("last"));
    let answer = teller.ask("/v1/commands", &json!({"items": items})).ok(200);
    assert_eq!(statuses(&answer), [201, 400, 400, 400, 400, 400, 400, 400, 400, 201], "{answer}");
    assert_eq!(
        (&answer["data"][1]["key"], &answer["data"][1]["body"]["errors"][0]["pointer"]),
        (&json!("x"), &json!("/surprise"))
    );
    let items = json!({"items": [item("one", loan, "3.00"), null, {"loan_id": loan.id, "amount": "3.00", "channel": "cash"}, 7]});
    let answer = teller.ask("/v1/repayments", &items).ok(200);
    assert_eq!(statuses(&answer), [201, 400, 400, 400], "{answer}");
    assert_eq!(repaid(&house), 3);
    house.must_hold(&[]);
}

#[test]
fn who_may_not_hears_that_before_what_is_wrong() {
    let house = Institution::start();
    let loan = house.approved_loan("nrb");
    let (officer, auditor) = (house.session("loan_officer@nrb"), house.session("auditor@nrb"));
    let approve = json!({"operation": "loan.approve", "path": {"id": loan.id}});
    for more in [
        json!({"operation": "loan.repay", "surprise": 1}),
        json!({"operation": "loan.repay", "path": {"id": "zz"}, "body": repayment("1.00")}),
    ] {
        let call = json!({"atomic": true, "items": [approve, more]});
        let refused = officer.post("/v1/commands", &call).problem(403, "access.forbidden");
        assert_eq!(refused["errors"][0]["pointer"], "/items/0", "{refused}");
    }
    let alone = json!({"atomic": true, "items": [approve]});
    officer.ask("/v1/commands", &alone).problem(403, "access.forbidden");
    // The permission of POST /v1/repayments is the call's.
    for items in [json!([]), json!([null]), json!([item("k", loan, "1.00"), {}])] {
        auditor.ask("/v1/repayments", &json!({"items": items})).problem(403, "access.forbidden");
    }
    // The body, the key, and last a path that names nothing.
    let nowhere = "/v1/loans/xyz/repayments";
    officer.ask(nowhere, &json!({"amount": 5})).problem(400, "request.malformed");
    officer.ask(nowhere, &repayment("1.00")).problem(400, "idempotency.key_missing");
    officer.post(nowhere, &repayment("1.00")).problem(404, "resource.not_found");
    auditor.post(&format!("{nowhere}?dry_run=maybe"), &repayment("1.00")).problem(403, "access.forbidden");
    house.must_hold(&[]);
}

#[test]
fn nobody_hears_the_reply_to_another_of_the_same_integration() {
    let house = Institution::start();
    let (loan, admin): (Loan, Session) = (house.active_loan("nrb"), house.session("admin@hq"));
    let client = |role: &str| {
        let request = json!({"name": "gateway", "roles": [role], "branch_id": house.branch("nrb")});
        let made = admin.post("/v1/api-clients", &request).ok(201);
        house.record.keep_secret(made["client_secret"].as_str().unwrap());
        let grant = json!({"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]});
        let signed_in = admin.ask("/v1/auth/token", &grant).ok(200);
        house.with_token(signed_in["access_token"].as_str().unwrap())
    };
    let (payer, onlooker) = (client("teller"), client("auditor"));
    let (key, path) = (key(), loan.path("repayments"));
    let holder = hold(&house, loan);
    thread::scope(|scope| {
        let first = scope.spawn(|| payer.post_as(&key, &path, &repayment("5.00")));
        is_waiting(&house);
        onlooker.post_as(&key, &path, &repayment("5.00")).problem(409, "idempotency.in_progress");
        release(holder);
        assert_eq!(first.join().unwrap().status, 201);
    });
    onlooker.post_as(&key, &path, &repayment("5.00")).problem(403, "access.forbidden");
    assert_eq!(repaid(&house), 1);
    house.books_prove_themselves();
}
