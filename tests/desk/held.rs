//! Commands that wait for a second person.

use crate::harness::builders::repayment;
use crate::harness::*;

fn limited() -> Institution {
    let house = Institution::start();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    house
}

#[test]
fn the_second_person_sees_what_was_sent_and_how_many_could_decide() {
    let house = limited();
    let (maker, other) = (house.session("accountant@nrb"), house.session("accountant@hq"));
    let request = house.entry_request("nrb", "500.00");
    let held = maker.post("/v1/journal-entries", &request).ok(202);
    assert!(held["approval"]["deciders"].as_i64().unwrap() >= 2, "{held}");
    let id = held["approval"]["id"].as_str().unwrap();
    let shown = other.get(&format!("/v1/approvals/{id}")).ok(200);
    assert_eq!((&shown["operation"], &shown["path"]), (&json!("journal_entry.post"), &json!([])));
    assert_eq!(shown["summary"], "Manual entry of 500.00 KES: Rent");
    // As it was sent, in decimals; the value date of today stays, whenever it is approved.
    assert_eq!(shown["body"]["lines"], request["lines"]);
    assert_eq!(shown["body"]["value_on"], people::FIRST_DAY);
    let approved = other.post(&format!("/v1/approvals/{id}/approve"), &json!({})).ok(200);
    let entry = other.get(&format!("/v1/journal-entries/{}", approved["result_id"].as_str().unwrap())).ok(200);
    assert_eq!((&entry["user_id"], &entry["value_on"]), (&json!(maker.user_id), &json!(people::FIRST_DAY)));
    house.must_hold(&[]);
}

#[test]
fn where_nobody_could_decide_nothing_is_held() {
    let house = limited();
    let admin = house.session("admin@hq");
    // All who could decide are disabled but the maker.
    let maker = house.session("accountant@hq");
    for (who, user) in house.people.users.iter().filter(|(who, _)| !who.starts_with("admin")) {
        if *user != maker.user_id && (who.starts_with("accountant") || who.starts_with("branch_manager")) {
            let seen = admin.get(&format!("/v1/users/{user}")).expect(200);
            admin.patch(&format!("/v1/users/{user}"), &seen.etag(), &json!({"active": false})).expect(200);
        }
    }
    let key = key();
    let request = house.entry_request("hq", "500.00");
    maker.post_as(&key, "/v1/journal-entries", &request).problem(409, "approval.nobody_can_decide");
    assert_eq!(house.database.one::<i64>("select count(*) from approval", &[]), 0);
    // The state has changed: the same key decides again.
    let other = house.people.users["accountant@hq"];
    assert_eq!(other, maker.user_id);
    let manager = house.people.users["branch_manager@hq"];
    let seen = admin.get(&format!("/v1/users/{manager}")).expect(200);
    admin.patch(&format!("/v1/users/{manager}"), &seen.etag(), &json!({"active": true})).expect(200);
    let held = maker.post_as(&key, "/v1/journal-entries", &request).ok(202);
    assert_eq!(held["approval"]["deciders"], 1);
    house.books_prove_themselves();
}

#[test]
fn what_a_disabled_maker_asked_for_can_only_be_rejected() {
    let house = limited();
    let (maker, other, admin) =
        (house.session("accountant@nrb"), house.session("accountant@hq"), house.session("admin@hq"));
    let held = maker.post("/v1/journal-entries", &house.entry_request("nrb", "500.00")).ok(202);
    let path = format!("/v1/approvals/{}", held["approval"]["id"].as_str().unwrap());
    let seen = admin.get(&format!("/v1/users/{}", maker.user_id)).expect(200);
    admin.patch(&format!("/v1/users/{}", maker.user_id), &seen.etag(), &json!({"active": false})).expect(200);
    other.post(&format!("{path}/approve"), &json!({})).problem(409, "approval.maker_may_not");
    assert_eq!(other.get(&path).ok(200)["status"], "pending");
    assert_eq!(other.post(&format!("{path}/reject"), &json!({})).ok(200)["status"], "rejected");
    // The maker can send nothing again.
    house.books_prove_themselves();
}

