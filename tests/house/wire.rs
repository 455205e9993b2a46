//! What a well-behaved HTTP client never does.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::harness::*;

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// All that the server says until it closes.
fn answer(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn head(house: &Institution, path: &str, length: &str) -> String {
    let token = house.session("teller@nrb").token;
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         idempotency-key: {}\r\ncontent-length: {length}\r\n\r\n",
        key()
    )
}

#[test]
fn slow_callers_are_not_waited_for() {
    let house = Institution::start();
    let began = Instant::now();
    let slow_body = {
        let mut stream = connect(&house.server);
        stream.write_all(head(&house, "/v1/repayments", "100").as_bytes()).unwrap();
        stream.write_all(b"{\"items\"").unwrap();
        stream
    };
    let mut slow_head = connect(&house.server);
    slow_head.write_all(b"GET /v1/me HTTP/1.1\r\nhost: ").unwrap();
    let silent = connect(&house.server);
    let said = answer(slow_body);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(said.contains("request.too_slow") && said.contains("application/problem+json"), "{said}");
    assert!(!answer(slow_head).contains("200 OK"));
    // Who never says anything hears that, and is not waited for either.
    let said = answer(silent);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    house.must_hold(&[]);
}

#[test]
fn a_body_of_a_gigabyte_is_not_read() {
    let house = Institution::start();
    let mut stream = connect(&house.server);
    stream.write_all(head(&house, "/v1/repayments", "1000000000").as_bytes()).unwrap();
    let part = vec![b' '; 64 * 1024];
    let began = Instant::now();
    // The refusal comes at the limit. What comes behind it is thrown away for a second, so that the caller can read the refusal.
    while stream.write_all(&part).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "the caller was listened to for ever");
    }
    house.with_token("").get("/healthz").expect(200);
    house.must_hold(&[]);
}

#[test]
fn what_is_no_http_harms_nobody() {
    let house = Institution::start();
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(10_000));
    let both =
        "POST /v1/loan-quotes HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    for bytes in
        ["\r\n\r\n\r\n", "GARBAGE\r\n\r\n", "\x16\x03\x01\x02\x00", "GET / HTTP/9.9\r\n\r\n", &long, &many, both]
    {
        let mut stream = connect(&house.server);
        let _ = stream.write_all(bytes.as_bytes());
        let _ = stream.shutdown(Shutdown::Write);
        let said = answer(stream);
        assert!(!said.starts_with("HTTP/1.1 5"), "{said}");
        assert!(!said.starts_with("HTTP/1.1 2"), "{said}");
    }
    house.with_token("").get("/healthz").expect(200);
}

#[test]
fn answers_are_compressed_for_who_asks() {
    let house = Institution::start();
    let auditor = house.session("auditor@hq");
    let plain = auditor.get("/openapi.json").expect(200);
    assert_eq!(plain.header("content-encoding"), None);
    let packed = auditor.send("GET", "/openapi.json", None, None, &[("accept-encoding", "gzip")]).unwrap().expect(200);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("vary").is_some_and(|vary| vary.to_lowercase().contains("accept-encoding")));
    assert!(packed.text.len() * 2 < plain.text.len());
}

/// One answer: its head and, as its length says, its body.
fn one_answer(stream: &mut TcpStream) -> Option<String> {
    let mut said = Vec::new();
    let mut byte = [0; 1];
    while !said.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        said.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&said).to_lowercase();
    let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(head)
}

#[test]
fn a_refusal_before_the_body_says_what_becomes_of_the_connection() {
    let house = Institution::start();
    let body = builders::repayment("1.00").to_string();
    let head = format!(
        "POST /v1/repayments HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // The answer meets the body at all stages of its way: an access token has just expired.
    for delay in (0..200).map(|step| Duration::from_micros(step * 20)) {
        let mut stream = connect(&house.server);
        stream.set_nodelay(true).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        std::thread::sleep(delay);
        let _ = stream.write_all(body.as_bytes());
        let said = one_answer(&mut stream).expect("an answer");
        assert!(said.starts_with("http/1.1 401"), "{said}");
        if !said.contains("connection: close") {
            let sent = stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
            let next = sent.ok().and_then(|()| one_answer(&mut stream)).unwrap_or_default();
            assert!(next.contains("200 ok"), "after {delay:?} the connection was closed without a word: {next:?}");
        }
    }
}

/// Who may not ask, with and without a token, asks again on the same connection.
#[test]
fn two_hundred_refusals_leave_one_connection_open() {
    let house = Institution::start();
    let body = builders::repayment("1.00").to_string();
    let token = house.session("auditor@hq").token;
    let mut stream = connect(&house.server);
    stream.set_nodelay(true).unwrap();
    for turn in 0..200 {
        let (authorization, status) = match turn % 2 {
            0 => (String::new(), 401),
            _ => (format!("authorization: Bearer {token}\r\n"), 403),
        };
        let head = format!(
            "POST /v1/repayments HTTP/1.1\r\nhost: x\r\n{authorization}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Head and body come apart, as over a network.
        std::thread::sleep(Duration::from_micros(turn * 10));
        stream.write_all(body.as_bytes()).unwrap();
        let said = one_answer(&mut stream).unwrap_or_default();
        assert!(said.starts_with(&format!("http/1.1 {status}")), "turn {turn}: {said:?}");
    }
}
