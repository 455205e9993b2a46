//! Signing in, and what a token is worth.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Duration, Utc};

use crate::harness::*;

fn sign_in(house: &Institution, body: &Value) -> Answer {
    house.with_token("").ask("/v1/auth/token", body)
}

fn password(username: &str) -> Value {
    json!({"username": username, "password": people::PASSWORD})
}

#[test]
fn people_sign_in_refresh_and_are_known() {
    let house = Institution::start();
    house.record.keep_secret(people::PASSWORD);
    let first = sign_in(&house, &password("Teller@NRB")).ok(200);
    assert_eq!(first["token_type"], "Bearer");
    assert!(first["expires_in"].as_i64().unwrap() <= 600);
    let me = house.with_token(first["access_token"].as_str().unwrap()).get("/v1/me").ok(200);
    assert_eq!(me["user_id"], json!(house.people.users["teller@nrb"]));
    assert_eq!(me["branches"].as_array().unwrap().len(), 1);
    let refresh = first["refresh_token"].as_str().unwrap().to_owned();
    house.record.keep_secret(&refresh);
    let second = sign_in(&house, &json!({"grant_type": "refresh_token", "refresh_token": refresh})).ok(200);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    house.with_token(second["access_token"].as_str().unwrap()).get("/v1/me").expect(200);
    // A refresh token is no access token.
    house.with_token(&refresh).get("/v1/me").problem(401, "access.unauthenticated");
    let wrong = json!({"username": "teller@nrb", "password": "not the right password"});
    let refused = sign_in(&house, &wrong);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let known = refused.problem(401, "access.wrong_credentials");
    let unknown = sign_in(&house, &password("nobody-of-that-name")).problem(401, "access.wrong_credentials");
    assert_eq!(known["detail"], unknown["detail"], "the answer tells whether a user exists");
    house.must_hold(&[]);
}

#[test]
fn guessing_is_slowed_down_on_all_servers() {
    let house = Institution::start();
    let second = house.second_server();
    let wrong = json!({"username": "teller@nrb", "password": "not the right password"});
    let nobody = house.with_token("");
    let throttled =
        (0..40).find_map(|_| Some(nobody.ask("/v1/auth/token", &wrong)).filter(|answer| answer.status == 429));
    let throttled = throttled.expect("forty wrong passwords are taken one after the other");
    assert!(
        throttled.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0))
    );
    throttled.problem(429, "access.throttled");
    nobody.at(&second).ask("/v1/auth/token", &wrong).problem(429, "access.throttled");
    house.must_hold(&[&second]);
}

#[test]
fn integrations_sign_in_with_their_secret() {
    let house = Institution::start();
    let admin = house.session("admin@nrb");
    let request = json!({"name": "mobile-money", "roles": ["integrator"], "branch_id": house.branch("nrb")});
    let key = key();
    let made = admin.post_as(&key, "/v1/api-clients", &request).ok(201);
    let secret = made["client_secret"].as_str().unwrap();
    house.record.keep_secret(secret);
    let grant = json!({"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": secret});
    let token = sign_in(&house, &grant).ok(200);
    assert!(token.get("refresh_token").is_none());
    let client = house.with_token(token["access_token"].as_str().unwrap());
    assert_eq!(client.get("/v1/me").ok(200)["roles"], json!(["integrator"]));
    // The secret is told once, and kept nowhere.
    let again = admin.post_as(&key, "/v1/api-clients", &request);
    assert!(again.is_replay());
    assert!(again.ok(201)["client_secret"].is_null());
    let everywhere = house.database.one::<i64>(
        "select count(*) from idempotency_body where strpos(array_to_string(bodies, ' '), $1) > 0",
        &[&secret],
    );
    assert_eq!(everywhere, 0);
    let wrong = json!({"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": "wrong"});
    sign_in(&house, &wrong).problem(401, "access.wrong_credentials");
    house.must_hold(&[]);
}

