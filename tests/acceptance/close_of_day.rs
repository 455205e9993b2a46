//! The close of days: twice is once, killed it goes on, beside traffic nothing waits, and late it books what it would have booked.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use chrono::{Days, NaiveDate, Utc};
use db::pool::Pool;

use super::bank::{self, Hung, Plan, balances, pay, trial_balance};
use crate::harness::builders::Loan;
use crate::harness::database::block_on;
use crate::harness::*;

fn closing(through: &str) -> Value {
    json!({ "through": through })
}

/// A few loans of several products, so that each night has several entries.
fn with_loans(house: &Institution) -> Vec<Loan> {
    let daily = json!({
        "frequency": {"unit": "month"}, "non_accrual_days": 20,
        "interest": {"method": "declining", "rate": {"percent": "36", "per": "year"}, "calculation": "daily", "day_count": "actual/365"}
    });
    let products = [house.product("W01"), house.product("W02"), bank::product(house, "DAILY", &daily, &json!({}))];
    let mut loans = Vec::new();
    for branch in ["nrb", "ksm"] {
        for product in products {
            loans.push(bank::lend(house, &Plan { branch, ..Plan::of(product, 12_000_00, 12) }));
        }
    }
    loans
}

#[test]
fn closing_twice_is_closing_once() {
    let house = Institution::start();
    with_loans(&house);
    let accountant = house.session("accountant@hq");
    let close =
        |through: &str| accountant.post("/v1/business-date/close", &closing(through)).ok(200)["business_date"].clone();
    assert_eq!(close("2026-02-10"), "2026-02-11");
    let rows = house.database.row_counts();
    let entries = |rows: &[(String, i64)]| rows.iter().find(|(table, _)| table == "journal_entry").unwrap().1;
    assert_eq!(close("2026-02-10"), "2026-02-11");
    assert_eq!(close("2025-12-31"), "2026-02-11", "a day long closed");
    assert_eq!(entries(&house.database.row_counts()), entries(&rows));
    // Under one key it is one order, whatever came after it.
    let key = key();
    accountant.post_as(&key, "/v1/business-date/close", &closing("2026-02-12")).expect(200);
    assert_eq!(close("2026-02-14"), "2026-02-15");
    assert!(accountant.post_as(&key, "/v1/business-date/close", &closing("2026-02-12")).expect(200).is_replay());
    accountant.post_as(&key, "/v1/business-date/close", &closing("2026-02-13")).problem(422, "idempotency.key_reused");
    let shown = accountant.get("/v1/day-closes/2026-02-10").ok(200);
    assert_eq!((&shown["status"], &shown["entry_count"]), (&json!("booked"), &json!(6)), "branches × products");
    accountant.get("/v1/day-closes/2026-02-15").problem(404, "resource.not_found");
    accountant.get("/v1/day-closes/yesterday").problem(404, "resource.not_found");
    house.must_hold(&[]);
}

#[test]
fn who_may_close_which_days() {
    let house = Institution::start();
    let close = |who: &str, through: &str| house.session(who).post("/v1/business-date/close", &closing(through));
    close("accountant@nrb", "2026-01-31").problem(403, "day.head_office_only");
    for who in ["teller@hq", "admin@hq", "branch_manager@hq", "auditor@hq"] {
        close(who, "2026-01-31").problem(403, "access.forbidden");
    }
    let body = close("accountant@hq", "2199-12-31").problem(422, "day.too_far");
    assert_eq!(body["errors"][0]["pointer"], "/through");
    // Without the sandbox's clock a day is closed when it is over, and not before.
    let strict = Server::start(&house.database.app_url(), &[]);
    let accountant = house.session("accountant@hq").at(&strict);
    let today = Utc::now().date_naive();
    let body = accountant
        .post("/v1/business-date/close", &closing(&(today + Days::new(1)).to_string()))
        .problem(409, "day.not_over_yet");
    assert_eq!(body["errors"][0]["pointer"], "/through");
    assert_eq!(bank::business_date(&house), "2026-01-31");
    accountant.post("/v1/business-date/close", &closing("2026-02-01")).expect(200);
    assert_eq!(bank::business_date(&house), "2026-02-02");
    bank::must_verify(&house);
}

