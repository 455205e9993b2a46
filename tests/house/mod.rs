//! The house: what stands around every operation.

use crate::harness::*;

#[test]
fn it_answers_where_it_is_looked_at() {
    let house = Institution::start();
    let nobody = house.with_token("");
    assert_eq!(nobody.get("/healthz").expect(200).text, "ok\n");
    assert_eq!(nobody.get("/readyz").expect(200).text, "ready\n");
    let loan = house.active_loan("nrb");
    let paid = house.repay(loan, "1134.72").ok(201);
    assert_eq!(paid["transaction"]["amount"], "1134.72");
    assert!(nobody.get("/metrics").expect(200).text.contains("ayni_http_requests"));
}
