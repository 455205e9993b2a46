//! The OpenAPI file: complete, committed, and true.

use std::path::PathBuf;

use api::operation::{Access, Method, Operation, Repeat};
use api::operations::all;

use crate::harness::*;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares a generated file with the committed one, or writes it where AYNI_REGENERATE is set.
#[track_caller]
pub fn committed(path: &str, generated: &str) {
    let file = repository().join(path);
    if std::env::var_os("AYNI_REGENERATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, generated).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    let line = found.lines().zip(generated.lines()).position(|(found, generated)| found != generated);
    assert!(
        found == generated,
        "{path} is not what the code says (first at line {}): regenerate it with\n    AYNI_REGENERATE=1 cargo test -p server --test end_to_end committed",
        line.map_or_else(|| found.lines().count().min(generated.lines().count()) + 1, |line| line + 1)
    );
}

#[test]
fn the_committed_file_is_what_the_binary_prints_and_serves() {
    let printed = server::ayni(&["openapi"]).output().unwrap();
    assert!(printed.status.success());
    let printed = String::from_utf8(printed.stdout).unwrap();
    committed("openapi/openapi.json", &printed);
    let house = Institution::start();
    let served = house.with_token("").get("/openapi.json").ok(200);
    assert_eq!(served, serde_json::from_str::<Value>(&printed).unwrap());
    let first = house.with_token("").get("/openapi.json").expect(200);
    let seen = first.header("etag").unwrap().to_owned();
    let again = house.with_token("").send("GET", "/openapi.json", None, None, &[("if-none-match", &seen)]).unwrap();
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[test]
fn every_operation_is_described() {
    let document = api::openapi::document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for operation in all() {
        let described = &document["paths"][operation.path][method(operation).to_lowercase()];
        let name = format!("{operation:?}");
        assert_eq!(described["operationId"], operation.operation_id(), "{name}");
        ids.push(operation.id);
        for member in ["summary", "description"] {
            assert!(described[member].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {member}");
        }
        assert!(!operation.tag.is_empty(), "{name} has no tag");
        let success = &described["responses"][operation.status.to_string()];
        assert!((200..300).contains(&operation.status) && success["content"].is_object(), "{name} answers nothing");
        assert!(described["responses"]["default"]["content"]["application/problem+json"].is_object(), "{name}");
        assert_eq!(described["security"].is_array(), operation.access != Access::Public, "{name}");
        if operation.method != Method::Get {
            let body = &described["requestBody"]["content"]["application/json"];
            assert!(body["schema"].is_object() && body["example"].is_object(), "{name} has no example");
        }
        let headers: Vec<&str> =
            described["parameters"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(headers.contains(&"Idempotency-Key"), operation.repeat == Repeat::ByKey, "{name}");
        assert_eq!(headers.contains(&"If-Match"), operation.repeat == Repeat::ByVersion, "{name}");
    }
    let distinct = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), distinct, "an operationId stands twice");
    references_lead_somewhere(&document, &document);
}

fn references_lead_somewhere(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                let target = document.pointer(reference.trim_start_matches('#'));
                assert!(target.is_some(), "{reference} leads nowhere");
            }
            members.values().for_each(|member| references_lead_somewhere(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| references_lead_somewhere(document, item)),
        _ => {}
    }
}

fn method(operation: &Operation) -> &'static str {
    match operation.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Patch => "PATCH",
    }
}

/// Who of the head office may call an operation.
fn who_may(house: &Institution, operation: &Operation) -> Session {
    let Access::Needs(permission) = operation.access else { return house.session("auditor@hq") };
    let role = access::permission::standard_roles().into_iter().find(|(.., granted)| granted.contains(&permission));
    house.session(&format!("{}@hq", role.expect("a role that grants it").0))
}

#[test]
fn every_example_is_taken_by_its_operation() {
    let house = Institution::start();
    for operation in all().filter(|operation| operation.example.is_some()) {
        let path = filled(operation.path);
        let headers: &[(&str, &str)] =
            if operation.repeat == Repeat::ByVersion { &[("if-match", "\"1\"")] } else { &[] };
        let key = key();
        let key = (operation.repeat == Repeat::ByKey).then_some(key.as_str());
        let session = who_may(&house, operation);
        let answer = session.send(method(operation), &path, key, operation.example, headers).unwrap();
        // Its references are of another institution, so it may be refused; but it was read and understood.
        let understood = matches!(answer.status, 200..=299 | 404 | 409 | 412 | 422);
        // The example's user does not exist.
        let signed_out = operation.access == Access::Public && answer.text.contains("access.wrong_credentials");
        assert!(understood || signed_out, "{operation:?} does not take its example: {} {}", answer.status, answer.text);
        if answer.status == 422 {
            assert!(
                answer.text.contains("reference.not_found") || answer.text.contains("in_the_future"),
                "{operation:?}: {}",
                answer.text
            );
        }
    }
}

#[test]
fn every_get_answers() {
    let house = Institution::start();
    for operation in all().filter(|operation| operation.method == Method::Get) {
        let answer = who_may(&house, operation).get(&filled(operation.path));
        let expected: &[u16] =
            if operation.path.contains("{id}") || operation.path.contains("{date}") { &[404] } else { &[200] };
        assert!(expected.contains(&answer.status), "{operation:?}: {} {}", answer.status, answer.text);
    }
}

/// A path with records that do not exist.
pub fn filled(path: &str) -> String {
    path.replace("{id}", &Uuid::new_v4().to_string())
        .replace("{transaction_id}", &Uuid::new_v4().to_string())
        .replace("{key}", "no-such-key")
        .replace("{period}", "2026-01")
        .replace("{date}", "2026-01-01")
}
