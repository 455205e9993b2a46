//! The journal, periods, settings, people.

use super::refused;
use crate::harness::*;

#[test]
fn entries_that_are_none() {
    let house = Institution::on("2026-03-15");
    let accountant = house.session("accountant@nrb");
    let post = |change: Value| {
        let mut body = house.entry_request("nrb", "10.00");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        accountant.post("/v1/journal-entries", &body)
    };
    let lines = |lines: Value| post(json!({"lines": lines}));
    let pair = |account: &str| json!([{"account": account, "debit": "10.00"}, {"account": "1040", "credit": "10.00"}]);
    refused(lines(json!([])), 422, "journal.line_count", "/lines");
    refused(lines(json!([{"account": "5310", "debit": "10.00"}])), 422, "journal.line_count", "/lines");
    let many: Vec<Value> = (0..201).map(|_| json!({"account": "5310", "debit": "1.00"})).collect();
    refused(lines(json!(many)), 422, "journal.line_count", "/lines");
    refused(
        lines(json!([{"account": "5310", "debit": "10.00"}, {"account": "1040", "credit": "9.99"}])),
        422,
        "journal.unbalanced",
        "/lines",
    );
    refused(
        lines(json!([{"account": "5310", "debit": "10.00"}, {"account": "1040", "debit": "10.00"}])),
        422,
        "journal.unbalanced",
        "/lines",
    );
    let both =
        json!([{"account": "5310", "debit": "10.00", "credit": "10.00"}, {"account": "1040", "credit": "10.00"}]);
    refused(lines(both), 422, "journal.line_side", "/lines/0");
    refused(
        lines(json!([{"account": "5310"}, {"account": "1040", "credit": "10.00"}])),
        422,
        "journal.line_side",
        "/lines/0",
    );
    let negative = json!([{"account": "5310", "debit": "10.00"}, {"account": "1040", "credit": "-10.00"}]);
    refused(lines(negative), 422, "journal.line_amount", "/lines/1/credit");
    refused(
        lines(json!([{"account": "5310", "debit": "0"}, {"account": "1040", "credit": "0"}])),
        422,
        "journal.line_amount",
        "/lines/0/debit",
    );
    refused(
        lines(json!([{"account": "5310", "debit": "0.001"}, {"account": "1040", "credit": "0.001"}])),
        422,
        "amount.too_fine",
        "/lines/0/debit",
    );
    refused(lines(pair("8888")), 422, "reference.not_found", "/lines/0/account");
    refused(lines(pair("bad code")), 400, "request.malformed", "/lines/0/account");
    let id = Uuid::new_v4();
    post(json!({"id": id})).expect(201);
    refused(post(json!({"id": id})), 409, "id.taken", "/id");
    // An account with a sub-ledger is not posted to by hand.
    house.active_loan("nrb");
    refused(lines(pair("1210")), 422, "journal.control_account", "/lines/0/account");
    let path = format!("/v1/journal-entries/{id}/reverse");
    let reversal = accountant.post(&path, &json!({})).ok(201);
    assert_eq!(accountant.post(&path, &json!({})).problem(409, "journal.already_reversed")["errors"], Value::Null);
    let path = format!("/v1/journal-entries/{}/reverse", people::id(&reversal["id"]));
    let again = accountant.post(&path, &json!({}));
    assert!(matches!(again.status, 409 | 422), "{}", again.text);
    house.must_hold(&[]);
}

#[test]
fn entries_with_a_wrong_heading() {
    let house = Institution::on("2026-03-15");
    let accountant = house.session("accountant@nrb");
    let post = |change: Value| {
        let mut body = house.entry_request("nrb", "10.00");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        accountant.post("/v1/journal-entries", &body)
    };
    refused(post(json!({"branch_id": house.branch("ksm")})), 422, "reference.not_found", "/branch_id");
    refused(post(json!({"branch_id": Uuid::new_v4()})), 422, "reference.not_found", "/branch_id");
    refused(post(json!({"booked_on": "2026-03-16"})), 422, "journal.booked_in_future", "/booked_on");
    refused(post(json!({"value_on": "2026-03-16"})), 422, "journal.value_after_booking", "/value_on");
    refused(post(json!({"currency": "XXY"})), 400, "request.malformed", "/currency");
    refused(post(json!({"description": ""})), 400, "request.malformed", "/description");
    refused(post(json!({"description": "a".repeat(201)})), 400, "request.malformed", "/description");
    refused(post(json!({"description": "two\nlines"})), 400, "request.malformed", "/description");
    refused(post(json!({"id": "00000000-0000-1000-8000-000000000001"})), 400, "request.malformed", "/id");
    house.must_hold(&[]);
}

