//! The house: what stands around every operation.

mod commands;
pub mod contract;
mod requests;
mod wire;

use crate::harness::*;

#[test]
fn it_answers_where_it_is_looked_at() {
    let house = Institution::start();
    let nobody = house.with_token("");
    assert_eq!(nobody.get("/healthz").expect(200).text, "ok\n");
    assert_eq!(nobody.get("/readyz").expect(200).text, "ready\n");
    let loan = house.active_loan("nrb");
    let paid = house.repay(loan, "1134.72").ok(201);
    assert_eq!(paid["transaction"]["amount"], "1134.72");
    let metrics = nobody.get("/metrics").expect(200).text;
    for metric in ["ayni_http_requests", "ayni_http_seconds", "ayni_pool_connections", "ayni_lane_batch_size"] {
        assert!(metrics.contains(metric), "{metric} is not measured");
    }
    house.must_hold(&[]);
}

#[test]
fn every_answer_has_the_id_of_its_request() {
    let house = Institution::start();
    let auditor = house.session("auditor@hq");
    let answers =
        [auditor.get("/v1/me"), auditor.get("/nowhere"), auditor.get(&format!("/v1/loans/{}", Uuid::new_v4()))];
    let mut ids = Vec::new();
    for answer in answers {
        let id = answer.header("x-request-id").expect("no x-request-id").to_owned();
        if answer.status >= 400 {
            let body = answer.json();
            assert_eq!(body["request_id"], id.as_str());
            assert_eq!(body["instance"], format!("urn:uuid:{id}"));
        }
        eventually("the request is logged", || house.server.log().contains(&id).then_some(()));
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "ids repeat");
}

#[test]
fn a_log_line_is_json_and_names_no_path_value() {
    let house = Institution::start();
    let loan = house.applied_loan("nrb");
    house.session("auditor@hq").get(&format!("/v1/loans/{}?", loan.id)).expect(200);
    house.session("auditor@hq").get("/v1/clients?name=Zawadi").expect(200);
    let log = eventually("requests are logged", || Some(house.server.log()).filter(|log| log.contains("/v1/clients")));
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "no JSON: {line}");
    }
    assert!(!log.contains(&loan.id.to_string()) && !log.contains("Zawadi"), "{log}");
    assert!(log.contains("/v1/loans/{id}"));
    house.must_hold(&[]);
}

#[test]
fn a_second_institution_of_the_same_name_is_not_made() {
    // Two servers that start at once on an empty database furnish it once.
    let database = Database::empty();
    let url = database.app_url();
    std::thread::scope(|scope| {
        let servers = [(); 3].map(|()| scope.spawn(|| Server::start(&url, &["--business-date", "2026-01-31"])));
        servers.into_iter().for_each(|server| drop(server.join().unwrap()));
    });
    for (table, rows) in [("setting", 1), ("business_day", 1), ("branch", 1), ("app_user", 1), ("role", 7)] {
        assert_eq!(database.one::<i64>(&format!("select count(*) from {table}"), &[]), rows, "{table}");
    }
}
