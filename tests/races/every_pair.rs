//! Each command of the whole API against each other, given at the same moment on two servers, about the same records.

use std::cell::OnceCell;

use api::operation::{Method, Repeat};
use api::operations::all;

use super::moves::{Move, both};
use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

/// What both commands of a pair are about. Each record is made when a command first asks for it.
struct Ground<'a> {
    house: &'a Institution,
    /// In the codes and numbers that callers choose: two commands of a pair choose the same ones.
    mark: String,
    applied: OnceCell<Loan>,
    approved: OnceCell<Loan>,
    active: OnceCell<(Loan, Uuid)>,
    client: OnceCell<Uuid>,
    pending: OnceCell<Uuid>,
    entry: OnceCell<Uuid>,
    held: OnceCell<Uuid>,
    user: OnceCell<Uuid>,
    /// January, closed; held: the approval that opens it again.
    reopening: OnceCell<Uuid>,
}

const JANUARY: &str = "/v1/periods/2026-01";

impl<'a> Ground<'a> {
    fn new(house: &'a Institution) -> Ground<'a> {
        let mark = Uuid::new_v4().simple().to_string()[..10].to_owned();
        let (applied, approved, active, client, pending) = Default::default();
        let (entry, held, user, reopening) = Default::default();
        Ground { house, mark, applied, approved, active, client, pending, entry, held, user, reopening }
    }

    fn applied(&self) -> Loan {
        *self.applied.get_or_init(|| self.house.applied_loan("nrb"))
    }

    fn approved(&self) -> Loan {
        *self.approved.get_or_init(|| self.house.approved_loan("nrb"))
    }

    /// An active loan and its first repayment.
    fn active(&self) -> (Loan, Uuid) {
        *self.active.get_or_init(|| {
            // Long enough ago to be paid back-dated.
            let (loan, manager) = (self.house.applied_loan("nrb"), self.house.session("branch_manager@nrb"));
            manager.post(&loan.path("approve"), &json!({"approved_on": "2026-02-01"})).expect(200);
            let disbursed = json!({"channel": "bank", "disbursed_on": "2026-02-01"});
            manager.post(&loan.path("disburse"), &disbursed).expect(200);
            let paid = self.house.repay(loan, "300.00").ok(201);
            (loan, people::id(&paid["transaction"]["id"]))
        })
    }

    fn pending(&self) -> Uuid {
        *self.pending.get_or_init(|| {
            let mut request = self.house.client_request("nrb");
            request["status"] = json!("pending");
            people::id(&self.house.session("loan_officer@nrb").post("/v1/clients", &request).ok(201)["id"])
        })
    }

    fn entry(&self, cell: &OnceCell<Uuid>, amount: &str) -> Uuid {
        *cell.get_or_init(|| {
            let request = self.house.entry_request("nrb", amount);
            let answer = self.house.session("accountant@nrb").post("/v1/journal-entries", &request);
            let body = answer.json();
            people::id(if answer.status == 202 { &body["approval"]["id"] } else { &body["id"] })
        })
    }

    fn user(&self) -> Uuid {
        *self.user.get_or_init(|| {
            let request = self.user_request("changed");
            people::id(&self.house.session("admin@hq").post("/v1/users", &request).ok(201)["id"])
        })
    }

    fn user_request(&self, name: &str) -> Value {
        json!({"username": format!("{name}-{}", self.mark), "password": people::PASSWORD, "name": "Temporary",
            "roles": ["auditor"], "branch_id": self.house.branch("nrb")})
    }

    fn reopening(&self) -> Uuid {
        *self.reopening.get_or_init(|| ask_for_january(self.house))
    }
}

/// The approval that opens January again, which is closed for it.
fn ask_for_january(house: &Institution) -> Uuid {
    let chief = house.session("accountant@hq");
    let ordered = chief.post(&format!("{JANUARY}/close"), &json!({}));
    assert!(matches!(ordered.status, 202 | 409), "{}", ordered.text);
    eventually("January is closed", || (chief.get(JANUARY).ok(200)["status"] == "closed").then_some(()));
    let held = house.session("accountant@nrb").post(&format!("{JANUARY}/reopen"), &json!({})).ok(202);
    people::id(&held["approval"]["id"])
}

/// Opens January where the pair before has closed it.
fn open_january(house: &Institution) {
    // A close that is ordered comes to its end first.
    let january = eventually("January rests", || {
        let january = house.session("accountant@hq").get(JANUARY).ok(200);
        (january["status"] != "closing" && january["close_order"].is_null()).then_some(january)
    });
    if january["status"] == "closed" {
        let path = format!("/v1/approvals/{}/approve", ask_for_january(house));
        house.session("accountant@hq").post(&path, &json!({})).expect(200);
    }
}

type Make = fn(&Ground) -> Move;

/// An operation, and a command of it on this ground.
fn moves() -> Vec<(&'static str, Make)> {
    let mut moves = loan_moves();
    moves.extend(book_moves());
    moves.extend(house_moves());
    moves
}

fn loan_moves() -> Vec<(&'static str, Make)> {
    const OFFICER: &str = "loan_officer@nrb";
    const MANAGER: &str = "branch_manager@nrb";
    const TELLER: &str = "teller@nrb";
    vec![
        ("client.register", |on| Move::post("register", OFFICER, "/v1/clients".into(), on.house.client_request("nrb"))),
        ("client.activate", |on| {
            Move::post("activate", OFFICER, format!("/v1/clients/{}/activate", on.pending()), json!({}))
        }),
        ("loan.apply", |on| {
            let client = *on.client.get_or_init(|| on.house.client("nrb"));
            Move::post("apply", OFFICER, "/v1/loans".into(), on.house.loan_request(client, "W01"))
        }),
        ("loan.approve", |on| Move::post("approve", MANAGER, on.applied().path("approve"), json!({}))),
        ("loan.reject", |on| Move::post("reject", MANAGER, on.applied().path("reject"), json!({"reason": "Debt"}))),
        ("loan.withdraw", |on| Move::post("withdraw", OFFICER, on.approved().path("withdraw"), json!({}))),
        ("loan.disburse", |on| {
            Move::post("disburse", TELLER, on.approved().path("disburse"), json!({"channel": "cash"}))
        }),
        ("loan.repay", |on| Move::post("repay", TELLER, on.active().0.path("repayments"), repayment("110.00"))),
        ("loan.repay", |on| {
            let paid = json!({"amount": "70.00", "channel": "cash", "paid_on": "2026-02-10"});
            Move::post("back-date", MANAGER, on.active().0.path("repayments"), paid)
        }),
        ("commands.run", |on| {
            let loan = on.active().0;
            let part =
                |amount: &str| json!({"operation": "loan.repay", "path": {"id": loan.id}, "body": repayment(amount)});
            let items = json!({"atomic": true, "items": [part("16.00"), part("17.00")]});
            Move::post("all or none", TELLER, "/v1/commands".into(), items)
        }),
        ("repayments.run", |on| {
            let item = json!({"key": key(), "loan_id": on.active().0.id, "amount": "15.00", "channel": "officer"});
            Move::bulk("repay in bulk", TELLER, "/v1/repayments".into(), json!({"items": [item]}))
        }),
        ("loan.renegotiate", |on| {
            Move::post("flag", MANAGER, on.active().0.path("renegotiated"), json!({"reason": "Flood"}))
        }),
        ("loan.reverse", |on| {
            let (loan, transaction) = on.active();
            Move::post("reverse payment", MANAGER, loan.path(&format!("transactions/{transaction}/reverse")), json!({}))
        }),
    ]
}

fn book_moves() -> Vec<(&'static str, Make)> {
    const ACCOUNTANT: &str = "accountant@nrb";
    const CHIEF: &str = "accountant@hq";
    vec![
        ("journal_entry.post", |on| {
            Move::post("post", ACCOUNTANT, "/v1/journal-entries".into(), on.house.entry_request("nrb", "12.00"))
        }),
        ("journal_entry.post", |on| {
            let mut january = on.house.entry_request("nrb", "13.00");
            january["booked_on"] = json!("2026-01-31");
            Move::post("post into January", ACCOUNTANT, "/v1/journal-entries".into(), january)
        }),
        ("journal_entry.reverse", |on| {
            let entry = on.entry(&on.entry, "10.00");
            Move::post("reverse entry", ACCOUNTANT, format!("/v1/journal-entries/{entry}/reverse"), json!({}))
        }),
        ("approval.approve", |on| {
            let held = on.entry(&on.held, "500.00");
            Move::post("approve entry", CHIEF, format!("/v1/approvals/{held}/approve"), json!({}))
        }),
        ("approval.reject", |on| {
            let held = on.entry(&on.held, "500.00");
            Move::post("reject entry", CHIEF, format!("/v1/approvals/{held}/reject"), json!({}))
        }),
        ("period.close", |_| Move::post("close January", CHIEF, format!("{JANUARY}/close"), json!({}))),
        ("period.reopen", |on| {
            on.reopening();
            Move::post("ask for January", ACCOUNTANT, format!("{JANUARY}/reopen"), json!({}))
        }),
        ("approval.approve", |on| {
            let path = format!("/v1/approvals/{}/approve", on.reopening());
            Move::post("reopen January", CHIEF, path, json!({}))
        }),
        ("business_day.close", |on| {
            let today = on.house.session(CHIEF).get("/v1/business-date").ok(200)["business_date"].clone();
            Move::post("close the day", CHIEF, "/v1/business-date/close".into(), json!({"through": today}))
        }),
    ]
}

fn house_moves() -> Vec<(&'static str, Make)> {
    const ADMIN: &str = "admin@hq";
    vec![
        ("user.create", |on| Move::post("create user", ADMIN, "/v1/users".into(), on.user_request("made"))),
        ("user.change", |on| {
            let path = format!("/v1/users/{}", on.user());
            let etag = on.house.session(ADMIN).get(&path).expect(200).etag();
            Move::patch("change user", ADMIN, path, etag, json!({"active": false}))
        }),
        ("role.create", |on| {
            let role = json!({"code": format!("r{}", on.mark), "name": "Collector", "permissions": ["loan.read"]});
            Move::post("create role", ADMIN, "/v1/roles".into(), role)
        }),
        ("api_client.create", |on| {
            let client = json!({"name": format!("till-{}", on.mark), "branch_id": on.house.branch("nrb"), "roles": ["integrator"]});
            Move::post("create api client", ADMIN, "/v1/api-clients".into(), client)
        }),
        ("branch.open", |on| {
            let branch = json!({"code": format!("B{}", on.mark), "name": "Another branch"});
            Move::post("open branch", ADMIN, "/v1/branches".into(), branch)
        }),
        ("staff.employ", |on| {
            let staff =
                json!({"number": format!("S{}", on.mark), "name": "Somebody", "branch_id": on.house.branch("nrb")});
            Move::post("employ", ADMIN, "/v1/staff".into(), staff)
        }),
        ("holiday.declare", |on| {
            // A day of its own for each pair.
            let year = 2100 + u32::from_str_radix(&on.mark[..4], 16).unwrap() % 90;
            let day = u32::from_str_radix(&on.mark[4..8], 16).unwrap();
            let held_on = format!("{year}-{:02}-{:02}", 1 + day % 12, 1 + day / 12 % 28);
            Move::post("holiday", ADMIN, "/v1/holidays".into(), json!({"held_on": held_on, "name": "Harvest"}))
        }),
        ("setting.change", |on| {
            let etag = on.house.session(ADMIN).get("/v1/settings").expect(200).etag();
            Move::patch("settings", ADMIN, "/v1/settings".into(), etag, json!({"backdating_limit_days": 30}))
        }),
        ("gl_account.open", |on| {
            let account = json!({"code": format!("9{}", on.mark), "name": "Another bank", "class": "asset"});
            Move::post("open account", ADMIN, "/v1/gl-accounts".into(), account)
        }),
        ("loan_product.offer", |on| {
            let (_, mut product) = people::products()[1].clone();
            product["code"] = json!(format!("P{}", on.mark));
            Move::post("offer product", ADMIN, "/v1/loan-products".into(), product)
        }),
    ]
}

/// A code, a decision or a version that is taken once: of two, one is refused.
const ONCE: [&str; 18] = [
    "approve",
    "reject",
    "withdraw",
    "disburse",
    "reverse payment",
    "reverse entry",
    "approve entry",
    "reject entry",
    "reopen January",
    "create user",
    "change user",
    "create role",
    "open branch",
    "employ",
    "holiday",
    "settings",
    "open account",
    "offer product",
];

#[test]
fn every_command_of_the_list_is_paired() {
    let moves = moves();
    let writing = all().filter(|operation| operation.method != Method::Get && operation.repeat != Repeat::Freely);
    for operation in writing {
        assert!(moves.iter().any(|(id, _)| *id == operation.id), "{operation:?} meets nobody");
    }
}

#[test]
fn every_command_meets_every_other() {
    let house = Institution::start();
    let second = house.second_server();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    house.session("accountant@hq").post("/v1/business-date/close", &json!({"through": "2026-02-10"})).expect(200);
    let moves = moves();
    for (index, (_, make)) in moves.iter().enumerate() {
        for (_, make_other) in &moves[index..] {
            let ground = Ground::new(&house);
            open_january(&house);
            let (one, other) = (make(&ground), make_other(&ground));
            let answers = both(&house, &second, &one, &other);
            let case = format!("{} and {}", one.name, other.name);
            for answer in &answers {
                assert!(matches!(answer.status, 200..=202 | 409 | 412 | 422), "{case}: {}", answer.text);
            }
            let done = answers.iter().filter(|answer| answer.status < 300).count();
            assert!(done >= 1, "{case}: {answers:?}");
            if one.name == other.name && ONCE.contains(&one.name) {
                assert_eq!(done, 1, "{case}: {answers:?}");
            }
        }
    }
    house.must_hold(&[&second]);
}
