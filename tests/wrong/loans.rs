//! Clients and loans in states that do not allow what is asked.

use super::refused;
use crate::harness::builders::repayment;
use crate::harness::*;

#[test]
fn clients_that_are_not_taken() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    let client = |change: Value| {
        let mut body = house.client_request("nrb");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        officer.post("/v1/clients", &body)
    };
    refused(client(json!({"branch_id": house.branch("ksm")})), 422, "reference.not_found", "/branch_id");
    refused(client(json!({"officer_id": Uuid::new_v4()})), 422, "reference.not_found", "/officer_id");
    refused(client(json!({"kind": "robot"})), 400, "request.malformed", "/kind");
    refused(client(json!({"gender": "unknown"})), 400, "request.malformed", "/gender");
    refused(client(json!({"name": {}})), 400, "request.malformed", "/name");
    refused(client(json!({"name": {"given": "  "}})), 400, "request.malformed", "/name/given");
    refused(client(json!({"birth": {"year": 1899}})), 400, "request.malformed", "/birth");
    refused(client(json!({"birth": {"on": "1990-01-01", "year": 1990}})), 400, "request.malformed", "/birth");
    refused(client(json!({"number": "C-1"})), 400, "request.malformed", "/number");
    refused(client(json!({"version": 7})), 400, "request.malformed", "/version");
    let born = client(json!({"birth": {"on": "2026-02-01"}}));
    assert_eq!(born.status, 422, "{}", born.text);
    let organisation = client(json!({"kind": "organisation"}));
    assert_eq!(organisation.status, 422, "{}", organisation.text);
    let id = Uuid::now_v7();
    client(json!({"id": id})).expect(201);
    refused(client(json!({"id": id})), 409, "id.taken", "/id");
    refused(client(json!({"id": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"})), 400, "request.malformed", "/id");
    // A name is a text and nothing else.
    for name in [
        "'; drop table client; --",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "Zoë 𝔘𝔫𝔦",
        "a".repeat(200).as_str(),
    ] {
        let made = client(json!({"name": {"full": name}})).ok(201);
        assert_eq!(made["name"]["full"], name);
    }
    house.must_hold(&[]);
}

#[test]
fn applications_that_are_not_taken() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    let client_id = house.client("nrb");
    let apply = |change: Value| {
        let mut body = house.loan_request(client_id, "W02");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        officer.post("/v1/loans", &body)
    };
    refused(apply(json!({"client_id": Uuid::new_v4()})), 422, "reference.not_found", "/client_id");
    refused(apply(json!({"client_id": house.client("ksm")})), 422, "reference.not_found", "/client_id");
    refused(apply(json!({"product_id": Uuid::new_v4()})), 422, "reference.not_found", "/product_id");
    refused(apply(json!({"officer_id": Uuid::new_v4()})), 422, "reference.not_found", "/officer_id");
    refused(apply(json!({"principal": "99.99"})), 422, "product.principal_outside_limits", "/principal");
    refused(apply(json!({"principal": "5000000.01"})), 422, "product.principal_outside_limits", "/principal");
    refused(apply(json!({"principal": "100.001"})), 422, "amount.too_fine", "/principal");
    refused(apply(json!({"instalments": 0})), 422, "product.instalments_outside_limits", "/instalments");
    refused(apply(json!({"instalments": 61})), 422, "product.instalments_outside_limits", "/instalments");
    refused(apply(json!({"instalments": 4294967295_u32})), 422, "product.instalments_outside_limits", "/instalments");
    refused(apply(json!({"applied_on": "2026-02-01"})), 422, "date.in_the_future", "/applied_on");
    refused(apply(json!({"status": "approved"})), 400, "request.malformed", "/status");
    let crossed = apply(json!({"first_due_on": "2026-01-30"}));
    assert_eq!(crossed.status, 422, "{}", crossed.text);
    let late = apply(json!({"expected_disbursed_on": "2199-12-31"}));
    assert_eq!(late.status, 422, "{}", late.text);
    let pending = officer.post("/v1/clients", &{
        let mut body = house.client_request("nrb");
        body["status"] = json!("pending");
        body
    });
    let pending = people::id(&pending.ok(201)["id"]);
    refused(apply(json!({"client_id": pending})), 409, "client.not_active", "/client_id");
    house.must_hold(&[]);
}

#[test]
fn loans_in_another_state() {
    let house = Institution::start();
    let (teller, manager) = (house.session("teller@nrb"), house.session("branch_manager@nrb"));
    let (applied, active) = (house.applied_loan("nrb"), house.active_loan("nrb"));
    refused(teller.post(&applied.path("disburse"), &json!({"channel": "cash"})), 409, "loan.wrong_status", "");
    refused(teller.post(&applied.path("repayments"), &repayment("1.00")), 409, "loan.not_active", "");
    refused(manager.post(&active.path("approve"), &json!({})), 409, "loan.wrong_status", "");
    refused(manager.post(&active.path("reject"), &json!({})), 409, "loan.wrong_status", "");
    refused(teller.post(&active.path("disburse"), &json!({"channel": "cash"})), 409, "loan.wrong_status", "");
    refused(
        manager.post(&applied.path("approve"), &json!({"principal": "1.00"})),
        422,
        "product.principal_outside_limits",
        "/principal",
    );
    refused(
        manager.post(&applied.path("approve"), &json!({"instalments": 99})),
        422,
        "product.instalments_outside_limits",
        "/instalments",
    );
    manager.post(&applied.path("approve"), &json!({"principal": "10000.00"})).expect(200);
    let disburse = |body: Value| teller.post(&applied.path("disburse"), &body);
    refused(disburse(json!({"channel": "cash", "amount": "10000.01"})), 422, "loan.above_approved", "/amount");
    refused(disburse(json!({"channel": "cash", "amount": "0.00"})), 422, "amount.not_positive", "/amount");
    refused(disburse(json!({"channel": "pigeon"})), 400, "request.malformed", "/channel");
    refused(
        disburse(json!({"channel": "cash", "disbursed_on": "2026-02-01"})),
        422,
        "date.in_the_future",
        "/disbursed_on",
    );
    let refuse = json!({"amount": "50000.00", "channel": "cash", "overpayment": "refuse"});
    refused(teller.post(&active.path("repayments"), &refuse), 422, "loan.amount_exceeds_payoff", "/amount");
    let receipt = json!({"amount": "5.00", "channel": "cash", "receipt": "R-1"});
    let paid = teller.post(&active.path("repayments"), &receipt).ok(201);
    refused(teller.post(&active.path("repayments"), &receipt), 409, "receipt.taken", "/receipt");
    let reverse =
        |id: &Value| manager.post(&active.path(&format!("transactions/{}/reverse", id.as_str().unwrap())), &json!({}));
    let reversed = reverse(&paid["transaction"]["id"]).ok(200);
    refused(reverse(&paid["transaction"]["id"]), 409, "loan.reversed_already", "");
    refused(reverse(&reversed["transaction"]["id"]), 422, "loan.not_reversible", "");
    reverse(&json!(Uuid::new_v4())).problem(404, "resource.not_found");
    house.must_hold(&[]);
}

#[test]
fn nobody_approves_what_they_applied_for() {
    let house = Institution::start();
    let manager = house.session("branch_manager@nrb");
    let loan = manager.post("/v1/loans", &house.loan_request(house.client("nrb"), "W02")).ok(201);
    let path = format!("/v1/loans/{}/approve", people::id(&loan["id"]));
    manager.post(&path, &json!({})).problem(403, "approval.same_person");
    // Nor by another user of the same person.
    let admin = house.session("admin@hq");
    let twin = json!({"username": "second.self", "password": people::PASSWORD, "name": "Second self", "roles": ["branch_manager"],
        "branch_id": house.branch("hq"), "staff_id": house.people.staff["branch_manager@nrb"]});
    let twin = house.session_of(people::id(&admin.post("/v1/users", &twin).ok(201)["id"]));
    twin.post(&path, &json!({})).problem(403, "approval.same_person");
    house.session("branch_manager@hq").post(&path, &json!({})).expect(200);
    house.must_hold(&[]);
}
