//! Requests that no operation takes, and bodies that are none.

use crate::harness::*;

const QUOTE: &str = "/v1/loan-quotes";

fn quote() -> Value {
    json!({"currency": "KES", "principal": "12000.00", "instalments": 12, "disbursed_on": "2026-01-31",
        "terms": {"frequency": {"unit": "month"}, "interest": {"method": "declining", "rate": {"percent": "24", "per": "year"}}}})
}

#[test]
fn what_is_not_there_says_so() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    for path in [
        "/",
        "/v1",
        "/v1/loan",
        "/v1/loans/",
        "/v2/loans",
        "/v1/loans/1/2/3",
        "/healthz/x",
        "/%ff",
        "/v1/../etc/passwd",
    ] {
        officer.get(path).problem(404, "route.not_found");
    }
    for (method, path, allowed) in [
        ("DELETE", "/v1/loans", "GET"),
        ("PUT", "/v1/settings", "PATCH"),
        ("POST", "/v1/me", "GET"),
        ("POST", "/healthz", "GET"),
    ] {
        let answer = officer.send(method, path, Some("k"), None, &[]).unwrap();
        assert!(
            answer.header("allow").is_some_and(|allow| allow.contains(allowed)),
            "{method} {path}: {:?}",
            answer.headers
        );
        answer.problem(405, "route.method_not_allowed");
    }
    // An id that is no id names nothing.
    for path in [
        "/v1/loans/17",
        "/v1/loans/null",
        "/v1/clients/%00",
        "/v1/loans/x/schedule",
        "/v1/journal-entries/..",
        "/v1/users/-",
    ] {
        assert_eq!(house.session("auditor@hq").get(path).status, 404, "{path}");
    }
}

#[test]
fn who_does_not_sign_in_is_told_how() {
    let house = Institution::start();
    for token in ["", "nonsense", "a.b.c", "Bearer", &"x".repeat(5000)] {
        let answer = house.with_token(token).get("/v1/me");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answer.problem(401, "access.unauthenticated");
    }
    let basic = house.with_token("").send("GET", "/v1/me", None, None, &[("authorization", "Basic YTpi")]).unwrap();
    basic.problem(401, "access.unauthenticated");
}

#[test]
fn bodies_that_are_none_are_refused_with_their_place() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    let send = |body: &str| officer.send("POST", QUOTE, None, Some(body), &[]).unwrap();
    let deep = format!("{{\"terms\":{}", "[".repeat(100_000));
    let deep_objects = "{\"a\":".repeat(100_000);
    let whole = quote().to_string();
    let broken = [
        "",
        "{",
        "nonsense",
        "[]",
        "null",
        "\"text\"",
        "1",
        "{}{}",
        &whole[1..],
        &deep,
        &deep_objects,
        "\u{feff}{}",
        "{\"a\":NaN}",
        "{\"currency\":\"\\ud800\"}",
        "{\"currency\":\"KES\\u0000\"}",
        "{'currency':'KES'}",
        "{\"currency\":\"KES\",}",
    ];
    for body in broken {
        let shown: String = body.chars().take(40).collect();
        let answer = send(body);
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text);
        answer.problem(400, "request.malformed");
    }
    let cases = [
        (json!({"surprise": 1}), "/surprise", "field.unknown"),
        (json!({"principal": 12000}), "/principal", "field.invalid"),
        (json!({"instalments": "12"}), "/instalments", "field.invalid"),
        (json!({"instalments": -1}), "/instalments", "field.invalid"),
        (json!({"instalments": 1.5}), "/instalments", "field.invalid"),
        (json!({"instalments": 1e30}), "/instalments", "field.invalid"),
        (json!({"disbursed_on": "2026-02-30"}), "/disbursed_on", "field.invalid"),
        (json!({"terms": {"frequency": {"unit": "month", "x": 1}}}), "/terms/frequency/x", "field.unknown"),
        (json!({"charges": [{"kind": "fee", "hidden": true}]}), "/charges/0/hidden", "field.unknown"),
    ];
    for (change, pointer, code) in cases {
        let mut body = quote();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let problem = officer.ask(QUOTE, &body).problem(400, "request.malformed");
        assert_eq!(
            (problem["errors"][0]["pointer"].as_str(), problem["errors"][0]["code"].as_str()),
            (Some(pointer), Some(code)),
            "{problem}"
        );
    }
    let twice = whole.replacen("{", "{\"currency\":\"KES\",", 1);
    assert_eq!(send(&twice).problem(400, "request.malformed")["errors"][0]["code"], "field.duplicate");
    officer.ask(QUOTE, &quote()).expect(200);
}