#[test]
fn killed_in_the_middle_it_goes_on_by_itself() {
    let mut house = Institution::start();
    let loans = with_loans(&house);
    let last = "2026-11-30";
    let key = key();
    let mut kills = 0;
    let session = house.session("accountant@hq");
    let order = thread::spawn({
        let (session, key) = (session.clone(), key.clone());
        move || session.try_post(&key, "/v1/business-date/close", &closing(last))
    });
    let booked = |house: &Institution| {
        house.database.one::<i64>("select count(*) from day_close where booked_at is not null", &[])
    };
    for enough in [20, 90, 160] {
        eventually("some days are booked", || (booked(&house) >= enough).then_some(()));
        assert!(booked(&house) < 300, "the close was not in its middle");
        house.server.kill_9();
        kills += 1;
        house.server.restart();
    }
    assert_eq!(kills, 3);
    let _ = order.join().unwrap();
    // Nobody asks again: who serves works on what was ordered.
    eventually("the close ends by itself", || (booked(&house) == 304).then_some(()));
    assert_eq!(bank::business_date(&house), "2026-12-01");
    let doubled = house.database.query(
        "select booked_on from journal_entry entry join lateral (select branch_id, product_id from journal_line where entry_id = entry.id limit 1) line on true
         where event = 'loan.accrued' group by booked_on, line.branch_id, line.product_id having count(*) > 1",
        &[],
    );
    assert!(doubled.is_empty(), "{} nights are booked twice", doubled.len());
    // The order that lost its answer is done, and sent again it says so.
    house.session("accountant@hq").post_as(&key, "/v1/business-date/close", &closing(last)).expect(200);
    // An institution that nobody disturbed has the same balances.
    let calm = Institution::start();
    with_loans(&calm);
    bank::close(&calm, last);
    assert_eq!(balances(&house), balances(&calm));
    pay(&house, loans[0], 100_00, None);
    house.must_hold(&[]);
}

#[test]
fn days_close_beside_traffic() {
    let house = Institution::start();
    let loans = with_loans(&house);
    let second = house.second_server();
    let (done, taken) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let closer = scope.spawn(|| {
            let accountant = house.session("accountant@hq").at(&second);
            let first = bank::date("2026-01-31");
            for run in 0..12 {
                let before = taken.load(Ordering::SeqCst);
                eventually("somebody pays", || (taken.load(Ordering::SeqCst) > before + 4).then_some(()));
                let through = (first + Days::new(run * 5 + 4)).to_string();
                accountant.post("/v1/business-date/close", &closing(&through)).expect(200);
            }
        });
        for teller in 0..3 {
            let (house, second, done, taken, loans) = (&house, &second, &done, &taken, &loans);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let loan = loans[(teller + taken.fetch_add(1, Ordering::SeqCst)) % loans.len()];
                    let session = house.session(&format!("teller@{}", loan.branch));
                    let session = if teller == 0 { session.at(second) } else { session };
                    let request = json!({"amount": "3.07", "channel": "cash"});
                    session.post(&loan.path("repayments"), &request).expect(201);
                }
            });
        }
        // Also where it fails, so that the tellers go home.
        let closed = closer.join();
        done.store(true, Ordering::SeqCst);
        closed.unwrap();
    });
    let days: i64 = house.database.one("select count(distinct booked_on) from loan_event where kind = 'repaid'", &[]);
    assert!(days > 5, "the payments fell on {days} days only");
    assert_eq!(bank::business_date(&house), "2026-04-01");
    house.must_hold(&[&second]);
}

