//! Random histories through the API: several products and branches, payments of every kind, corrections, days that close in runs.

use chrono::{Days, NaiveDate};
use db::pool::Pool;
use rand::RngExt;
use rand::rngs::StdRng;

use super::bank::{self, Hung, cents, money, product};
use crate::harness::builders::Loan;
use crate::harness::database::block_on;
use crate::harness::people::id;
use crate::harness::*;

/// The terms that a random product may have; together they reach every path of the accrual.
pub fn catalogue() -> Vec<(&'static str, Value, Value)> {
    let rate = |method: &str, percent: &str| json!({"method": method, "rate": {"percent": percent, "per": "year"}});
    let daily = |count: &str| {
        let mut interest = rate("declining", "36");
        bank::merge(&mut interest, &json!({"calculation": "daily", "day_count": count}));
        interest
    };
    let terms = |unit: &str, interest: Value, non_accrual_days: u32| json!({"frequency": {"unit": unit}, "interest": interest, "non_accrual_days": non_accrual_days});
    let mut rounded = terms("month", rate("flat", "30"), 45);
    rounded["rounding"] = json!({"instalment_multiple": "50", "mode": "up"});
    let mut by_part = terms("month", rate("declining", "24"), 30);
    by_part["allocation"] = json!({"walk": "by_part"});
    let mut fortnights = terms("week", rate("flat", "20"), 14);
    fortnights["frequency"]["every"] = json!(2);
    let mut whole = terms("month", rate("declining", "48"), 7);
    whole["interest"]["first_period"] = json!("whole");
    whole["amortization"] = json!({"method": "equal_principal"});
    let fee = json!({"charges": [{"kind": "fee", "name": "Fee", "when": "disbursement", "percent": "1.5", "of": "principal", "treatment": "deducted"}]});
    let savings = json!({"withhold": [{"slot": "compulsory_savings", "percent": "10"}]});
    let none = json!({});
    vec![
        ("THIRTY", terms("month", daily("30/360"), 21), fee),
        ("THIRTY-E", terms("month", daily("30e/360"), 33), none.clone()),
        ("ACT-360", terms("week", daily("actual/360"), 10), none.clone()),
        ("ACT-364", terms("week", daily("actual/364"), 17), none.clone()),
        ("ACT-365", terms("month", daily("actual/365"), 60), savings),
        ("ACT-ACT", terms("month", daily("actual/actual"), 25), none.clone()),
        ("FLAT-UP", rounded, none.clone()),
        ("BY-PART", by_part, none.clone()),
        ("TWO-WEEKS", fortnights, none.clone()),
        ("WHOLE", whole, none.clone()),
        ("DAYS", terms("day", rate("declining", "60"), 5), none.clone()),
        ("CASH", terms("month", rate("declining", "24"), 30), json!({"basis": "cash"})),
        ("ZERO", terms("month", rate("declining", "0"), 30), none),
    ]
}

pub struct Life {
    pub house: Institution,
    pub random: StdRng,
    pub today: NaiveDate,
    products: Vec<Uuid>,
    loans: Vec<Loan>,
    /// What was accepted, by kind: a history in which nothing happens proves nothing.
    pub done: std::collections::BTreeMap<&'static str, u32>,
}

impl Life {
    pub fn begin(name: &str, first_day: &str) -> Life {
        let house = Institution::on(first_day);
        let products = catalogue().iter().map(|(code, terms, more)| product(&house, code, terms, more)).collect();
        Life {
            house,
            random: random(name),
            today: bank::date(first_day),
            products,
            loans: Vec::new(),
            done: Default::default(),
        }
    }

    fn manager(&self, loan: Loan) -> Session {
        self.house.session(&format!("branch_manager@{}", loan.branch))
    }

    fn past(&mut self, most: u64) -> NaiveDate {
        let days = if self.random.random_bool(0.5) { 0 } else { self.random.random_range(0..=most) };
        self.today - Days::new(days)
    }

    /// One thing that somebody does. It may be refused, as people are; it must never fail.
    pub fn step(&mut self) {
        let dice = self.random.random_range(0..100);
        match dice {
            _ if self.loans.len() < 6 => self.lend(),
            0..12 => self.lend(),
            12..70 => self.pay(),
            70..85 => self.reverse(),
            85..93 => self.flag(),
            _ => self.end(),
        }
    }

    /// Closes a run of days.
    pub fn close(&mut self, days: u64) {
        self.today = self.today + Days::new(days);
        bank::open_day(&self.house, &self.today.to_string());
    }

    /// The same, with people at work on every day, while no close is booked before the last day is over.
    pub fn close_late(&mut self, days: u64) {
        let hung = Hung::take(&self.house);
        let pool = block_on(async { Pool::try_new(&self.house.database.app_url(), 1) }).unwrap();
        for _ in 0..days {
            self.step();
            block_on(org::business_day::roll(&pool, self.today, Uuid::nil())).unwrap();
            self.today = self.today + Days::new(1);
        }
        self.step();
        hung.release();
        bank::open_day(&self.house, &self.today.to_string());
        *self.done.entry("closed late").or_default() += 1;
    }