#[test]
fn changes_count_at_the_next_request() {
    let house = Institution::start();
    let second = house.second_server();
    let admin = house.session("admin@nrb");
    let teller = house.session("teller@nrb");
    let path = format!("/v1/users/{}", teller.user_id);
    let loan = house.active_loan("nrb");
    let elsewhere = house.active_loan("ksm");
    let change = |body: Value| {
        let etag = admin.get(&path).expect(200).etag();
        admin.patch(&path, &etag, &body).expect(200);
    };
    let repay = || teller.at(&second).post(&loan.path("repayments"), &builders::repayment("10.00"));
    let known = key();
    let repeat = || teller.at(&second).post_as(&known, &loan.path("repayments"), &builders::repayment("10.00"));
    let done = repeat().ok(201);
    let looked_up = teller.get(&format!("/v1/operations/{known}")).ok(200);
    assert_eq!(looked_up, json!({"state": "done", "status": 201, "body": done}));
    change(json!({"roles": ["auditor"]}));
    repay().problem(403, "access.forbidden");
    // Not even what was answered before is shown again.
    repeat().problem(403, "access.forbidden");
    let looked_up = teller.get(&format!("/v1/operations/{known}")).ok(200);
    assert_eq!(looked_up, json!({"state": "done", "status": 201}));
    teller.get("/v1/journal-entries").expect(200);
    change(json!({"roles": ["teller", "auditor"]}));
    repay().expect(201);
    change(json!({"roles": []}));
    repay().problem(403, "access.forbidden");
    teller.get("/v1/me").expect(200);
    change(json!({"roles": ["teller"]}));
    // In another branch from now on.
    let head = house.session("admin@hq");
    let etag = head.get(&path).expect(200).etag();
    head.patch(&path, &etag, &json!({"branch_id": house.branch("ksm")})).expect(200);
    repay().problem(404, "resource.not_found");
    repeat().problem(404, "resource.not_found");
    // It was done; of the loan nothing is told any more.
    let looked_up = teller.get(&format!("/v1/operations/{known}")).ok(200);
    assert_eq!(looked_up, json!({"state": "done", "status": 201}));
    teller.post(&elsewhere.path("repayments"), &builders::repayment("10.00")).expect(201);
    let etag = head.get(&path).expect(200).etag();
    head.patch(&path, &etag, &json!({"active": false})).expect(200);
    teller.get("/v1/me").problem(401, "access.unauthenticated");
    teller
        .at(&second)
        .post(&elsewhere.path("repayments"), &builders::repayment("10.00"))
        .problem(401, "access.unauthenticated");
    sign_in(&house, &password("teller@nrb")).problem(401, "access.wrong_credentials");
}

#[test]
fn ended_sessions_are_ended() {
    let house = Institution::start();
    let admin = house.session("admin@nrb");
    let teller = house.session("teller@nrb");
    let path = format!("/v1/users/{}", teller.user_id);
    let signed_in = sign_in(&house, &password("teller@nrb")).ok(200);
    let etag = admin.get(&path).expect(200).etag();
    admin.patch(&path, &etag, &json!({"end_sessions": true})).expect(200);
    teller.get("/v1/me").problem(401, "access.unauthenticated");
    let refresh = json!({"grant_type": "refresh_token", "refresh_token": signed_in["refresh_token"]});
    sign_in(&house, &refresh).problem(401, "access.refresh_refused");
    let anew = sign_in(&house, &password("teller@nrb")).ok(200);
    house.with_token(anew["access_token"].as_str().unwrap()).get("/v1/me").expect(200);
}