/// Day, branch and product → account → amount: all that closes have booked.
fn nights(house: &Institution) -> BTreeMap<String, i64> {
    let rows = house.database.query(
        "select entry.booked_on, branch.code as branch, product.code as product, account.code as account, sum(line.amount_minor)::bigint as amount
         from journal_entry entry join journal_line line on line.entry_id = entry.id join branch on branch.id = line.branch_id
         join loan_product product on product.id = line.product_id join gl_account account on account.id = line.account_id
         where entry.event = 'loan.accrued' group by 1, 2, 3, 4",
        &[],
    );
    let name = |row: &tokio_postgres::Row| {
        let parts: [String; 3] = ["branch", "product", "account"].map(|column| row.get(column));
        format!("{} {}", row.get::<_, NaiveDate>("booked_on"), parts.join(" "))
    };
    rows.iter().map(|row| (name(row), row.get("amount"))).collect()
}

/// What the people of both institutions do on a day: payments, late ones too, and corrections.
fn traffic(house: &Institution, loans: &[Loan], day: NaiveDate) {
    let number = usize::try_from((day - bank::date("2026-01-31")).num_days()).unwrap();
    let loan = loans[number % loans.len()];
    let earlier = (day - Days::new(9)).max(bank::date("2026-01-31")).to_string();
    let paid = pay(house, loan, 100_00 + i64::try_from(number).unwrap() * 7_01, Some(&earlier));
    if number % 3 == 0 {
        bank::reverse(house, loan, &paid["transaction"]["id"]).expect(200);
    }
    if number % 4 == 1 {
        pay(house, loans[(number + 2) % loans.len()], 900_00, None);
    }
}

#[test]
fn days_that_are_booked_late_are_booked_the_same() {
    let (prompt, late) = (Institution::start(), Institution::start());
    let (prompt_loans, late_loans) = (with_loans(&prompt), with_loans(&late));
    let days: Vec<NaiveDate> = bank::date("2026-01-31").iter_days().take(45).collect();
    for day in &days {
        traffic(&prompt, &prompt_loans, *day);
        bank::close(&prompt, &day.to_string());
    }
    // Here the days roll, and their closes hang: forty-five are booked at once, after all that came later was known.
    let hung = Hung::take(&late);
    let pool = block_on(async { Pool::try_new(&late.database.app_url(), 2) }).unwrap();
    for day in &days {
        traffic(&late, &late_loans, *day);
        block_on(org::business_day::roll(&pool, *day, Uuid::nil())).unwrap();
    }
    assert_eq!(
        (nights(&late).len(), trial_balance(&late, "2026-02-20")["open"].clone()),
        (0, json!(true)),
        "nothing of it is booked"
    );
    bank::must_verify(&late);
    hung.release();
    bank::close(&late, &days.last().unwrap().to_string());
    let (wanted, found) = (nights(&prompt), nights(&late));
    assert!(wanted.len() > 45 * 2 * 3, "{}", wanted.len());
    assert_eq!(found, wanted);
    for day in [&days[0], &days[20], &days[44]] {
        let of = |house: &Institution| bank::rows(&trial_balance(house, &day.to_string()));
        assert_eq!(of(&late), of(&prompt), "{day}");
    }
    prompt.must_hold(&[]);
    late.must_hold(&[]);
}

#[test]
fn a_close_that_takes_long_is_told_as_under_way() {
    let house = Institution::start();
    let loans = with_loans(&house);
    let hung = Hung::take(&house);
    let accountant = house.session("accountant@hq");
    let answer = accountant.post("/v1/business-date/close", &closing("2026-02-03")).expect(202);
    assert_eq!(answer.json()["through"], "2026-02-03");
    let first = accountant.get("/v1/day-closes/2026-01-31").ok(200);
    assert_eq!(
        (&first["status"], &first["booked_at"], &first["entry_count"]),
        (&json!("rolled"), &Value::Null, &Value::Null)
    );
    // The institution is open on the next day, and works.
    assert_eq!(bank::business_date(&house), "2026-02-01");
    let paid = pay(&house, loans[1], 50_00, None);
    assert_eq!(paid["transaction"]["booked_on"], "2026-02-01");
    hung.release();
    eventually("the last day is booked", || {
        let close = accountant.get("/v1/day-closes/2026-02-03");
        (close.status == 200 && close.json()["status"] == "booked").then_some(())
    });
    assert_eq!(bank::business_date(&house), "2026-02-04");
    house.must_hold(&[]);
}
