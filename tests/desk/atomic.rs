//! Atomic calls: all items or none.

use crate::desk::commands::statuses;
use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

fn part(loan: Loan, amount: &str) -> Value {
    json!({"operation": "loan.repay", "path": {"id": loan.id}, "body": repayment(amount)})
}

fn all(items: &[Value]) -> Value {
    json!({"atomic": true, "items": items})
}

fn repaid(house: &Institution) -> i64 {
    house.database.one("select count(*) from loan_event where kind = 'repaid'", &[])
}

#[test]
fn thirty_are_refused_whole_by_the_seventeenth_and_replayed_whole() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..6).map(|_| house.active_loan("nrb")).collect();
    let teller = house.session("teller@nrb");
    let mut items: Vec<Value> = (0..30).map(|index| part(loans[index % 6], "10.00")).collect();
    items[16]["body"]["overpayment"] = json!("refuse");
    items[16]["body"]["amount"] = json!("99999.00");
    let before = house.database.row_counts();
    let key = key();
    let refused = teller.post_as(&key, "/v1/commands", &all(&items)).problem(422, "loan.amount_exceeds_payoff");
    assert_eq!(refused["errors"][0]["pointer"], "/items/16/body/amount", "{refused}");
    let changed = |before: &[(String, i64)], after: &[(String, i64)]| -> Vec<String> {
        before.iter().zip(after).filter(|(one, other)| one != other).map(|(one, _)| one.0.clone()).collect()
    };
    assert_eq!(
        changed(&before, &house.database.row_counts()),
        ["audit", "idempotency_body", "idempotency_key"],
        "only that it was refused is written"
    );
    assert!(teller.post_as(&key, "/v1/commands", &all(&items)).expect(422).is_replay());
    // Corrected, it is another request.
    items[16]["body"] = repayment("10.00");
    let key = crate::harness::key();
    let first = teller.post_as(&key, "/v1/commands", &all(&items)).expect(200);
    assert!(!first.is_replay());
    assert_eq!(statuses(&first.json()), [201; 30]);
    assert_eq!(repaid(&house), 30);
    let again = teller.post_as(&key, "/v1/commands", &all(&items)).expect(200);
    assert!(again.is_replay());
    assert_eq!(first.text, again.text);
    items[3]["body"]["amount"] = json!("11.00");
    teller.post_as(&key, "/v1/commands", &all(&items)).problem(422, "idempotency.key_reused");
    // Each item is a command of its own in the books and in the audit.
    let commands: i64 =
        house.database.one("select count(distinct command_id) from loan_event where kind = 'repaid'", &[]);
    assert_eq!(commands, 30);
    let audited: i64 = house.database.one(
        "select count(*) from audit join loan_event on loan_event.command_id = audit.id where operation = 'loan.repay' and status = 200",
        &[],
    );
    assert_eq!(audited, 30);
    assert_eq!(
        house
            .database
            .one::<i64>("select count(*) from idempotency_key where operation = 'commands.run' and status = 200", &[]),
        1
    );
    house.must_hold(&[]);
}

