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
    let markers =
        ["insert into client", "insert into loan_application", "update loan_application", "insert into journal_entry"];
    // The first round prepares the statements; then as many at once as the lanes will take together.
    let mut seen: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for round in 0..2 {
        proxy.take_transactions("");
        std::thread::scope(|scope| {
            for _ in 0..(if round == 0 { 1 } else { 24 }) {
                scope.spawn(|| {
                    house.active_loan("nrb");
                    let accountant = house.session("accountant@nrb");
                    accountant.post("/v1/journal-entries", &house.entry_request("nrb", "1.00")).expect(201);
                });
            }
        });
        let all = proxy.take_transactions("");
        for marker in markers {
            let of_kind: Vec<Transaction> =
                all.iter().filter(|one| one.iter().any(|sql| sql.contains(marker))).cloned().collect();
            seen.entry(marker).or_default().push(*counts(&of_kind).last().unwrap_or(&0));
        }
    }
    for (marker, most) in seen {
        assert!(
            most[0] > 0 && most[1] <= most[0],
            "{marker}: {} statements for one, up to {} in a batch",
            most[0],
            most[1]
        );
    }
    house.must_hold(&[]);
}