    fn note(&mut self, kind: &'static str, answer: &Answer) {
        assert!(matches!(answer.status, 200 | 201 | 409 | 422), "{kind}: {}", answer.text);
        if answer.status < 300 {
            *self.done.entry(kind).or_default() += 1;
        }
    }

    fn apply(&mut self) -> (Loan, NaiveDate) {
        let branch = if self.random.random_bool(0.5) { "nrb" } else { "ksm" };
        let product = self.products[self.random.random_range(0..self.products.len())];
        let day = self.past(45);
        let first_due_on = self.random.random_bool(0.3).then(|| day + Days::new(self.random.random_range(5..50)));
        let request = json!({
            "client_id": self.house.client(branch), "product_id": product,
            "principal": money(self.random.random_range(1_000_00..900_000_00)), "instalments": self.random.random_range(1..=10),
            "expected_disbursed_on": day, "first_due_on": first_due_on
        });
        let loan = self.house.session(&format!("loan_officer@{branch}")).post("/v1/loans", &request).ok(201);
        let loan = Loan { id: id(&loan["id"]), branch };
        let answer = self.manager(loan).post(&loan.path("approve"), &json!({ "approved_on": day }));
        self.note("approved", &answer);
        (loan, day)
    }

    fn lend(&mut self) {
        let (loan, day) = self.apply();
        let amount = self.random.random_bool(0.2).then_some("750.00");
        let channel = ["cash", "bank", "mobile_money", "officer"][self.random.random_range(0..4)];
        let request = json!({"disbursed_on": day, "amount": amount, "channel": channel});
        let answer = self.manager(loan).post(&loan.path("disburse"), &request);
        self.note("disbursed", &answer);
        self.loans.push(loan);
    }

    /// Lends for thirty days to somebody who never pays and whom no step meets, so that this loan's accrual stops.
    pub fn lend_and_forget(&mut self) {
        let daily = catalogue().iter().position(|(code, ..)| *code == "DAYS").unwrap();
        let request = json!({
            "client_id": self.house.client("nrb"), "product_id": self.products[daily], "principal": "9000.00", "instalments": 30,
            "expected_disbursed_on": self.today
        });
        let loan = Loan {
            id: id(&self.house.session("loan_officer@nrb").post("/v1/loans", &request).ok(201)["id"]),
            branch: "nrb",
        };
        self.manager(loan).post(&loan.path("approve"), &json!({})).ok(200);
        self.manager(loan).post(&loan.path("disburse"), &json!({"channel": "cash"})).ok(200);
    }

    fn any_loan(&mut self) -> Loan {
        self.loans[self.random.random_range(0..self.loans.len())]
    }

    fn pay(&mut self) {
        let loan = self.any_loan();
        let on = self.past(40);
        let state = bank::show(&self.house, loan, "");
        let payoff = cents(&bank::show(&self.house, loan, &format!("payoff?on={on}"))["total"]);
        let overdue = cents(&state["arrears"]["overdue_principal"]) + cents(&state["arrears"]["overdue_interest"]);
        let amount = match self.random.random_range(0..10) {
            0..3 if overdue > 0 => overdue,
            3 if payoff > 0 => payoff,
            4 => payoff + self.random.random_range(1..500_00),
            5 => 1,
            _ => self.random.random_range(1..=(payoff / 4).max(2)),
        };
        let request = json!({"amount": money(amount), "paid_on": on, "channel": "cash"});
        let answer = self.manager(loan).post(&loan.path("repayments"), &request);
        if answer.status == 201 {
            let after = answer.json()["loan"]["status"].as_str().unwrap().to_owned();
            *self.done.entry(if after == "active" { "paid" } else { "settled" }).or_default() += 1;
            if on < self.today {
                *self.done.entry("back-dated").or_default() += 1;
            }
        }
        self.note("repaid", &answer);
    }

    fn reverse(&mut self) {
        let loan = self.any_loan();
        let list = bank::show(&self.house, loan, "transactions");
        let rows = list["data"].as_array().unwrap();
        if rows.is_empty() {
            return;
        }
        let row = rows[self.random.random_range(0..rows.len())].clone();
        let answer = bank::reverse(&self.house, loan, &row["id"]);
        self.note("reversed", &answer);
        if answer.status == 200 && row["kind"] == "disbursed" {
            let again = self.manager(loan).post(&loan.path("disburse"), &json!({"channel": "bank"}));
            self.note("disbursed again", &again);
        }
    }

    fn flag(&mut self) {
        let loan = self.any_loan();
        let request = json!({"on": self.past(20), "reason": "Flood", "renegotiated": self.random.random_bool(0.7)});
        let answer = self.manager(loan).post(&loan.path("renegotiated"), &request);
        self.note("flagged", &answer);
    }

    /// An approval that comes to nothing, now or later.
    fn end(&mut self) {
        let (loan, _) = self.apply();
        let action = if self.random.random_bool(0.5) { "withdraw" } else { "reject" };
        let answer = self.manager(loan).post(&loan.path(action), &json!({}));
        self.note("ended", &answer);
    }
}