#[test]
fn tokens_that_are_none_are_refused() {
    let house = Institution::start();
    let user = house.people.users["branch_manager@hq"];
    let good = house.people.tokens.sign(user, user, Utc::now());
    house.with_token(&good).get("/v1/me").expect(200);
    let parts: Vec<&str> = good.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let with = |header: &Value, claims: &Value, signature: &str| {
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        format!("{}.{}.{signature}", encode(header), encode(claims))
    };
    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        with(&header, &claims, parts[2])
    };
    let head = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        with(&header, &claims, parts[2])
    };
    let (private, _) = access::tokens::new_key().unwrap();
    let kid = header["kid"].as_str().unwrap().parse().unwrap();
    let forger = access::tokens::Tokens::try_new(&[(kid, private)]).unwrap();
    let cases = [
        ("expired", house.people.tokens.sign(user, user, Utc::now() - Duration::minutes(11))),
        ("another key under our name", forger.sign(user, user, Utc::now())),
        ("no algorithm", with(&json!({"alg": "none", "typ": "at+jwt", "kid": kid}), &claims, "")),
        ("HS256", head("alg", json!("HS256"))),
        ("another type", head("typ", json!("JWT"))),
        ("another key", head("kid", json!(Uuid::new_v4()))),
        ("a path as key", head("kid", json!("../../dev/null"))),
        ("another user", changed("sub", json!(house.people.users["admin@hq"]))),
        ("for longer", changed("exp", json!(i64::MAX))),
        ("another audience", changed("aud", json!("elsewhere"))),
        ("without signature", format!("{}.{}.", parts[0], parts[1])),
        ("a part more", format!("{good}.{}", parts[2])),
        ("cut", good[..good.len() - 2].to_owned()),
        ("a user who does not exist", house.people.tokens.sign(Uuid::new_v4(), user, Utc::now())),
    ];
    for (name, token) in cases {
        let answer = house.with_token(&token).get("/v1/me");
        assert_eq!(answer.status, 401, "{name}: {}", answer.text);
        answer.problem(401, "access.unauthenticated");
    }
}

#[test]
fn refusals_come_in_their_order() {
    let house = Institution::start();
    let (teller, auditor) = (house.session("teller@nrb"), house.session("auditor@nrb"));
    let nobody = house.with_token("");
    let path = format!("/v1/loans/{}/repayments", Uuid::new_v4());
    let (good, bad) = (builders::repayment("1.00"), json!({"amount": 1}));
    nobody.ask(&path, &bad).problem(401, "access.unauthenticated");
    auditor.ask(&path, &bad).problem(403, "access.forbidden");
    auditor.ask(&path, &good).problem(403, "access.forbidden");
    teller.ask(&path, &bad).problem(400, "request.malformed");
    teller.ask(&path, &good).problem(400, "idempotency.key_missing");
    teller.post(&path, &good).problem(404, "resource.not_found");
    // Parts of a path and a query that cannot be read come after the permission too, and after the token.
    for path in ["/v1/users/17", "/v1/users?limit=x", "/v1/users?no_such=1", "/v1/roles?cursor=x", "/v1/users/17?x=1"] {
        nobody.get(path).problem(401, "access.unauthenticated");
        teller.get(path).problem(403, "access.forbidden");
    }
    // The same for a change.
    let change = json!({"backdating_limit_days": 3});
    auditor.send("PATCH", "/v1/settings", None, Some("{}}"), &[]).unwrap().problem(403, "access.forbidden");
    auditor
        .send("PATCH", "/v1/settings", None, Some(&change.to_string()), &[])
        .unwrap()
        .problem(403, "access.forbidden");
    let admin = house.session("admin@nrb");
    admin.send("PATCH", "/v1/settings", None, Some("{}}"), &[]).unwrap().problem(400, "request.malformed");
    admin.send("PATCH", "/v1/settings", None, Some(&change.to_string()), &[]).unwrap().problem(428, "version.required");
    for stale in ["\"99\"", "\"0\"", "W/\"1\"x", "*", "\"\"", "\"-1\""] {
        admin.patch("/v1/settings", stale, &change).problem(412, "version.stale");
    }
    let user = format!("/v1/users/{}", Uuid::new_v4());
    auditor.send("PATCH", &user, None, Some("{\"active\":false}"), &[]).unwrap().problem(403, "access.forbidden");
    admin.patch(&user, "\"1\"", &json!({"active": false})).problem(404, "resource.not_found");
    house.must_hold(&[]);
}
