//! Keys: missing, reused, replayed, in flight here and elsewhere.

use std::thread;

use database::block_on;

use crate::harness::builders::{Loan, repayment};
use crate::harness::*;

/// Takes a loan's row, so that its commands wait, until the client is dropped or rolled back.
pub fn hold(house: &Institution, loan: Loan) -> tokio_postgres::Client {
    let holder = house.database.connect();
    block_on(holder.batch_execute(&format!("begin; select from loan_state where loan_id = '{}' for update", loan.id)))
        .unwrap();
    holder
}

pub fn release(holder: tokio_postgres::Client) {
    block_on(holder.batch_execute("rollback")).unwrap();
}

/// Waits until a command has met a row in other hands.
pub fn is_waiting(house: &Institution) {
    eventually("a command waits for its row", || {
        let waiting: i64 = house.database.one(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
            &[],
        );
        (waiting > 0).then_some(())
    });
}

#[test]
fn a_key_is_asked_for_and_must_be_one() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let path = loan.path("repayments");
    let problem = teller.ask(&path, &repayment("10.00")).problem(400, "idempotency.key_missing");
    assert!(problem["detail"].as_str().unwrap().contains("Idempotency-Key"));
    for key in ["", " ", "two words", "tab\there", "ünïcode", &"k".repeat(256)] {
        let answer = teller.send("POST", &path, Some(key), Some(&repayment("10.00").to_string()), &[]);
        // A client library may itself refuse to send it.
        if let Ok(answer) = answer {
            answer.problem(400, "idempotency.key_missing");
        }
    }
    for key in [
        "k",
        &"k".repeat(255),
        "!~#$%&'*+-.^_`|",
        "../../etc/passwd",
        "'; drop table loan; --".replace(' ', "_").as_str(),
    ] {
        teller.post_as(key, &path, &repayment("10.00")).expect(201);
        let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_eq!(teller.get(&format!("/v1/operations/{encoded}")).ok(200)["state"], "done", "{key}");
    }
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 5);
    house.must_hold(&[]);
}

#[test]
fn a_replay_is_the_same_answer_on_every_server() {
    let house = Institution::start();
    let second = house.second_server();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    let first = teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
    assert!(!first.is_replay());
    for session in [&teller, &teller.at(&second), &teller] {
        let again = session.post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
        assert!(again.is_replay());
        assert_eq!(again.text, first.text);
    }
    // Spaces and the order of members make no other request; another value, an added default and another loan do.
    let spaced = "{ \"channel\" : \"cash\",\n \"amount\":\"10.00\" }";
    let spaced = teller.send("POST", &loan.path("repayments"), Some(&key), Some(spaced), &[]).unwrap().expect(201);
    assert!(spaced.is_replay());
    let other = house.active_loan("nrb");
    let reused = [
        (loan.path("repayments"), repayment("10.01")),
        (loan.path("repayments"), repayment("10.0")),
        (loan.path("repayments"), json!({"amount": "10.00", "channel": "cash", "paid_on": "2026-01-31"})),
        (loan.path("repayments"), json!({"amount": "10.00", "channel": "cash", "receipt": null})),
        (other.path("repayments"), repayment("10.00")),
        (loan.path("disburse"), json!({"channel": "cash"})),
    ];
    for (path, body) in reused {
        for session in [&teller, &teller.at(&second)] {
            session.post_as(&key, &path, &body).problem(422, "idempotency.key_reused");
        }
    }
    // The keys of two users are apart.
    let colleague = house.session("loan_officer@nrb").post_as(&key, &loan.path("repayments"), &repayment("10.00"));
    assert!(!colleague.is_replay());
    assert_ne!(colleague.ok(201)["transaction"]["id"], first.json()["transaction"]["id"]);
    house.must_hold(&[&second]);
}

