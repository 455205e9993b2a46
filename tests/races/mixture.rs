//! Everything at once while days are closed.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use chrono::{Days, NaiveDate};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

const WORKERS: u64 = 6;
const STEPS: usize = 40;

/// What the workers share.
struct Field<'a> {
    house: &'a Institution,
    second: &'a Server,
    loans: Mutex<Vec<Loan>>,
    transactions: Mutex<Vec<(Loan, String)>>,
}

impl Field<'_> {
    fn session(&self, random: &mut StdRng, who: &str) -> Session {
        let session = self.house.session(who);
        if random.random_bool(0.5) { session } else { session.at(self.second) }
    }

    fn some_loan(&self, random: &mut StdRng) -> Loan {
        let loans = self.loans.lock().unwrap();
        loans[random.random_range(0..loans.len())]
    }

    /// Sends a command once or more; gives its body if it was carried out.
    fn send(&self, random: &mut StdRng, who: &str, path: &str, body: &Value) -> Option<Value> {
        let key = key();
        let mut answer = self.session(random, who).insist(&key, path, body);
        while random.random_bool(0.2) {
            answer = self.session(random, who).insist(&key, path, body);
        }
        (answer.status < 300).then(|| answer.json())
    }

    fn step(&self, random: &mut StdRng) {
        let loan = self.some_loan(random);
        match random.random_range(0..12) {
            0 => {
                let client = self.send(random, "loan_officer@nrb", "/v1/clients", &self.house.client_request("nrb"));
                let request = client.map(|client| self.house.loan_request(people::id(&client["id"]), "W01"));
                let made = request.and_then(|request| self.send(random, "loan_officer@nrb", "/v1/loans", &request));
                if let Some(made) = made {
                    self.loans.lock().unwrap().push(Loan { id: people::id(&made["id"]), branch: "nrb" });
                }
            }
            1 => drop(self.send(random, "branch_manager@nrb", &loan.path("approve"), &json!({}))),
            2 => drop(self.send(random, "teller@nrb", &loan.path("disburse"), &json!({"channel": "bank"}))),
            3 => drop(self.send(random, "branch_manager@nrb", &loan.path("renegotiated"), &json!({"reason": "Flood"}))),
            4 => {
                let some = self.transactions.lock().unwrap().pop();
                if let Some((loan, id)) = some {
                    self.send(
                        random,
                        "branch_manager@nrb",
                        &loan.path(&format!("transactions/{id}/reverse")),
                        &json!({}),
                    );
                }
            }
            5 => {
                let amount = format!("{}.00", random.random_range(1..500));
                self.send(random, "accountant@nrb", "/v1/journal-entries", &self.house.entry_request("nrb", &amount));
            }
            6 => {
                let body = json!({"amount": "15.00", "channel": "bank", "paid_on": "2026-01-31"});
                self.send(random, "branch_manager@nrb", &loan.path("repayments"), &body);
            }
            _ => {
                let amount = format!("{}.{:02}", random.random_range(1..2500), random.random_range(0..100));
                let paid = self.send(random, "teller@nrb", &loan.path("repayments"), &repayment(&amount));
                if let Some(paid) = paid {
                    let id = paid["transaction"]["id"].as_str().unwrap().to_owned();
                    self.transactions.lock().unwrap().push((loan, id));
                }
            }
        }
    }
}

#[test]
fn days_are_closed_while_everybody_works() {
    let house = Institution::start();
    let second = house.second_server();
    let mut seeds = random("days_are_closed_while_everybody_works");
    let loans: Vec<Loan> =
        (0..6).map(|_| house.active_loan("nrb")).chain((0..3).map(|_| house.applied_loan("nrb"))).collect();
    let field = Field { house: &house, second: &second, loans: Mutex::new(loans), transactions: Mutex::default() };
    let working = AtomicBool::new(true);
    let seeds: Vec<u64> = (0..WORKERS).map(|_| seeds.random()).collect();
    let closed = thread::scope(|scope| {
        let workers: Vec<_> = seeds
            .into_iter()
            .map(|seed| {
                let field = &field;
                scope.spawn(move || {
                    let mut random = StdRng::seed_from_u64(seed);
                    (0..STEPS).for_each(|_| field.step(&mut random));
                })
            })
            .collect();
        let (house, second, working) = (&house, &second, &working);
        let closer = scope.spawn(move || {
            let mut day: NaiveDate = people::FIRST_DAY.parse().unwrap();
            let mut closed = 0;
            while working.load(Ordering::SeqCst) {
                // Both servers are told, a few days at a time.
                day = day + Days::new(1 + closed % 3);
                let accountant = house.session("accountant@hq");
                let session = if closed % 2 == 0 { accountant } else { accountant.at(second) };
                let answer = session.insist(&key(), "/v1/business-date/close", &json!({"through": day}));
                assert!(matches!(answer.status, 200 | 202), "{}", answer.text);
                closed += 1;
            }
            closed
        });
        for worker in workers {
            worker.join().unwrap();
        }
        working.store(false, Ordering::SeqCst);
        closer.join().unwrap()
    });
    assert!(closed > 2, "only {closed} closes ran beside the traffic");
    eventually("all closes are booked", || {
        let pending: i64 = house.database.one("select count(*) from day_close where booked_at is null", &[]);
        (pending == 0).then_some(())
    });
    house.must_hold(&[&second]);
}
