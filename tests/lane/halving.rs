//! A command that cannot be carried out stands alone in the end.

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;
use crate::idempotency::bulk::item;

#[test]
fn one_broken_record_harms_no_neighbour() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..20).map(|_| house.active_loan("nrb")).collect();
    let teller = house.session("teller@nrb");
    let broken = loans[11];
    // Its terms are lost, as after a repair by hand that went wrong.
    let terms: Uuid = house.database.one("select terms_id from loan_state where loan_id = $1", &[&broken.id]);
    house
        .database
        .execute(&format!("update loan_state set terms_id = gen_random_uuid() where loan_id = '{}'", broken.id));
    let keys: Vec<String> = loans.iter().map(|_| key()).collect();
    let items: Vec<Value> = loans.iter().zip(&keys).map(|(loan, key)| item(key, *loan, "10.00")).collect();
    let answer = teller.ask("/v1/repayments", &json!({"items": items})).ok(200);
    for (index, item) in answer["data"].as_array().unwrap().iter().enumerate() {
        if index == 11 {
            assert_eq!(item["status"], 500, "{item}");
            assert_eq!(item["problem"]["code"], "internal.invariant");
            let said = item["problem"].to_string();
            assert!(!said.contains("terms") && !said.contains("sql"), "the cause shows: {said}");
        } else {
            assert_eq!(item["status"], 201, "{item}");
        }
    }
    // A request of its own, to the same end; nothing of it is stored.
    teller.post_as(&keys[11], &broken.path("repayments"), &repayment("10.00")).problem(500, "internal.invariant");
    assert_eq!(teller.get(&format!("/v1/operations/{}", keys[11])).ok(200)["state"], "unknown");
    let failures = house.with_token("").get("/metrics").expect(200).text;
    assert!(failures.contains("ayni_lane_failures"), "no alarm is raised");
    assert!(house.server.log().contains("could not be carried out"));
    // Mended, the same key goes through.
    house.database.execute(&format!("update loan_state set terms_id = '{terms}' where loan_id = '{}'", broken.id));
    assert!(!teller.post_as(&keys[11], &broken.path("repayments"), &repayment("10.00")).expect(201).is_replay());
    for (loan, key) in loans.iter().zip(&keys) {
        assert!(teller.post_as(key, &loan.path("repayments"), &repayment("10.00")).expect(201).is_replay());
    }
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 20);
    house.books_prove_themselves();
}
