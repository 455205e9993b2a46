//! What the people of a bank do, in a few words each.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use db::gates::Gate;
use tokio_postgres::Client;

use crate::harness::builders::Loan;
use crate::harness::database::block_on;
use crate::harness::people::id;
use crate::harness::server::ayni;
use crate::harness::*;

/// Account code → debit less credit, in minor units.
pub type Balances = BTreeMap<String, i64>;

pub fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Minor units of an amount with two decimals, which may be negative.
#[track_caller]
pub fn cents(amount: &Value) -> i64 {
    let text = amount.as_str().unwrap_or_else(|| panic!("no amount: {amount}"));
    let (whole, decimals) = text.split_once('.').unwrap_or_else(|| panic!("no decimals: {text}"));
    assert_eq!(decimals.len(), 2, "{text}");
    format!("{whole}{decimals}").parse().unwrap()
}

/// As the API writes it.
pub fn money(minor: i64) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", minor.abs() / 100, minor.abs() % 100)
}

/// Closes all days up to and including one, as the head office does, and waits until it is done.
#[track_caller]
pub fn close(house: &Institution, through: &str) {
    let accountant = house.session("accountant@hq");
    let answer = accountant.post("/v1/business-date/close", &json!({ "through": through }));
    match answer.status {
        200 => {}
        202 => eventually("the close is booked", || {
            let close = accountant.get(&format!("/v1/day-closes/{through}"));
            (close.status == 200 && close.json()["status"] == "booked").then_some(())
        }),
        _ => panic!("{}", answer.text),
    }
}

/// Closes a month, as the accountant of the head office.
#[track_caller]
pub fn close_month(house: &Institution, month: &str) {
    let accountant = house.session("accountant@hq");
    accountant.post(&format!("/v1/periods/{month}/close"), &json!({})).expect(202);
    eventually("the month is closed", || {
        (accountant.get(&format!("/v1/periods/{month}")).ok(200)["status"] == "closed").then_some(())
    });
}

/// Brings the business day to a date by closing the days before it.
#[track_caller]
pub fn open_day(house: &Institution, day: &str) {
    let yesterday = date(day).pred_opt().unwrap().to_string();
    close(house, &yesterday);
    assert_eq!(house.session("auditor@hq").get("/v1/business-date").ok(200)["business_date"], day);
}

#[track_caller]
pub fn trial_balance(house: &Institution, as_of: &str) -> Value {
    house.session("accountant@hq").get(&format!("/v1/reports/trial-balance?as_of={as_of}")).ok(200)
}

/// The rows of a trial balance; each stands on one side, and the totals are their sums.
#[track_caller]
pub fn rows(report: &Value) -> Balances {
    let mut rows = Balances::new();
    let (mut debits, mut credits) = (0, 0);
    for row in report["rows"].as_array().unwrap() {
        let (debit, credit) = (cents(&row["debit"]), cents(&row["credit"]));
        assert!(debit >= 0 && credit >= 0 && (debit == 0) != (credit == 0), "{row}");
        (debits, credits) = (debits + debit, credits + credit);
        let before = rows.insert(row["account"].as_str().unwrap().to_owned(), debit - credit);
        assert!(before.is_none(), "an account twice: {report}");
    }
    assert_eq!((cents(&report["total_debit"]), cents(&report["total_credit"])), (debits, credits), "{report}");
    assert_eq!(debits, credits, "{report}");
    rows
}

/// Today's balances.
#[track_caller]
pub fn balances(house: &Institution) -> Balances {
    rows(&house.session("accountant@hq").get("/v1/reports/trial-balance").ok(200))
}

/// What changed from one trial balance to the next.
pub fn change(before: &Balances, after: &Balances) -> Balances {
    let mut change = after.clone();
    for (account, amount) in before {
        *change.entry(account.clone()).or_default() -= amount;
    }
    change.retain(|_, amount| *amount != 0);
    change
}

/// Balances written down: debits positive.
pub fn expected(lines: &[(&str, i64)]) -> Balances {
    lines.iter().map(|(account, amount)| ((*account).to_owned(), *amount)).collect()
}

pub fn par(house: &Institution, query: &str) -> Value {
    house.session("accountant@hq").get(&format!("/v1/reports/portfolio-at-risk?{query}")).ok(200)
}

/// A manual entry of the accountant of a branch: account, debit (positive) or credit (negative).
#[track_caller]
pub fn entry(house: &Institution, branch: &str, lines: &[(&str, i64)]) -> Value {
    let request = entry_request(house, branch, lines);
    house.session(&format!("accountant@{branch}")).post("/v1/journal-entries", &request).ok(201)
}

pub fn entry_request(house: &Institution, branch: &str, lines: &[(&str, i64)]) -> Value {
    let line = |(account, amount): &(&str, i64)| match *amount {
        ..0 => json!({"account": account, "credit": money(-amount)}),
        _ => json!({"account": account, "debit": money(*amount)}),
    };
    let lines: Vec<Value> = lines.iter().map(line).collect();
    json!({"branch_id": house.branch(branch), "description": "By hand", "lines": lines})
}

/// The lines of an entry, as its people read it: account → debit less credit.
#[track_caller]
pub fn lines_of(house: &Institution, entry_id: &Value) -> Balances {
    let entry = house.session("auditor@hq").get(&format!("/v1/journal-entries/{}", id(entry_id))).ok(200);
    lines(&entry["lines"])
}