#[test]
fn decisions_are_stored_and_other_refusals_are_not() {
    let house = Institution::start();
    let loan = house.approved_loan("nrb");
    let teller = house.session("teller@nrb");
    let path = loan.path("repayments");
    // A conflict is not kept: the state may change, and the same key then decides again.
    let conflicting = key();
    teller.post_as(&conflicting, &path, &repayment("10.00")).problem(409, "loan.not_active");
    assert_eq!(teller.get(&format!("/v1/operations/{conflicting}")).ok(200)["state"], "unknown");
    let (missing, forbidden, malformed) = (key(), key(), key());
    let elsewhere = Loan { id: Uuid::new_v4(), branch: "nrb" };
    teller.post_as(&missing, &elsewhere.path("repayments"), &repayment("10.00")).problem(404, "resource.not_found");
    house.session("auditor@nrb").post_as(&forbidden, &path, &repayment("10.00")).problem(403, "access.forbidden");
    teller
        .post_as(&malformed, &path, &json!({"amount": "10.00", "channel": "pigeon"}))
        .problem(400, "request.malformed");
    teller.post(&loan.path("disburse"), &json!({"channel": "cash"})).expect(200);
    // What cannot succeed under the rules is kept.
    let decided = key();
    let first = teller.post_as(&decided, &path, &repayment("0.00"));
    first.clone().problem(422, "amount.not_positive");
    let again = teller.post_as(&decided, &path, &repayment("0.00"));
    assert!(again.is_replay());
    assert_eq!((again.status, &again.text), (422, &first.text));
    assert_eq!(again.header("content-type"), Some("application/problem+json"));
    for key in [&missing, &malformed, &conflicting] {
        assert!(!teller.post_as(key, &path, &repayment("10.00")).expect(201).is_replay());
    }
    for (key, state) in [(&decided, "done"), (&missing, "done"), (&conflicting, "done"), (&forbidden, "unknown")] {
        assert_eq!(teller.get(&format!("/v1/operations/{key}")).ok(200)["state"], state);
    }
    house.must_hold(&[]);
}

#[test]
fn duplicates_at_once_are_one_command() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    let holder = hold(&house, loan);
    let duplicates: Vec<_> = (0..8)
        .map(|_| {
            let (teller, key) = (teller.clone(), key.clone());
            thread::spawn(move || teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")))
        })
        .collect();
    is_waiting(&house);
    let state = eventually("the command is on its way", || {
        let view = teller.get(&format!("/v1/operations/{key}")).ok(200);
        (view["state"] == "in_progress").then_some(view)
    });
    assert_eq!(state, json!({"state": "in_progress"}));
    // Another request under the same key does not join.
    teller.post_as(&key, &loan.path("repayments"), &repayment("11.00")).problem(422, "idempotency.key_reused");
    release(holder);
    let answers: Vec<Answer> = duplicates.into_iter().map(|one| one.join().unwrap().expect(201)).collect();
    assert!(answers.iter().all(|answer| answer.text == answers[0].text));
    assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1, "one of them was the first");
    assert_eq!(house.database.one::<i64>("select count(*) from loan_event where kind = 'repaid'", &[]), 1);
    house.must_hold(&[]);
}

#[test]
fn what_is_in_flight_elsewhere_is_to_be_asked_for_again() {
    let house = Institution::start();
    let second = house.second_server();
    let loan = house.active_loan("nrb");
    let teller = house.session("teller@nrb");
    let key = key();
    let holder = hold(&house, loan);
    let first = {
        let (teller, key) = (teller.clone(), key.clone());
        thread::spawn(move || teller.post_as(&key, &loan.path("repayments"), &repayment("10.00")))
    };
    is_waiting(&house);
    let elsewhere = teller.at(&second).post_as(&key, &loan.path("repayments"), &repayment("10.00"));
    assert_eq!(elsewhere.header("retry-after"), Some("1"));
    elsewhere.problem(409, "idempotency.in_progress");
    assert_eq!(teller.at(&second).get(&format!("/v1/operations/{key}")).ok(200)["state"], "in_progress");
    release(holder);
    let first = first.join().unwrap().expect(201);
    let again = teller.at(&second).post_as(&key, &loan.path("repayments"), &repayment("10.00")).expect(201);
    assert!(again.is_replay());
    assert_eq!(again.text, first.text);
    house.must_hold(&[&second]);
}

