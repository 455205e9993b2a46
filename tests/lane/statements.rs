//! A batch costs the same number of statements whatever its size.

use std::collections::BTreeMap;

use crate::harness::builders::{Loan, repayment};
use crate::harness::proxy::Transaction;
use crate::harness::*;
use crate::idempotency::bulk::item;

/// Statements per batch of each kind of command, by (operation, what its transactions write).
fn counts(transactions: &[Transaction]) -> Vec<usize> {
    let mut counts: Vec<usize> = transactions.iter().map(Vec::len).collect();
    counts.sort_unstable();
    counts.dedup();
    counts
}

#[test]
fn a_repay_of_a_hundred_is_as_many_statements_as_one() {
    let (house, proxy) = Institution::behind_proxy();
    let loans: Vec<Loan> = (0..100).map(|_| house.active_loan("nrb")).collect();
    let teller = house.session("teller@nrb");
    teller.post(&loans[0].path("repayments"), &repayment("1.00")).expect(201);
    proxy.take_transactions("");
    teller.post(&loans[0].path("repayments"), &repayment("1.00")).expect(201);
    let one = proxy.take_transactions("insert into loan_event");
    assert_eq!(one.len(), 1);
    let items: Vec<Value> = loans.iter().map(|loan| item(&key(), *loan, "10.00")).collect();
    let paid = teller.ask("/v1/repayments", &json!({"items": items})).ok(200);
    assert!(paid["data"].as_array().unwrap().iter().all(|item| item["status"] == 201), "{paid}");
    let many = proxy.take_transactions("insert into loan_event");
    assert!(many.len() < 20, "100 repayments took {} batches", many.len());
    for batch in &many {
        assert_eq!(batch.len(), one[0].len(), "one: {:#?}\nmany: {batch:#?}", one[0]);
    }
    // Many on one loan are a batch as well.
    let items: Vec<Value> = (0..100).map(|_| item(&key(), loans[0], "1.00")).collect();
    teller.ask("/v1/repayments", &json!({"items": items})).ok(200);
    let same = proxy.take_transactions("insert into loan_event");
    assert!(same.len() < 101);
    assert_eq!(counts(&same), [one[0].len()]);
    house.must_hold(&[]);
}

#[test]
fn no_command_sends_a_statement_for_each_of_a_batch() {
    let (house, proxy) = Institution::behind_proxy();
    let work = || {
        house.active_loan("nrb");
        let accountant = house.session("accountant@nrb");
        accountant.post("/v1/journal-entries", &house.entry_request("nrb", "1.00")).expect(201);
    };
    // The first round prepares the statements, the second has each command alone in its batch.
    work();
    proxy.take_transactions("");
    work();
    let alone = proxy.take_transactions("");
    std::thread::scope(|scope| (0..24).for_each(|_| drop(scope.spawn(work))));
    let together = proxy.take_transactions("");
    assert!(together.len() < 24 * alone.len(), "nothing was decided together");
    let of_one = most(&alone);
    for (sql, times) in most(&together) {
        // What a command sends only beside others, such as a second read, it sends once a batch.
        let allowed = of_one.get(&sql).copied().unwrap_or(1);
        assert!(times <= allowed, "{times} times in a batch, {allowed} for one command: {sql}");
    }
    for marker in ["insert into client", "insert into loan_application", "insert into journal_entry"] {
        assert!(of_one.keys().any(|sql| sql.contains(marker)), "{marker} was not seen");
    }
    house.must_hold(&[]);
}

/// How often each statement was sent within one transaction, at most.
fn most(transactions: &[Transaction]) -> BTreeMap<String, usize> {
    let mut most = BTreeMap::new();
    for transaction in transactions {
        let mut times: BTreeMap<&String, usize> = BTreeMap::new();
        transaction.iter().for_each(|sql| *times.entry(sql).or_default() += 1);
        for (sql, times) in times {
            let known = most.entry(sql.clone()).or_default();
            *known = times.max(*known);
        }
    }
    most
}
