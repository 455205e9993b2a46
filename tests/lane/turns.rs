//! A bulk import does not starve a teller; who broke a batch runs alone.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;
use crate::idempotency::bulk::item;

#[test]
fn a_bulk_import_does_not_starve_a_teller() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..40).map(|_| house.active_loan("nrb")).collect();
    let own = house.active_loan("nrb");
    let (importer, teller) = (house.session("loan_officer@nrb"), house.session("teller@nrb"));
    let importing = AtomicBool::new(true);
    let (before, paid, during) = thread::scope(|scope| {
        // Several imports at once, each a thousand items on few loans: their rows hold them up, which is their own affair. Together
        // they give more than a user may have on their way: none of it is refused, the rest waits.
        let imports: Vec<_> = (0..5)
            .map(|_| {
                let (loans, importer) = (&loans, &importer);
                scope.spawn(move || {
                    let items: Vec<Value> = (0..1000).map(|index| item(&key(), loans[index % 40], "1.00")).collect();
                    let answer = importer.ask("/v1/repayments", &json!({"items": items})).ok(200);
                    assert!(answer["data"].as_array().unwrap().iter().all(|item| item["status"] == 201));
                })
            })
            .collect();
        let imported = || -> i64 {
            house.database.one("select count(*) from loan_event where kind = 'repaid' and loan_id <> $1", &[&own.id])
        };
        eventually("the imports are on their way", || (imported() > 0).then_some(()));
        let before = imported();
        let mut paid = 0;
        let importing = &importing;
        let done = scope.spawn(move || {
            imports.into_iter().for_each(|import| import.join().unwrap());
            importing.store(false, Ordering::SeqCst);
        });
        while importing.load(Ordering::SeqCst) {
            teller.post(&own.path("repayments"), &repayment("1.00")).expect(201);
            paid += 1;
        }
        done.join().unwrap();
        (before, paid, imported() - before)
    });
    // In first-come order each of the teller's payments would have waited for all that is left of five thousand.
    assert!(paid >= 4, "{paid} payments of the teller beside {during} of the imports, which began with {before}");
    house.must_hold(&[]);
}

#[test]
fn who_broke_a_batch_runs_alone_and_holds_nobody_up() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..12).map(|_| house.active_loan("nrb")).collect();
    let broken = house.active_loan("nrb");
    let terms: Uuid = house.database.one("select terms_id from loan_state where loan_id = $1", &[&broken.id]);
    house
        .database
        .execute(&format!("update loan_state set terms_id = gen_random_uuid() where loan_id = '{}'", broken.id));
    let (culprit, teller) = (house.session("loan_officer@nrb"), house.session("teller@nrb"));
    culprit.post(&broken.path("repayments"), &repayment("10.00")).problem(500, "internal.invariant");
    let batches = || -> i64 {
        // All of a batch carry one time.
        house.database.one("select count(distinct recorded_at) from loan_event where kind = 'repaid'", &[])
    };
    let import = |session: &Session| {
        let before = batches();
        let items: Vec<Value> = loans.iter().map(|loan| item(&key(), *loan, "1.00")).collect();
        let answer = session.ask("/v1/repayments", &json!({"items": items})).ok(200);
        assert!(answer["data"].as_array().unwrap().iter().all(|item| item["status"] == 201), "{answer}");
        batches() - before
    };
    assert_eq!(import(&culprit), 12, "one at a time");
    assert!(import(&teller) < 12, "another's are merged as ever");
    house.database.execute(&format!("update loan_state set terms_id = '{terms}' where loan_id = '{}'", broken.id));
    house.books_prove_themselves();
}
