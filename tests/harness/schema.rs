//! Answers against the OpenAPI document: what is promised is there, what is there is promised.

use std::sync::LazyLock;

use api::operation::{Method, Operation};
use api::operations::all;
use serde_json::Value;

use super::record::Sent;

static DOCUMENT: LazyLock<Value> = LazyLock::new(api::openapi::document);

/// Checks a 2xx answer of an operation; what was held for a second person has its own form.
pub fn check(sent: &Sent) {
    let Some(answer) = sent.answer.as_ref().filter(|_| sent.was_acknowledged()) else { return };
    let Some(operation) = operation_of(sent) else { return };
    let is_json = answer.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    if !is_json || answer.header("content-encoding").is_some() {
        return;
    }
    let body = answer.json();
    if answer.status == 202 && (operation.status != 202 || body["approval"].is_object()) {
        assert!(
            body["approval"]["id"].is_string() || !body["through"].is_null(),
            "{operation:?} answers 202 with {body}"
        );
        return;
    }
    // A dry run answers in a form of its own.
    if sent.path.contains("dry_run=true") {
        return;
    }
    assert_eq!(answer.status, operation.status, "{operation:?} is documented with another status");
    let method = format!("{:?}", operation.method).to_lowercase();
    let described = &DOCUMENT["paths"][operation.path][method]["responses"][operation.status.to_string()];
    let schema = &described["content"]["application/json"]["schema"];
    if let Err(wrong) = matches(schema, &body, "") {
        panic!("the answer of {operation:?} is not as documented: {wrong}\n{body}");
    }
}

fn operation_of(sent: &Sent) -> Option<&'static Operation> {
    let path = sent.path.split('?').next()?;
    let method = match sent.method.as_str() {
        "GET" => Method::Get,
        "POST" => Method::Post,
        _ => Method::Patch,
    };
    let fits = |template: &str| {
        let (ours, theirs): (Vec<&str>, Vec<&str>) = (template.split('/').collect(), path.split('/').collect());
        ours.len() == theirs.len()
            && ours.iter().zip(theirs).all(|(ours, theirs)| ours.starts_with('{') || *ours == theirs)
    };
    all().find(|operation| operation.method == method && fits(operation.path))
}

fn matches(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = DOCUMENT.pointer(reference.trim_start_matches('#')).ok_or(format!("{reference} leads nowhere"))?;
        return matches(target, value, at);
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let wrongs: Vec<String> = choices.iter().filter_map(|one| matches(one, value, at).err()).collect();
            return if wrongs.len() < choices.len() { Ok(()) } else { Err(wrongs.join(" and ")) };
        }
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at} is {value}, not one of {words:?}"));
    }
    if let Some(constant) = schema.get("const")
        && constant != value
    {
        return Err(format!("{at} is {value}, not {constant}"));
    }
    has_type(&schema["type"], value, at)?;
    members(schema, value, at)?;
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            matches(items, value, &format!("{at}/{index}"))?;
        }
    }
    Ok(())
}

fn has_type(types: &Value, value: &Value, at: &str) -> Result<(), String> {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = |wanted: &str| wanted == found || (wanted == "number" && found == "integer");
    let fits = match types {
        Value::String(wanted) => fits(wanted),
        Value::Array(wanted) => wanted.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{at} is {found}, not {types}")) }
}

fn members(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let (Some(properties), Some(members)) = (schema["properties"].as_object(), value.as_object()) else {
        return Ok(());
    };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(required) {
            return Err(format!("{at}/{required} is missing"));
        }
    }
    for (name, member) in members {
        match properties.get(name) {
            Some(property) => matches(property, member, &format!("{at}/{name}"))?,
            None if schema["additionalProperties"].is_object() => {
                matches(&schema["additionalProperties"], member, &format!("{at}/{name}"))?;
            }
            None => return Err(format!("{at}/{name} is not documented")),
        }
    }
    Ok(())
}
