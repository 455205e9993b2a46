//! What the calculator refuses, and where it points.

use super::quotes::request;
use crate::harness::*;

#[test]
fn combinations_that_can_not_be() {
    let house = Institution::start();
    let declining = |more: Value| {
        let mut interest = json!({"method": "declining", "rate": {"percent": "24", "per": "year"}});
        super::bank::merge(&mut interest, &more);
        json!({ "interest": interest })
    };
    let flat = |more: Value| {
        let mut terms = declining(json!({"method": "flat"}));
        super::bank::merge(&mut terms["interest"], &more);
        terms
    };
    let mut equal_principal = flat(json!({}));
    equal_principal["amortization"] = json!({"method": "equal_principal"});
    let mut order: Vec<Value> = Vec::new();
    for due in ["past_due", "due", "in_advance"] {
        order.extend(["penalty", "fee", "interest", "principal"].map(|part| json!(format!("{due}_{part}"))));
    }
    order[1] = order[0].clone();
    let cases = [
        (equal_principal, "terms.flat_with_equal_principal", "/terms"),
        (flat(json!({"calculation": "daily"})), "terms.flat_with_daily", "/terms"),
        (declining(json!({"rate": {"percent": "1000.01", "per": "year"}})), "terms.rate_out_of_range", "/terms"),
        (json!({"frequency": {"every": 0, "unit": "month"}}), "terms.every_out_of_range", "/terms"),
        (json!({"frequency": {"every": 367, "unit": "day"}}), "terms.every_out_of_range", "/terms"),
        (json!({"rounding": {"instalment_multiple": "0"}}), "terms.rounding_multiple_out_of_range", "/terms"),
        (json!({"allocation": {"order": order}}), "terms.allocation_order_incomplete", "/terms"),
        (json!({"allocation": {"order": ["past_due_penalty"]}}), "terms.allocation_order_incomplete", "/terms"),
        (json!({"non_accrual_days": 0}), "terms.non_accrual_days_out_of_range", "/terms/non_accrual_days"),
    ];
    refused(&house, &cases);
}

#[test]
fn values_of_later_versions_and_of_none() {
    let house = Institution::start();
    let at = |place: &str, value: Value| {
        let mut terms = json!({
            "frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}},
            "amortization": {"method": "equal_instalments"}, "allocation": {}, "rounding": {"instalment_multiple": "5"}
        });
        let (parent, name) = place.rsplit_once('/').unwrap();
        terms.pointer_mut(parent).unwrap()[name] = value;
        terms
    };
    // The value is known to the contract, and not to this version; or to nobody: 422 at its place in any case.
    let places = [
        ("/balloon", json!("4000.00")),
        ("/grace", json!({"principal_instalments": 3})),
        ("/holiday_shift", json!("next")),
        ("/arrears_grace_days", json!(5)),
        ("/due_dates", json!(["2026-09-30"])),
        ("/frequency/on", json!({"days": [1, 15]})),
        ("/amortization/shares_percent", json!(["20", "80"])),
        ("/amortization/method", json!("interest_only")),
        ("/amortization/method", json!("custom_shares")),
        ("/allocation/advance", json!("last_instalment")),
        ("/allocation/advance", json!("shorten_term")),
        ("/settlement_rebate", json!("rule_of_78")),
        ("/settlement_rebate", json!("straight_line")),
        ("/settlement_rebate", json!("none")),
        ("/interest/method", json!("compound")),
        ("/interest/rate/per", json!("fortnight")),
        ("/interest/day_count", json!("business/252")),
        ("/frequency/unit", json!("year")),
        ("/rounding/mode", json!("half_even")),
    ];
    for (place, value) in places {
        let body = house.session("auditor@hq").ask("/v1/loan-quotes", &request(&json!({}), &at(place, value.clone())));
        assert_eq!(body.status, 422, "{place} {value}: {}", body.text);
        let body = body.json();
        assert!(body["code"].as_str().unwrap().starts_with("terms."), "{place} {value}: {body}");
        assert_eq!(body["errors"][0]["pointer"], format!("/terms{place}"), "{body}");
    }
    let more = json!({"disbursements": [{"on": "2026-01-31", "amount": "12000.00"}]});
    let body = house
        .session("auditor@hq")
        .ask("/v1/loan-quotes", &request(&more, &json!({})))
        .problem(422, "terms.not_supported");
    assert_eq!(body["errors"][0]["pointer"], "/disbursements");
    let later = json!({"charges": [{"kind": "fee", "name": "Fee", "when": "instalment", "amount": "10.00", "treatment": "due"}]});
    let body = house.session("auditor@hq").ask("/v1/loan-quotes", &request(&later, &json!({})));
    assert_eq!(
        (body.status, body.json()["errors"][0]["pointer"].clone()),
        (422, json!("/charges/0/when")),
        "{}",
        body.text
    );
}

#[test]
fn amounts_and_counts_that_make_no_schedule() {
    let house = Institution::start();
    let session = house.session("auditor@hq");
    let coarse = json!({"rounding": {"instalment_multiple": "1000"}});
    let cases = [
        // 1,000 × 11 leaves 1,616.59 and more: above 150 % of the level one.
        (json!({"principal": "12000.00"}), coarse, "product.rounding_too_coarse"),
        (json!({"instalments": 0}), json!({}), "loan.instalments_out_of_range"),
        (json!({"instalments": 1001}), json!({}), "loan.instalments_out_of_range"),
        (json!({"principal": "0.00"}), json!({}), "loan.principal_out_of_range"),
        (json!({"first_due_on": "2026-01-31"}), json!({}), "loan.first_due_on_not_after_disbursement"),
        (json!({"disbursed_on": "2199-11-30"}), json!({}), "loan.last_due_on_out_of_range"),
        (json!({"principal": "0.05"}), json!({}), "loan.principal_too_small"),
        (
            json!({"charges": [{"kind": "fee", "name": "All", "when": "disbursement", "amount": "12000.00", "treatment": "deducted"}]}),
            json!({}),
            "loan.nothing_paid_out",
        ),
        (json!({"principal": "12000.001"}), json!({}), "amount.too_fine"),
    ];
    for (more, terms, code) in cases {
        session.ask("/v1/loan-quotes", &request(&more, &terms)).problem(422, code);
    }
    // A quote tells no terms of its own making: an unknown member is a mistake.
    session.ask("/v1/loan-quotes", &request(&json!({"surprise": 1}), &json!({}))).problem(400, "request.malformed");
    house
        .with_token("")
        .ask("/v1/loan-quotes", &request(&json!({}), &json!({})))
        .problem(401, "access.unauthenticated");
}

#[track_caller]
fn refused(house: &Institution, cases: &[(Value, &str, &str)]) {
    for (terms, code, pointer) in cases {
        let body = house.session("auditor@hq").ask("/v1/loan-quotes", &request(&json!({}), terms)).problem(422, code);
        assert_eq!(body["errors"][0]["pointer"], *pointer, "{body}");
    }
}