#[test]
fn bodies_are_json_of_a_bearable_size() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    let whole = quote().to_string();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data", ""] {
        let answer = officer.send("POST", QUOTE, None, Some(&whole), &[("content-type", kind)]).unwrap();
        answer.problem(415, "request.not_json");
    }
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json;odd"] {
        officer.send("POST", QUOTE, None, Some(&whole), &[("content-type", kind)]).unwrap().expect(200);
    }
    let padded = format!("{whole}{}", " ".repeat(4 * 1024 * 1024 - whole.len()));
    officer.send("POST", QUOTE, None, Some(&padded), &[]).unwrap().expect(200);
    officer.send("POST", QUOTE, None, Some(&format!("{padded} ")), &[]).unwrap().problem(413, "request.too_large");
}

#[test]
fn queries_are_read_as_strictly_as_bodies() {
    let house = Institution::start();
    let auditor = house.session("auditor@hq");
    let queries = [
        "surprise=1",
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=x",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "status=odd",
        "branch_id=1",
        "cursor=%00",
        "cursor=AAAA",
        "cursor=",
        "branch_id=",
    ];
    for query in queries {
        auditor.get(&format!("/v1/loans?{query}")).problem(400, "request.malformed");
    }
    // A text is a text: a NUL cannot be stored, so it cannot be looked for; a wildcard is no wildcard.
    for path in [
        "/v1/loans?number=%00",
        "/v1/clients?name=%00",
        "/v1/clients?number=a%00b",
        "/v1/reports/trial-balance?format=%00",
    ] {
        let answer = auditor.get(path);
        assert!(answer.status == 400 || answer.status == 200, "{path}: {}", answer.text);
    }
    house.client("nrb");
    for name in ["%25", "_awadi", "Zawadi%25", "%5C", "'", "%22", "%F0%9F%90%84"] {
        let found = auditor.get(&format!("/v1/clients?name={name}")).ok(200);
        assert_eq!(found["data"].as_array().unwrap().len(), 0, "{name} finds {found}");
    }
    for query in ["dry_run=yes", "dry_run=1", "dry_run=", "dryrun=true"] {
        let teller = house.session("teller@nrb");
        let path = format!("/v1/loans/{}/repayments?{query}", Uuid::new_v4());
        teller.post(&path, &builders::repayment("1.00")).problem(400, "request.malformed");
    }
    house.must_hold(&[]);
}