#[test]
fn one_item_that_is_held_holds_the_whole_call() {
    let house = limited();
    let admin = house.session("admin@hq");
    let clerk = json!({"code": "clerk", "name": "Clerk", "permissions": ["journal.post", "loan.repay", "loan.read"]});
    admin.post("/v1/roles", &clerk).expect(201);
    let user = json!({"username": "clerk", "password": people::PASSWORD, "name": "Clerk", "roles": ["clerk"],
        "branch_id": house.branch("nrb")});
    let clerk = house.session_of(people::id(&admin.post("/v1/users", &user).ok(201)["id"]));
    let loan = house.active_loan("nrb");
    let items = json!({"atomic": true, "items": [
        {"operation": "loan.repay", "path": {"id": loan.id}, "body": repayment("10.00")},
        {"operation": "journal_entry.post", "body": house.entry_request("nrb", "500.00")},
    ]});
    let dry = clerk.ask("/v1/commands?dry_run=true", &items).ok(200);
    assert_eq!((&dry["held"], &dry["answer"]["data"][0]["status"]), (&json!(true), &json!(201)));
    let key = key();
    let held = clerk.post_as(&key, "/v1/commands", &items).ok(202);
    let repaid = || house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]);
    assert_eq!(repaid(), 0);
    assert!(clerk.post_as(&key, "/v1/commands", &items).expect(202).is_replay());
    let path = format!("/v1/approvals/{}", held["approval"]["id"].as_str().unwrap());
    let accountant = house.session("accountant@nrb");
    assert_eq!(accountant.get(&path).ok(200)["operation"], "commands.run");
    assert_eq!(accountant.post(&format!("{path}/approve"), &json!({})).ok(200)["status"], "approved");
    assert_eq!(repaid(), 1);
    let by: Uuid = house.database.one("select user_id from loan_event where kind = 'repaid'", &[]);
    assert_eq!(by, clerk.user_id, "it is the maker's work");
    house.must_hold(&[]);
}

#[test]
fn a_call_that_is_held_tells_of_all_its_items_and_keeps_the_date_of_each() {
    let house = limited();
    let admin = house.session("admin@hq");
    let permissions = ["journal.post", "loan.repay", "loan.read", "approval.read"];
    admin.post("/v1/roles", &json!({"code": "clerk", "name": "Clerk", "permissions": permissions})).expect(201);
    let user = json!({"username": "clerk", "password": people::PASSWORD, "name": "Clerk", "roles": ["clerk"],
        "branch_id": house.branch("hq")});
    let clerk = house.session_of(people::id(&admin.post("/v1/users", &user).ok(201)["id"]));
    let loan = house.active_loan("ksm");
    let below = house.entry_request("nrb", "40.00");
    let mut said = house.entry_request("nrb", "60.00");
    said["value_on"] = Value::Null;
    let items = json!({"atomic": true, "items": [
        {"operation": "journal_entry.post", "body": below},
        {"operation": "journal_entry.post", "body": house.entry_request("nrb", "700.00")},
        {"operation": "journal_entry.post", "body": said},
        {"operation": "loan.repay", "path": {"id": loan.id}, "body": repayment("25.00")},
        {"operation": "journal_entry.post", "body": house.entry_request("nrb", "800.00")},
    ]});
    let held = clerk.post("/v1/commands", &items).ok(202);
    let path = format!("/v1/approvals/{}", held["approval"]["id"].as_str().unwrap());
    // The loan lies in another branch than the entries: only who sees both may decide.
    house.session("accountant@nrb").get(&path).problem(404, "resource.not_found");
    let accountant = house.session("accountant@hq");
    let shown = accountant.get(&path).ok(200);
    let summary = "Manual entry of 700.00 KES: Rent, in one call with 3 × journal_entry.post, 1 × loan.repay";
    assert_eq!(shown["summary"], summary);
    for index in [0, 1, 2, 4] {
        assert_eq!(shown["body"]["items"][index]["body"]["value_on"], people::FIRST_DAY, "{index}");
    }
    assert_eq!(shown["body"]["items"][3]["body"]["paid_on"], people::FIRST_DAY);
    // Agreed to on a later day, all is of the day on which it was given.
    crate::acceptance::bank::close(&house, people::FIRST_DAY);
    accountant.post(&format!("{path}/approve"), &json!({})).expect(200);
    let paid: chrono::NaiveDate = house.database.one("select value_on from loan_event where kind = 'repaid'", &[]);
    assert_eq!(paid.to_string(), people::FIRST_DAY);
    let values: i64 = house.database.one(
        "select count(*) from journal_entry where event = 'journal_entry.posted' and value_on = $1",
        &[&people::FIRST_DAY.parse::<chrono::NaiveDate>().unwrap()],
    );
    assert_eq!(values, 4);
    house.must_hold(&[]);
}