#[test]
fn a_closed_month_stays_closed() {
    let house = Institution::start();
    let accountant = house.session("accountant@hq");
    accountant.post("/v1/journal-entries", &house.entry_request("nrb", "5.00")).expect(201);
    refused(accountant.post("/v1/periods/2026-01/close", &json!({})), 409, "period.not_over", "");
    accountant.post("/v1/business-date/close", &json!({"through": "2026-02-03"})).expect(200);
    refused(accountant.post("/v1/periods/2026-01/reopen", &json!({})), 409, "period.not_closed", "");
    crate::acceptance::bank::close_month(&house, "2026-01");
    refused(accountant.post("/v1/periods/2026-01/close", &json!({})), 409, "period.already_closed", "");
    let mut late = house.entry_request("nrb", "10.00");
    late["booked_on"] = json!("2026-01-31");
    refused(accountant.post("/v1/journal-entries", &late), 409, "period.closed", "/booked_on");
    // The value date may stay; the booking is today's.
    let mut late = house.entry_request("nrb", "10.00");
    late["value_on"] = json!("2026-01-31");
    assert_eq!(accountant.post("/v1/journal-entries", &late).ok(201)["booked_on"], "2026-02-04");
    for month in ["2026-13", "2026", "202601", "2026-1", "x"] {
        accountant.post(&format!("/v1/periods/{month}/close"), &json!({})).problem(404, "resource.not_found");
    }
    house.must_hold(&[]);
}

#[test]
fn people_and_products_that_are_not_taken() {
    let house = Institution::start();
    let admin = house.session("admin@hq");
    let user = |change: Value| {
        let mut body = json!({"username": "wanjiru", "password": "river stone cloud lamp", "name": "Wanjiru", "roles": ["teller"],
            "branch_id": house.branch("nrb")});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        admin.post("/v1/users", &body)
    };
    for password in ["", "short", "passwordpassword", "x wanjiru x y z"] {
        let answer = user(json!({"password": password}));
        assert!(matches!(answer.status, 400 | 422) && !answer.text.contains("river"), "{password}: {}", answer.text);
        assert!(answer.text.contains("/password"), "{}", answer.text);
    }
    refused(user(json!({"branch_id": Uuid::new_v4()})), 422, "reference.not_found", "/branch_id");
    refused(user(json!({"username": "no spaces"})), 400, "request.malformed", "/username");
    refused(user(json!({"is_admin": true})), 400, "request.malformed", "/is_admin");
    assert_eq!(user(json!({"roles": ["king"]})).status, 422);
    user(json!({})).expect(201);
    assert_eq!(user(json!({"username": "WANJIRU"})).status, 409);
    let (_, product) = people::products()[1].clone();
    let product = |pointer: &str, value: Value| {
        let mut body = product.clone();
        body["code"] = json!("NEW");
        match body.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => body[pointer.trim_start_matches('/')] = value,
        }
        admin.post("/v1/loan-products", &body)
    };
    refused(product("/code", json!("W02")), 409, "product.code_taken", "/code");
    refused(
        product("/accounting", json!({"loan_portfolio": "9999"})),
        422,
        "product.slot_unmapped",
        "/accounting/loan_portfolio",
    );
    refused(product("/accounting", json!({"no_such_slot": "1210"})), 422, "product.slot_unknown", "/accounting");
    refused(product("/terms/interest/method", json!("magic")), 422, "terms.not_supported", "/terms/interest/method");
    refused(product("/limits/principal/min", json!("0.00")), 422, "amount.not_positive", "/limits/principal/min");
    refused(
        product("/limits/instalments/max", json!(5000)),
        422,
        "product.instalments_out_of_range",
        "/limits/instalments",
    );
    refused(product("/currency", json!("KEX")), 400, "request.malformed", "/currency");
    refused(product("/charges/0/percent", json!("100")), 422, "charge.percent_out_of_range", "/charges/0/percent");
    product("/code", json!("W03")).expect(201);
    house.must_hold(&[]);
}