#[test]
fn lists_go_on_where_they_stopped() {
    let house = Institution::start();
    let officer = house.session("loan_officer@nrb");
    let made: Vec<Uuid> = (0..7).map(|_| house.client("nrb")).collect();
    let mut seen = Vec::new();
    let mut next = Some(String::new());
    while let Some(cursor) = next {
        let page = officer.get(&format!("/v1/clients?limit=3{cursor}")).ok(200);
        seen.extend(page["data"].as_array().unwrap().iter().map(|client| people::id(&client["id"])));
        next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        if let Some(cursor) = &next {
            // A cursor is bound to its filter.
            officer.get(&format!("/v1/clients?limit=3&status=active{cursor}")).problem(400, "request.malformed");
        }
    }
    assert_eq!(seen, made.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn short_lists_and_histories_come_in_pages_too() {
    let house = Institution::start();
    let loan = house.active_loan("nrb");
    for amount in ["100.00", "20.00", "3.00"] {
        house.repay(loan, amount).expect(201);
    }
    let admin = house.session("admin@hq");
    admin.post("/v1/holidays", &json!({"held_on": "2026-12-12", "name": "Jamhuri Day"})).expect(201);
    admin.post("/v1/holidays", &json!({"held_on": "2026-12-25", "name": "Christmas"})).expect(201);
    let auditor = house.session("auditor@hq");
    house.session("accountant@hq").post("/v1/business-date/close", &json!({"through": "2026-02-28"}));
    eventually("March is open", || {
        (auditor.get("/v1/business-date").ok(200)["business_date"] == "2026-03-01").then_some(())
    });
    let paths =
        ["/v1/branches", "/v1/staff", "/v1/gl-accounts", "/v1/periods", "/v1/holidays", "/v1/roles"].map(str::to_owned);
    let of_loan = [loan.path("transactions"), loan.path("events")];
    let cursor_of = |path: &str| auditor.get(&format!("{path}?limit=1")).ok(200)["next_cursor"].clone();
    for path in paths.iter().chain(&of_loan) {
        let reader = if path == "/v1/roles" { &admin } else { &auditor };
        let all = reader.get(path).ok(200);
        let all = all["data"].as_array().unwrap();
        assert!(all.len() > 1, "{path} has one page");
        let (mut seen, mut next) = (Vec::new(), Some(String::new()));
        while let Some(cursor) = next {
            let page = reader.get(&format!("{path}?limit=1{cursor}")).ok(200);
            let rows = page["data"].as_array().unwrap();
            assert_eq!(rows.len(), 1, "{path}: {page}");
            seen.extend(rows.clone());
            next = page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}"));
        }
        assert_eq!(&seen, all, "{path}");
        for query in ["limit=0", "limit=201", "surprise=1", "cursor=AAAA"] {
            reader.get(&format!("{path}?{query}")).problem(400, "request.malformed");
        }
    }
    // A loan's history comes in pages of 50 where no number is asked for.
    let items: Vec<Value> = (0..60)
        .map(
            |_| json!({"key": key(), "loan_id": loan.id, "amount": "1.00", "paid_on": "2026-03-01", "channel": "cash"}),
        )
        .collect();
    house.session("teller@nrb").ask("/v1/repayments", &json!({"items": items})).expect(200);
    for path in &of_loan {
        let page = auditor.get(path).ok(200);
        assert_eq!((page["data"].as_array().unwrap().len(), page["next_cursor"].is_string()), (50, true), "{path}");
    }
    // A cursor of one loan's list is none of another's.
    let other = house.active_loan("nrb");
    let cursor = cursor_of(&of_loan[0]);
    let cursor = cursor.as_str().unwrap();
    auditor.get(&format!("{}?cursor={cursor}", of_loan[0])).expect(200);
    auditor.get(&format!("{}?cursor={cursor}", of_loan[1])).problem(400, "request.malformed");
    auditor.get(&format!("{}?cursor={cursor}", other.path("transactions"))).problem(400, "request.malformed");
    house.must_hold(&[]);
}

#[test]
fn nothing_that_is_asked_for_in_a_query_is_passed_over() {
    let house = Institution::start();
    let (admin, manager, accountant) =
        (house.session("admin@hq"), house.session("branch_manager@nrb"), house.session("accountant@hq"));
    let loan = house.active_loan("nrb");
    let items = json!({"items": [{"key": "k", "loan_id": loan.id, "amount": "1.00", "channel": "cash"}]});
    let role = json!({"code": "clerk", "name": "Clerk", "permissions": ["loan.read"]});
    let before = house.database.row_counts();
    let commands = [
        (&manager, "/v1/repayments".to_owned(), items),
        (&manager, format!("/v1/approvals/{}/approve", Uuid::nil()), json!({})),
        (&accountant, "/v1/periods/2026-01/close".to_owned(), json!({})),
        (&accountant, "/v1/business-date/close".to_owned(), json!({"through": people::FIRST_DAY})),
        (&admin, "/v1/roles".to_owned(), role),
    ];
    for (session, path, body) in &commands {
        for query in ["dry_run=true", "dry_run=false", "x"] {
            session.post(&format!("{path}?{query}"), body).problem(400, "request.malformed");
        }
    }
    let etag = admin.get("/v1/settings").expect(200).etag();
    let change = json!({"backdating_limit_days": 3});
    admin.patch("/v1/settings?dry_run=true", &etag, &change).problem(400, "request.malformed");
    for path in ["/v1/me".to_owned(), "/v1/business-date".to_owned(), format!("/v1/loans/{}", loan.id)] {
        manager.get(&format!("{path}?surprise=1")).problem(400, "request.malformed");
        manager.get(&path).expect(200);
    }
    assert_eq!(house.database.row_counts(), before);
    // Who may not do it at all hears that first.
    house.session("teller@nrb").post("/v1/roles?dry_run=true", &json!({})).problem(403, "access.forbidden");
}