#[test]
fn an_answer_can_be_looked_up() {
    let house = Institution::start();
    let admin = house.session("admin@hq");
    let settings = admin.get("/v1/settings").expect(200);
    admin.patch("/v1/settings", &settings.etag(), &json!({"journal_approval_limit": "100.00"})).expect(200);
    let accountant = house.session("accountant@nrb");
    let look = |key: &str| accountant.get(&format!("/v1/operations/{key}")).ok(200);
    let (done, refused, held) = (key(), key(), key());
    assert_eq!(look("never-seen"), json!({"state": "unknown"}));
    let entry = accountant.post_as(&done, "/v1/journal-entries", &house.entry_request("nrb", "10.00")).ok(201);
    assert_eq!(look(&done), json!({"state": "done", "status": 201, "body": entry}));
    let mut unbalanced = house.entry_request("nrb", "10.00");
    unbalanced["lines"][0]["debit"] = json!("11.00");
    accountant.post_as(&refused, "/v1/journal-entries", &unbalanced).problem(422, "journal.unbalanced");
    let seen = look(&refused);
    assert_eq!(
        (seen["state"].as_str(), seen["status"].as_u64(), seen["body"]["code"].as_str()),
        (Some("done"), Some(422), Some("journal.unbalanced"))
    );
    let waiting = accountant.post_as(&held, "/v1/journal-entries", &house.entry_request("nrb", "500.00")).ok(202);
    assert_eq!(look(&held), json!({"state": "held", "approval_id": waiting["approval"]["id"]}));
    // Nobody sees the keys of others.
    let other = house.session("accountant@hq").get(&format!("/v1/operations/{done}")).ok(200);
    assert_eq!(other, json!({"state": "unknown"}));
    house.must_hold(&[]);
}

#[test]
fn many_look_up_at_once() {
    let house = Institution::start();
    let accountant = house.session("accountant@nrb");
    let done = key();
    let entry = accountant.post_as(&done, "/v1/journal-entries", &house.entry_request("nrb", "10.00")).ok(201);
    // More than there are connections to the database: nobody needs two.
    std::thread::scope(|scope| {
        for _ in 0..24 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let seen = accountant.get(&format!("/v1/operations/{done}")).ok(200);
                    assert_eq!(seen, json!({"state": "done", "status": 201, "body": entry}));
                }
            });
        }
    });
    house.must_hold(&[]);
}

#[test]
fn what_was_made_is_shown_again_only_within_the_scope_of_now() {
    let house = Institution::start();
    let (officer, admin) = (house.session("loan_officer@nrb"), house.session("admin@hq"));
    let (one, two) = (key(), key());
    // The server made the ids: the same request, read again, has others.
    let request = house.client_request("nrb");
    let client = people::id(&officer.post_as(&one, "/v1/clients", &request).ok(201)["id"]);
    let atomic = json!({"atomic": true, "items": [
        {"operation": "client.register", "body": house.client_request("nrb")},
        {"operation": "loan.apply", "body": house.loan_request(client, "W02")},
    ]});
    officer.post_as(&two, "/v1/commands", &atomic).expect(200);
    let again = |status| {
        let answers = [officer.post_as(&one, "/v1/clients", &request), officer.post_as(&two, "/v1/commands", &atomic)];
        for (answer, expected) in answers.into_iter().zip(status) {
            assert_eq!(answer.status, expected, "{}", answer.text);
        }
    };
    again([201, 200]);
    let path = format!("/v1/users/{}", officer.user_id);
    let moved = |branch: &str| {
        let seen = admin.get(&path).expect(200);
        let staff = house.people.staff[&format!("loan_officer@{branch}")];
        let change = json!({"branch_id": house.branch(branch), "staff_id": staff});
        admin.patch(&path, &seen.etag(), &change).expect(200);
    };
    moved("ksm");
    again([404, 404]);
    moved("nrb");
    again([201, 200]);
    house.must_hold(&[]);
}
