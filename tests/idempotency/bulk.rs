//! Many repayments in one call: each item is its own command under its own key.

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

pub fn item(key: &str, loan: Loan, amount: &str) -> Value {
    json!({"key": key, "loan_id": loan.id, "amount": amount, "channel": "cash"})
}

fn statuses(answer: &Value) -> Vec<u64> {
    answer["data"].as_array().unwrap().iter().map(|item| item["status"].as_u64().unwrap()).collect()
}

#[test]
fn each_item_is_decided_on_its_own() {
    let house = Institution::start();
    let (one, two) = (house.active_loan("nrb"), house.active_loan("nrb"));
    let (applied, elsewhere) = (house.applied_loan("nrb"), house.active_loan("ksm"));
    let teller = house.session("teller@nrb");
    let keys: Vec<String> = (0..7).map(|_| key()).collect();
    let items = json!({"items": [
        item(&keys[0], one, "10.00"),
        item(&keys[1], applied, "10.00"),
        item(&keys[2], elsewhere, "10.00"),
        item(&keys[3], one, "20.00"),
        item(&keys[4], two, "0.001"),
        item(&keys[0], one, "10.00"),
        item(&keys[5], Loan { id: Uuid::new_v4(), branch: "nrb" }, "1.00"),
        item(&keys[6], two, "30.00"),
        item(&keys[6], two, "31.00"),
    ]});
    let answer = teller.ask("/v1/repayments", &items).ok(200);
    assert_eq!(statuses(&answer), [201, 409, 404, 201, 422, 201, 404, 201, 422], "{answer}");
    let codes: Vec<&str> =
        answer["data"].as_array().unwrap().iter().filter_map(|item| item["problem"]["code"].as_str()).collect();
    assert_eq!(
        codes,
        ["loan.not_active", "resource.not_found", "amount.too_fine", "resource.not_found", "idempotency.key_reused"]
    );
    let data = &answer["data"];
    assert_eq!(data[0]["transaction"]["id"], data[5]["transaction"]["id"]);
    assert_eq!(data[0]["transaction"]["amount"], "10.00");
    assert_eq!(data[3]["loan"]["id"], json!(one.id));
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 3);
    // The whole call again: what was decided comes back, nothing new happens.
    let again = teller.ask("/v1/repayments", &items).ok(200);
    assert_eq!(statuses(&again), statuses(&answer));
    for index in [0, 3, 7] {
        assert_eq!(again["data"][index]["replayed"], true);
        assert_eq!(again["data"][index]["transaction"], data[index]["transaction"]);
    }
    house.must_hold(&[]);
}

#[test]
fn items_and_single_commands_share_their_keys() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let (first, second) = (key(), key());
    let single = teller.post_as(&first, &loan.path("repayments"), &repayment("10.00")).ok(201);
    let bulk = teller
        .ask("/v1/repayments", &json!({"items": [item(&first, loan, "10.00"), item(&second, loan, "20.00")]}))
        .ok(200);
    assert_eq!(bulk["data"][0]["replayed"], true);
    assert_eq!(bulk["data"][0]["transaction"], single["transaction"]);
    let again = teller.post_as(&second, &loan.path("repayments"), &repayment("20.00")).expect(201);
    assert!(again.is_replay());
    assert_eq!(again.json()["transaction"], bulk["data"][1]["transaction"]);
    teller.post_as(&second, &loan.path("repayments"), &repayment("21.00")).problem(422, "idempotency.key_reused");
    house.must_hold(&[]);
}

#[test]
fn a_thousand_are_taken_and_no_more() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..4).map(|_| house.active_loan("nrb")).collect();
    let teller = house.session("teller@nrb");
    let items = |count: usize| -> Value {
        json!({"items": (0..count).map(|index| item(&format!("k{index}"), loans[index % 4], "1.00")).collect::<Vec<_>>()})
    };
    teller.ask("/v1/repayments", &items(0)).problem(400, "request.malformed");
    teller.ask("/v1/repayments", &items(1001)).problem(400, "request.malformed");
    let mut bad = items(2);
    bad["items"][0]["key"] = json!("two words");
    bad["items"][1] = item(&key(), loans[1], "0.00");
    let told = teller.ask("/v1/repayments", &bad).ok(200);
    assert_eq!(statuses(&told)[0], 400, "{told}");
    assert_eq!(told["data"][0]["problem"]["errors"][0]["pointer"], "/key");
    house.session("auditor@nrb").ask("/v1/repayments", &items(1)).problem(403, "access.forbidden");
    let answer = teller.ask("/v1/repayments", &items(1000)).ok(200);
    assert!(statuses(&answer).iter().all(|status| *status == 201), "{answer}");
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 1000);
    house.must_hold(&[]);
}
