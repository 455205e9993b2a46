//! Rows in other hands, and callers who hang up.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::builders::repayment;
use crate::harness::*;
use crate::idempotency::keys::{hold, is_waiting, release};

#[test]
fn a_row_in_other_hands_stops_nobody_else() {
    let house = Institution::start();
    let (held, free) = (house.active_loan("nrb"), house.active_loan("nrb"));
    let teller = house.session("teller@nrb");
    let holder = hold(&house, held);
    let key = key();
    let waiting = {
        let (teller, key) = (teller.clone(), key.clone());
        thread::spawn(move || {
            let began = Instant::now();
            (teller.post_as(&key, &held.path("repayments"), &repayment("10.00")), began.elapsed())
        })
    };
    is_waiting(&house);
    let began = Instant::now();
    let mut paid = 0;
    while !waiting.is_finished() {
        teller.post(&free.path("repayments"), &repayment("1.00")).expect(201);
        paid += 1;
    }
    let each = began.elapsed() / paid;
    assert!(paid > 20 && each < Duration::from_millis(200), "a neighbour waited {each:?} for each of {paid} payments");
    let (answer, waited) = waiting.join().unwrap();
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.problem(503, "service.unavailable");
    assert!(waited < Duration::from_secs(15), "it waited {waited:?}");
    release(holder);
    assert!(!teller.post_as(&key, &held.path("repayments"), &repayment("10.00")).expect(201).is_replay());
    house.must_hold(&[]);
}

#[test]
fn a_row_that_comes_free_is_taken() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let holder = hold(&house, loan);
    let teller = house.session("teller@nrb");
    let waiting: Vec<_> = (1..=5)
        .map(|amount| {
            let teller = teller.clone();
            thread::spawn(move || teller.post(&loan.path("repayments"), &repayment(&format!("{amount}.00"))))
        })
        .collect();
    is_waiting(&house);
    release(holder);
    for one in waiting {
        one.join().unwrap().expect(201);
    }
    house.must_hold(&[]);
}

#[test]
fn who_hangs_up_is_served_all_the_same() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let holder = hold(&house, loan);
    let keys: Vec<String> = (0..5).map(|_| key()).collect();
    let body = repayment("10.00").to_string();
    let calls: Vec<TcpStream> = keys
        .iter()
        .map(|key| {
            let mut stream = TcpStream::connect(house.server.address()).unwrap();
            let head = format!(
                "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\nidempotency-key: {key}\r\n\
                 content-length: {}\r\n\r\n{body}",
                loan.path("repayments"),
                teller.token,
                body.len()
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for key in &keys {
        eventually("the command is on its way", || {
            (teller.get(&format!("/v1/operations/{key}")).ok(200)["state"] == "in_progress").then_some(())
        });
    }
    drop(calls);
    release(holder);
    for key in &keys {
        eventually("the command is carried out", || {
            (teller.get(&format!("/v1/operations/{key}")).ok(200)["state"] == "done").then_some(())
        });
        assert!(teller.post_as(key, &loan.path("repayments"), &repayment("10.00")).expect(201).is_replay());
    }
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 5);
    let idle: i64 = house.database.one(
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
        &[],
    );
    assert_eq!(idle, 0, "sessions stay idle in transaction");
    house.must_hold(&[]);
}