/// Lines of an entry or of a dry run.
#[track_caller]
pub fn lines(lines: &Value) -> Balances {
    let mut sums = Balances::new();
    for line in lines.as_array().unwrap_or_else(|| panic!("no lines: {lines}")) {
        *sums.entry(line["account"].as_str().unwrap().to_owned()).or_default() +=
            cents(&line["debit"]) - cents(&line["credit"]);
    }
    sums
}

/// What a dry run warns of.
pub fn warnings(dry: &Value) -> Vec<String> {
    dry["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
}

/// A product that the administrator offers: its terms, and members beside the usual ones.
#[track_caller]
pub fn product(house: &Institution, code: &str, terms: &Value, more: &Value) -> Uuid {
    id(&house.session("admin@hq").post("/v1/loan-products", &product_request(code, terms, more)).ok(201)["id"])
}

pub fn product_request(code: &str, terms: &Value, more: &Value) -> Value {
    let mut request = json!({
        "code": code, "name": code, "currency": "KES", "terms": terms,
        "limits": {"principal": {"min": "1.00", "max": "10000000000.00"}, "instalments": {"min": 1, "max": 400}}
    });
    merge(&mut request, more);
    request
}

/// Members of one object over those of another.
pub fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        into[name] = value.clone();
    }
}

/// How a loan is to be made.
#[derive(Clone)]
pub struct Plan {
    pub branch: &'static str,
    pub product: Uuid,
    pub principal: i64,
    pub instalments: u32,
    pub first_due_on: Option<&'static str>,
    pub disbursed_on: Option<&'static str>,
    pub channel: &'static str,
}

impl Plan {
    pub fn of(product: Uuid, principal: i64, instalments: u32) -> Plan {
        Plan { branch: "nrb", product, principal, instalments, first_due_on: None, disbursed_on: None, channel: "cash" }
    }
}

pub fn business_date(house: &Institution) -> String {
    house.session("auditor@hq").get("/v1/business-date").ok(200)["business_date"].as_str().unwrap().to_owned()
}

/// A new client's loan, applied for by the officer, approved and paid out by the manager.
#[track_caller]
pub fn lend(house: &Institution, plan: &Plan) -> Loan {
    lend_to(house, house.client(plan.branch), plan)
}

#[track_caller]
pub fn lend_to(house: &Institution, client: Uuid, plan: &Plan) -> Loan {
    let day = plan.disbursed_on.map_or_else(|| business_date(house), str::to_owned);
    let request = json!({
        "client_id": client, "product_id": plan.product, "principal": money(plan.principal), "instalments": plan.instalments,
        "expected_disbursed_on": day, "first_due_on": plan.first_due_on
    });
    let manager = house.session(&format!("branch_manager@{}", plan.branch));
    let loan = house.session(&format!("loan_officer@{}", plan.branch)).post("/v1/loans", &request).ok(201);
    let loan = Loan { id: id(&loan["id"]), branch: plan.branch };
    manager.post(&loan.path("approve"), &json!({ "approved_on": day })).expect(200);
    manager.post(&loan.path("disburse"), &json!({"disbursed_on": day, "channel": plan.channel})).expect(200);
    loan
}

/// A repayment taken by the manager, who may say that it came earlier.
#[track_caller]
pub fn pay(house: &Institution, loan: Loan, minor: i64, on: Option<&str>) -> Value {
    let request = json!({"amount": money(minor), "paid_on": on, "channel": "cash"});
    house.session(&format!("branch_manager@{}", loan.branch)).post(&loan.path("repayments"), &request).ok(201)
}

#[track_caller]
pub fn reverse(house: &Institution, loan: Loan, transaction: &Value) -> Answer {
    let path = loan.path(&format!("transactions/{}/reverse", id(transaction)));
    house.session(&format!("branch_manager@{}", loan.branch)).post(&path, &json!({"reason": "Keyed by mistake"}))
}

#[track_caller]
pub fn show(house: &Institution, loan: Loan, what: &str) -> Value {
    let path = if what.is_empty() { format!("/v1/loans/{}", loan.id) } else { loan.path(what) };
    house.session("auditor@hq").get(&path).ok(200)
}

/// `ayni verify` finds nothing.
#[track_caller]
pub fn must_verify(house: &Institution) {
    let verified = ayni(&["verify", "--database-url", &house.database.app_url()]).output().unwrap();
    let said = String::from_utf8_lossy(&verified.stdout) + String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success(), "{said}");
}

/// Holds the gate that a closer holds alone: days may roll, but none is booked, as if the closer hung.
pub struct Hung {
    client: Client,
    gate: (i32, i32),
}

impl Hung {
    pub fn take(house: &Institution) -> Hung {
        let client = house.database.connect();
        let gate = Gate::DayClose.numbers(house.database.one("select institution_id from setting", &[]));
        block_on(client.query("select pg_advisory_lock($1, $2)", &[&gate.0, &gate.1])).unwrap();
        Hung { client, gate }
    }

    pub fn release(self) {
        block_on(self.client.query("select pg_advisory_unlock($1, $2)", &[&self.gate.0, &self.gate.1])).unwrap();
    }
}
