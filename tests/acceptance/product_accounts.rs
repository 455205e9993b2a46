//! The accounts of a product: every slot has one, and what a sub-ledger keeps nobody posts to by hand.

use super::bank::{self, Plan, balances, entry_request, product_request};
use crate::harness::*;

fn terms() -> Value {
    json!({"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}})
}

fn open(house: &Institution, code: &str, class: &str, header: bool) {
    let request = json!({"code": code, "name": format!("Account {code}"), "class": class, "header": header});
    house.session("admin@hq").post("/v1/gl-accounts", &request).expect(201);
}

#[test]
fn a_slot_without_an_account_is_refused() {
    let house = Institution::start();
    open(&house, "1200", "asset", true);
    let admin = house.session("admin@hq");
    let offer = |accounting: Value| {
        admin.post("/v1/loan-products", &product_request("P", &terms(), &json!({ "accounting": accounting })))
    };
    for code in ["9999", "1200"] {
        let body = offer(json!({ "interest_income": code })).problem(422, "product.slot_unmapped");
        assert_eq!(body["errors"][0]["pointer"], "/accounting/interest_income");
        assert!(body["detail"].as_str().unwrap().contains("interest_income"), "{body}");
    }
    offer(json!({"income_of_interest": "4010"})).problem(422, "product.slot_unknown");
    let list = admin.get("/v1/loan-products").ok(200);
    assert_eq!(list["data"].as_array().unwrap().len(), 2, "{list}");
    // The least above the most; a code that is taken; a price of nothing.
    let crossed = json!({"limits": {"principal": {"min": "2.00", "max": "1.00"}, "instalments": {"min": 1, "max": 4}}});
    let body = admin
        .post("/v1/loan-products", &product_request("P", &terms(), &crossed))
        .problem(422, "product.limits_crossed");
    assert_eq!(body["errors"][0]["pointer"], "/limits/principal");
    admin.post("/v1/loan-products", &product_request("W01", &terms(), &json!({}))).problem(409, "product.code_taken");
    house
        .session("branch_manager@hq")
        .post("/v1/loan-products", &product_request("P", &terms(), &json!({})))
        .problem(403, "access.forbidden");
    house.must_hold(&[]);
}

#[test]
fn what_was_posted_by_hand_is_no_sub_ledger_and_the_other_way_round() {
    let house = Institution::start();
    let accountant = house.session("accountant@nrb");
    for code in ["1211", "1311"] {
        open(&house, code, "asset", false);
    }
    let by_hand = bank::entry(&house, "nrb", &[("1211", 10_00), ("1040", -10_00)]);
    let admin = house.session("admin@hq");
    let offer = |code: &str, accounting: Value| {
        admin.post("/v1/loan-products", &product_request(code, &terms(), &json!({ "accounting": accounting })))
    };
    let body = offer("P", json!({"loan_portfolio": "1211"})).problem(409, "product.account_posted_by_hand");
    assert_eq!(body["errors"][0]["pointer"], "/accounting/loan_portfolio");
    // Taken back it still has lines that no loan made.
    let path = format!("/v1/journal-entries/{}/reverse", by_hand["id"].as_str().unwrap());
    accountant.post(&path, &json!({})).expect(201);
    offer("P", json!({"loan_portfolio": "1211"})).problem(409, "product.account_posted_by_hand");
    // Free until a product uses it; then a control account.
    bank::entry(&house, "ksm", &[("5310", 3_00), ("1040", -3_00)]);
    offer("Q", json!({"interest_receivable": "1311"})).expect(201);
    for (code, other) in
        [("1311", "1040"), ("1210", "1040"), ("2395", "1040"), ("2340", "1040"), ("9020", "9021"), ("9050", "9051")]
    {
        let body =
            accountant.post("/v1/journal-entries", &entry_request(&house, "nrb", &[(code, 1_00), (other, -1_00)]));
        let body = body.problem(422, "journal.control_account");
        assert_eq!(body["errors"][0]["pointer"], "/lines/0/account", "{code}");
    }
    let accounts = house.session("auditor@hq").get("/v1/gl-accounts").ok(200);
    let control = |code: &str| {
        accounts["data"].as_array().unwrap().iter().find(|account| account["code"] == code).unwrap()["control"].clone()
    };
    assert_eq!((control("1311"), control("4010"), control("2020")), (json!(true), json!(false), json!(false)));
    // Income and savings are corrected by hand.
    bank::entry(&house, "nrb", &[("4010", 1_00), ("2020", -1_00)]);
    house.must_hold(&[]);
}

/// In an institution without a product every account of the chart is free.
#[test]
fn an_account_is_a_control_account_only_once_a_product_uses_it() {
    let house = Institution::start();
    let used = balances(&house);
    assert!(used.is_empty());
    let accounting =
        json!({"loan_portfolio": "1212", "interest_receivable": "1312", "unearned": "2396", "overpayment": "2341"});
    for (code, class) in [("1212", "asset"), ("1312", "asset"), ("2396", "liability"), ("2341", "liability")] {
        open(&house, code, class, false);
    }
    let own = bank::product(&house, "OWN", &terms(), &json!({ "accounting": accounting }));
    // A loan of it lives on its own accounts, beside one on the standard ones.
    let (loan, other) = (
        bank::lend(&house, &Plan::of(own, 12_000_00, 12)),
        bank::lend(&house, &Plan::of(house.product("W02"), 6_000_00, 12)),
    );
    bank::open_day(&house, "2026-02-10");
    bank::pay(&house, loan, 1_134_72, None);
    let balance = balances(&house);
    assert_eq!(
        (balance["1212"], balance["1210"], balance["2396"], balance["1310"]),
        (11_105_28, 6_000_00, -154_29, 42_86)
    );
    assert!(!balance.contains_key("1312"));
    bank::pay(&house, loan, 20_000_00, None);
    bank::pay(&house, other, 20_000_00, None);
    let balance = balances(&house);
    assert!(
        balance["2341"] < 0 && balance["2340"] < 0 && !balance.contains_key("1212") && !balance.contains_key("1210")
    );
    house.must_hold(&[]);
}