#[test]
fn a_client_with_a_loan_paid_out_is_one_command() {
    let house = Institution::start();
    let manager = house.session("branch_manager@nrb");
    let (client, loan) = (Uuid::now_v7(), Uuid::now_v7());
    let mut register = house.client_request("nrb");
    register["id"] = json!(client);
    let mut apply = house.loan_request(client, "W02");
    apply["id"] = json!(loan);
    let step = |operation: &str, path: Value, body: Value| json!({"operation": operation, "path": path, "body": body});
    let mut items = vec![
        step("client.register", json!({}), register),
        step("loan.apply", json!({}), apply),
        step("loan.approve", json!({"id": loan}), json!({})),
        step("loan.disburse", json!({"id": loan}), json!({"channel": "cash"})),
    ];
    // The manager applied: another person approves.
    let problem = manager.post("/v1/commands", &all(&items)).problem(403, "approval.same_person");
    assert_eq!(problem["errors"][0]["pointer"], "/items/2");
    assert_eq!(house.database.one::<i64>("select count(*) from client where id = $1", &[&client]), 0);
    items.truncate(2);
    let done = house.session("loan_officer@nrb").post("/v1/commands", &all(&items)).ok(200);
    assert_eq!(statuses(&done), [201, 201]);
    assert_eq!(done["data"][1]["body"]["client_id"], json!(client));
    let paid_out = [
        json!({"operation": "loan.approve", "path": {"id": loan}, "body": {"instalments": 10}}),
        json!({"operation": "loan.disburse", "path": {"id": loan}, "body": {"channel": "cash"}}),
        json!({"operation": "loan.repay", "path": {"id": loan}, "body": repayment("1.00")}),
    ];
    let done = manager.post("/v1/commands", &all(&paid_out)).ok(200);
    assert_eq!(done["data"][2]["body"]["loan"]["status"], "active");
    let schedule = manager.get(&format!("/v1/loans/{loan}/schedule")).ok(200);
    assert_eq!(schedule["instalments"].as_array().unwrap().len(), 10);
    house.must_hold(&[]);
}

#[test]
fn what_cannot_be_atomic_is_said_with_its_place() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let mut keyed = part(loan, "1.00");
    keyed["key"] = json!("k");
    let approve = json!({"operation": "approval.approve", "path": {"id": Uuid::new_v4()}, "body": {}});
    let reverse = json!({"operation": "loan.renegotiate", "path": {"id": loan.id}, "body": {"reason": "Flood"}});
    let missing = json!({"operation": "loan.repay", "path": {"id": Uuid::new_v4()}, "body": repayment("1.00")});
    let wrong = json!({"operation": "loan.repay", "path": {"id": loan.id}, "body": {"amount": 5, "channel": "cash"}});
    let cases = [
        (keyed, 422, "command.key_of_item", "/items/1/key"),
        (approve, 422, "command.not_here", "/items/1/operation"),
        (reverse, 403, "access.forbidden", "/items/1"),
        (missing, 404, "resource.not_found", "/items/1/path"),
        (wrong, 400, "request.malformed", "/items/1/body/amount"),
    ];
    for (item, status, code, pointer) in cases {
        let problem = teller.post("/v1/commands", &all(&[part(loan, "1.00"), item])).problem(status, code);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let many: Vec<Value> = (0..201).map(|_| part(loan, "1.00")).collect();
    teller.post("/v1/commands", &all(&many)).problem(400, "request.malformed");
    teller.ask("/v1/commands", &all(&[part(loan, "1.00")])).problem(400, "idempotency.key_missing");
    assert_eq!(repaid(&house), 0);
    house.must_hold(&[]);
}

#[test]
fn two_hundred_run_beside_a_teller() {
    let house = Institution::start();
    let loans: Vec<Loan> = (0..20).map(|_| house.active_loan("nrb")).collect();
    let own = house.active_loan("nrb");
    let (importer, teller) = (house.session("loan_officer@nrb"), house.session("teller@nrb"));
    let items: Vec<Value> = (0..200).map(|index| part(loans[index % 20], "1.00")).collect();
    std::thread::scope(|scope| {
        let imports: Vec<_> =
            (0..3).map(|_| scope.spawn(|| importer.post("/v1/commands", &all(&items)).expect(200))).collect();
        let mut paid = 0;
        while imports.iter().any(|import| !import.is_finished()) {
            teller.post(&own.path("repayments"), &repayment("1.00")).expect(201);
            paid += 1;
        }
        assert!(paid > 0);
        imports.into_iter().for_each(|import| drop(import.join().unwrap()));
    });
    let imported: i64 =
        house.database.one("select count(*) from loan_event where kind = 'repaid' and loan_id <> $1", &[&own.id]);
    assert_eq!(imported, 600);
    house.must_hold(&[]);
}
