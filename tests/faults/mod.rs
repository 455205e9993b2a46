//! kill -9 of the server and of Postgres in mid-load: nothing acknowledged is lost or doubled.

mod remedies;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::RngExt;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

/// Pays into loans from several threads until `strike` has done its worst; gives how many payments were acknowledged.
fn under_load(house: &mut Institution, loans: &[Loan], mut strike: impl FnMut(&mut Server, &AtomicUsize)) -> i64 {
    let teller = house.session("teller@nrb");
    let (working, paid) = (AtomicBool::new(true), AtomicUsize::new(0));
    thread::scope(|scope| {
        for worker in 0..6 {
            let (teller, working, paid) = (teller.clone(), &working, &paid);
            scope.spawn(move || {
                let mut turn = worker;
                while working.load(Ordering::SeqCst) {
                    let loan = loans[turn % loans.len()];
                    teller.insist(&key(), &loan.path("repayments"), &repayment("1.00")).expect(201);
                    paid.fetch_add(1, Ordering::SeqCst);
                    turn += 1;
                }
            });
        }
        strike(&mut house.server, &paid);
        working.store(false, Ordering::SeqCst);
    });
    i64::try_from(paid.into_inner()).unwrap()
}

fn payments(house: &Institution) -> i64 {
    house.database.one("select count(*) from loan_event where kind = 'repaid'", &[])
}

/// Waits until so many more are paid.
fn go_on(paid: &AtomicUsize, more: usize) {
    let target = paid.load(Ordering::SeqCst) + more;
    eventually("payments go on", || (paid.load(Ordering::SeqCst) >= target).then_some(()));
}

#[test]
fn the_server_is_killed_in_mid_load() {
    let mut house = Institution::start();
    let mut random = random("the_server_is_killed_in_mid_load");
    let loans: Vec<Loan> = (0..4).map(|_| house.active_loan("nrb")).collect();
    let paid = under_load(&mut house, &loans, |server, paid| {
        for _ in 0..4 {
            go_on(paid, random.random_range(5..60));
            server.kill_9();
            server.restart();
        }
        go_on(paid, 20);
    });
    assert_eq!(payments(&house), paid);
    house.must_hold(&[]);
}

#[test]
fn postgres_is_killed_in_mid_load() {
    let directory = std::env::temp_dir().join(format!("ayni-e2e-{}", Uuid::new_v4().simple()));
    let data_dir = directory.to_string_lossy().into_owned();
    let mut house = Institution::embedded(&data_dir);
    let mut random = random("postgres_is_killed_in_mid_load");
    let loans: Vec<Loan> = (0..4).map(|_| house.active_loan("nrb")).collect();
    let paid = under_load(&mut house, &loans, |server, paid| {
        for round in 0..3 {
            go_on(paid, random.random_range(5..60));
            kill_postgres(&data_dir);
            if round == 1 {
                // Both at once.
                server.kill_9();
            }
            // A server without its private Postgres ends, and says why.
            let began = Instant::now();
            while !server.has_ended() {
                assert!(began.elapsed() < Duration::from_secs(20), "it goes on without its Postgres");
                thread::sleep(Duration::from_millis(20));
            }
            server.restart();
        }
        go_on(paid, 20);
    });
    house.reconnect(&data_dir);
    assert_eq!(payments(&house), paid);
    house.must_hold(&[]);
    assert!(house.server.stop());
    let _ = std::fs::remove_dir_all(directory);
}

/// The pid that the server itself noted, if that is a postgres of this directory.
fn kill_postgres(data_dir: &str) {
    let noted = std::fs::read_to_string(format!("{data_dir}/postgres.json")).unwrap();
    let noted: Value = serde_json::from_str(&noted).unwrap();
    let pid = i32::try_from(noted["pid"].as_i64().unwrap()).unwrap();
    let command = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(command.contains("postgres") && command.contains(data_dir), "{command}");
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}
