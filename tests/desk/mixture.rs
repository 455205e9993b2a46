//! A batch mixes every kind of command; what is wrong with one touches no other.

use crate::desk::commands::{item, on, statuses};
use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

#[test]
fn three_hundred_of_mixed_kinds_with_one_poisoned_one_refused_and_one_held() {
    let house = Institution::start();
    let who = who_may_do_all(&house);
    let actives: Vec<Loan> = (0..30).map(|_| house.active_loan("nrb")).collect();
    let applied: Vec<Loan> = (0..10).map(|_| house.applied_loan("nrb")).collect();
    let poisoned = house.active_loan("nrb");
    // A figure that overflows when it is decided, as after a repair by hand that went wrong.
    let paid: i64 =
        house.database.one("select principal_paid_minor from loan_state where loan_id = $1", &[&poisoned.id]);
    let poison_with = |amount: i64| {
        let sql = format!("update loan_state set principal_paid_minor = {amount} where loan_id = '{}'", poisoned.id);
        house.database.execute(&sql);
    };
    poison_with(i64::MAX);
    let mut items = Vec::new();
    for index in 0..48 {
        items.push(item(&key(), "client.register", json!({}), house.client_request("nrb")));
        items.push(on(actives[index % 30], "loan.repay", repayment("1.00")));
        items.push(on(actives[(index * 7) % 30], "loan.repay", repayment("2.00")));
        items.push(item(&key(), "journal_entry.post", json!({}), house.entry_request("nrb", "3.00")));
        items.push(item(
            &key(),
            "loan.apply",
            json!({}),
            house.loan_request(house.people_client(&actives, index), "W02"),
        ));
        if index < 10 {
            items.push(on(applied[index], "loan.approve", json!({})));
            items.push(on(applied[index], "loan.disburse", json!({"channel": "bank"})));
        }
        if index < 30 {
            items.push(on(actives[index], "loan.renegotiate", json!({"reason": "Flood"})));
        }
    }
    let (poison, refused, held) = (items.len() / 3, items.len() / 2, items.len() * 2 / 3);
    items.insert(poison, on(poisoned, "loan.repay", repayment("5000.00")));
    items.insert(refused, on(actives[0], "loan.repay", repayment("0.00")));
    items.insert(held, item(&key(), "journal_entry.post", json!({}), house.entry_request("nrb", "500.00")));
    assert!(items.len() >= 290, "{}", items.len());
    let answer = who.ask("/v1/commands", &json!({"items": items})).ok(200);
    for (index, status) in statuses(&answer).into_iter().enumerate() {
        let expected: &[u64] = match index {
            _ if index == poison => &[500],
            _ if index == refused => &[422],
            _ if index == held => &[202],
            _ => &[200, 201],
        };
        assert!(expected.contains(&status), "item {index} {}: {}", items[index], answer["data"][index]);
    }
    assert_eq!(answer["data"][poison]["body"]["code"], "internal.invariant");
    let batches: i64 = house.database.one("select count(distinct at) from audit where user_id = $1", &[&who.user_id]);
    assert!(batches < 30, "{batches} batches for {} commands", items.len());
    let kinds: i64 = house.database.one(
        "select max(kinds) from (select count(distinct operation) as kinds from audit where user_id = $1 group by at) as batch",
        &[&who.user_id],
    );
    assert!(kinds >= 5, "a batch held {kinds} kinds");
    assert!(house.server.log().contains("could not be carried out"), "no alarm is raised");
    // A figure that overflows quarantines nobody: the next call is merged as ever.
    let more: Vec<Value> = actives.iter().map(|loan| on(*loan, "loan.repay", repayment("1.00"))).collect();
    let before: i64 = house.database.one("select count(distinct recorded_at) from loan_event", &[]);
    assert_eq!(statuses(&who.ask("/v1/commands", &json!({"items": more})).ok(200)), vec![201; 30]);
    let after: i64 = house.database.one("select count(distinct recorded_at) from loan_event", &[]);
    assert!(after - before < 15, "{} batches", after - before);
    poison_with(paid);
    house.books_prove_themselves();
}

/// Somebody who may do all of it, so that it is one call, where entries of more than 100 wait.
fn who_may_do_all(house: &Institution) -> Session {
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    let everything: Vec<&str> = kernel::permission::Permission::ALL.iter().map(|one| one.as_str()).collect();
    admin.post("/v1/roles", &json!({"code": "all", "name": "All", "permissions": everything})).expect(201);
    let user = json!({"username": "all", "password": people::PASSWORD, "name": "All", "roles": ["all"],
        "branch_id": house.branch("nrb")});
    house.session_of(people::id(&admin.post("/v1/users", &user).ok(201)["id"]))
}

impl Institution {
    /// The client of one of these loans: an own one for each would cost a request more.
    fn people_client(&self, loans: &[Loan], index: usize) -> Uuid {
        self.database.one("select client_id from loan where id = $1", &[&loans[index % loans.len()].id])
    }
}

#[test]
fn one_that_dates_back_makes_no_other_loan_be_read_to_its_end() {
    let (house, proxy) = Institution::behind_proxy();
    let loans: Vec<Loan> = (0..20).map(|_| house.active_loan("nrb")).collect();
    crate::acceptance::bank::open_day(&house, "2026-02-10");
    let manager = house.session("branch_manager@nrb");
    let pay = |back: bool| -> usize {
        // In one batch: an atomic call.
        let mut items: Vec<Value> = loans.iter().map(|loan| on(*loan, "loan.repay", repayment("1.00"))).collect();
        for item in &mut items {
            item.as_object_mut().unwrap().remove("key");
        }
        if back {
            items[7]["body"]["paid_on"] = json!("2026-02-01");
        }
        proxy.take_transactions("");
        manager.post("/v1/commands", &json!({"atomic": true, "items": items})).expect(200);
        let batches = proxy.take_transactions("insert into loan_event");
        assert_eq!(batches.len(), 1);
        batches[0].len()
    };
    // Every backend tells its counts when it has been idle for ten seconds.
    let rows_read = || -> i64 {
        std::thread::sleep(std::time::Duration::from_secs(12));
        house.database.one("select idx_tup_fetch from pg_stat_user_tables where relname = 'loan_instalment'", &[])
    };
    // The first of each kind prepares its statements.
    pay(false);
    pay(true);
    let before = rows_read();
    let plain = pay(false);
    let between = rows_read();
    let back = pay(true);
    let (rows, mut rows_back) = (between - before, rows_read() - between);
    if rows_back > rows + 24 {
        // On a busy machine a batch may have run again, which reads all of its loans again: then the next one tells.
        let before = rows_read();
        pay(true);
        rows_back = rows_read() - before;
    }
    assert!(rows > 0, "nothing was counted");
    // The history of the one loan is one statement more; its instalments are read anew by no statement of its own.
    assert!(back <= plain + 1, "{plain} statements, {back} with one that dates back");
    assert!(rows_back <= rows + 24, "{rows} rows of instalments, {rows_back} with one that dates back");
    house.must_hold(&[]);
}
