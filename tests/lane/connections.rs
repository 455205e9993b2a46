//! A Postgres that goes away, and commits whose fate is not known.

use crate::harness::builders::repayment;
use crate::harness::proxy::Cut;
use crate::harness::*;

#[test]
fn without_postgres_everything_is_503_and_comes_back_by_itself() {
    let (house, proxy) = Institution::behind_proxy();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    proxy.down();
    let requests = [
        teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")),
        teller.get(&format!("/v1/loans/{}", loan.id)),
        teller.get("/readyz"),
        teller.ask(&format!("{}?dry_run=true", loan.path("repayments")), &repayment("1.00")),
        teller.ask("/v1/auth/token", &json!({"username": "x", "password": "y"})),
    ];
    for answer in requests {
        assert_eq!(answer.header("retry-after"), Some("1"), "{}", answer.text);
        answer.problem(503, "service.unavailable");
    }
    teller.get("/healthz").expect(200);
    proxy.up();
    let paid = eventually("the repayment goes through", || {
        Some(teller.post_as(&key, &loan.path("repayments"), &repayment("10.00"))).filter(|answer| answer.status == 201)
    });
    assert!(!paid.is_replay());
    house.must_hold(&[]);
}

#[test]
fn a_lost_commit_was_no_commit() {
    let (house, proxy) = Institution::behind_proxy();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    proxy.cut_next(Cut::BeforeCommit, "insert into loan_event");
    let first = teller.post_as(&key, &loan.path("repayments"), &repayment("10.00"));
    assert_eq!(proxy.cuts_made(), 1);
    first.problem(503, "service.unavailable");
    assert_eq!(teller.get(&format!("/v1/operations/{key}")).ok(200)["state"], "unknown");
    assert!(!teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201).is_replay());
    house.must_hold(&[]);
}

#[test]
fn a_commit_whose_reply_is_lost_is_found() {
    let (house, proxy) = Institution::behind_proxy();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    proxy.cut_next(Cut::AfterCommit, "insert into loan_event");
    let first = teller.post_as(&key, &loan.path("repayments"), &repayment("10.00"));
    assert_eq!(proxy.cuts_made(), 1);
    // The lane looks its keys up and answers what it finds.
    let first = first.expect(201);
    let again = teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
    assert!(again.is_replay());
    assert_eq!(first.text, again.text);
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 1);
    house.must_hold(&[]);
}

#[test]
fn cut_connections_lose_and_double_nothing() {
    let (house, proxy) = Institution::behind_proxy();
    let loans = [house.active_loan("nrb"), house.active_loan("nrb")];
    let teller = house.session("teller@nrb");
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let teller = teller.clone();
                scope.spawn(move || {
                    for _ in 0..15 {
                        let key = key();
                        let path = loans[worker % 2].path("repayments");
                        // As every caller should: the same key until there is an answer.
                        eventually("an answer", || {
                            let answer = teller.post_as(&key, &path, &repayment("1.00"));
                            (answer.status != 503).then(|| answer.expect(201))
                        });
                    }
                })
            })
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            std::thread::sleep(std::time::Duration::from_millis(200));
            proxy.break_all();
        }
    });
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 120);
    house.must_hold(&[]);
}
