//! A month is closed by a job beside the traffic.

use crate::harness::*;

#[test]
fn a_month_is_ordered_closed_and_reopened_while_tellers_go_on() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    crate::acceptance::bank::open_day(&house, "2026-02-03");
    let accountant = house.session("accountant@hq");
    let teller = house.session("teller@nrb");
    let status = || accountant.get("/v1/periods/2026-01").ok(200);
    assert_eq!(status()["status"], "open");
    accountant.post("/v1/periods/2026-02/close", &json!({})).problem(409, "period.not_over");
    let elsewhere = house.session("accountant@nrb");
    elsewhere.post("/v1/periods/2026-01/close", &json!({})).problem(403, "period.head_office_only");
    let key = key();
    let closed = std::thread::scope(|scope| {
        let paying = scope.spawn(|| {
            (0..20).for_each(|_| {
                teller.post(&loan.path("repayments"), &crate::harness::builders::repayment("1.00")).expect(201);
            })
        });
        let ordered = accountant.post_as(&key, "/v1/periods/2026-01/close", &json!({})).ok(202);
        assert_eq!(ordered["period"], "2026-01");
        let closed = eventually("the month is closed", || Some(status()).filter(|month| month["status"] == "closed"));
        paying.join().unwrap();
        closed
    });
    assert!(closed["close_order"].is_null(), "{closed}");
    assert!(accountant.post_as(&key, "/v1/periods/2026-01/close", &json!({})).expect(202).is_replay());
    accountant.post("/v1/periods/2026-01/close", &json!({})).problem(409, "period.already_closed");
    let mut entry = house.entry_request("hq", "1.00");
    entry["booked_on"] = json!("2026-01-31");
    accountant.post("/v1/journal-entries", &entry).problem(409, "period.closed");
    accountant.get("/v1/periods/2025-01").problem(404, "resource.not_found");
    house.must_hold(&[]);
}

#[test]
fn a_month_that_is_being_closed_says_come_again() {
    let house = Institution::start();
    crate::acceptance::bank::open_day(&house, "2026-02-03");
    let accountant = house.session("accountant@hq");
    // As another server leaves it between its two steps.
    house.database.execute("insert into period (starts_on, status, changed_at, changed_by) values ('2026-01-01', 'closing', now(), gen_random_uuid())");
    let mut entry = house.entry_request("hq", "1.00");
    entry["booked_on"] = json!("2026-01-31");
    let key = key();
    let refused = accountant.post_as(&key, "/v1/journal-entries", &entry);
    assert_eq!(refused.header("retry-after"), Some("1"), "{}", refused.text);
    refused.problem(409, "period.closing");
    // The order goes on where the other left it.
    let ordered = json!({});
    house.database.execute("insert into period_close_order (starts_on, ordered_at, ordered_by) values ('2026-01-01', now(), gen_random_uuid())");
    accountant.post("/v1/periods/2026-01/close", &ordered).expect(202);
    eventually("the month is closed", || {
        (accountant.get("/v1/periods/2026-01").ok(200)["status"] == "closed").then_some(())
    });
    accountant.post_as(&key, "/v1/journal-entries", &entry).problem(409, "period.closed");
    house.must_hold(&[]);
}
