//! The OpenAPI 3.1 document, made from the list of operations.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::operation::{Access, Method, Operation, Repeat};
use crate::operations::all;
use crate::problem::ProblemBody;

/// The document as a JSON value, the same on every run.
pub fn document() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    let mut generator = settings.into_generator();
    let problem = generator.subschema_for::<ProblemBody<'static>>();
    let mut paths = Map::new();
    for operation in all() {
        let described = describe(operation, &mut generator, &problem);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[method(operation.method)] = described;
    }
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Ayni",
            "version": "1",
            "description": "The back office of a microfinance institution. Money is a decimal string, dates are business dates, \
                            every command carries an Idempotency-Key. What is refused has a stable code: [the list of error codes](/docs/error-codes).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        }
    })
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Patch => "patch",
    }
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let mut described = json!({
        "operationId": operation.operation_id(),
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": description(operation),
        "parameters": parameters(operation, generator),
        "responses": responses(operation, generator, problem),
    });
    if operation.access != Access::Public {
        described["security"] = json!([{"token": []}]);
    }
    if let Some(body) = operation.body {
        let mut content = json!({"schema": body(generator)});
        if let Some(example) = operation.example {
            content["example"] = serde_json::from_str(example).unwrap_or_default();
        }
        described["requestBody"] = json!({"required": true, "content": {"application/json": content}});
    }
    described
}

fn description(operation: &Operation) -> String {
    match operation.access {
        Access::Public => "Needs no token.".to_owned(),
        Access::SignedIn => "Every signed-in user.".to_owned(),
        Access::Needs(permission) => format!("Needs the permission `{permission}`."),
    }
}

fn parameters(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            let schema = match name {
                "id" | "transaction_id" => json!({"type": "string", "format": "uuid"}),
                "date" => json!({"type": "string", "format": "date"}),
                _ => json!({"type": "string"}),
            };
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    match operation.repeat {
        Repeat::ByKey => parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "New for each new command, the same when a command is sent again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        })),
        Repeat::ByVersion => parameters.push(json!({
            "name": "If-Match", "in": "header", "required": true,
            "description": "The ETag of the record as it was read.", "schema": {"type": "string"}
        })),
        Repeat::Freely | Repeat::ByItemKeys => {}
    }
    if operation.has_dry_run() {
        parameters.push(json!({
            "name": "dry_run", "in": "query", "required": false,
            "description": "true: shows what the command would do, and does nothing. Needs no Idempotency-Key.",
            "schema": {"type": "boolean"}
        }));
    }
    if let Some(query) = operation.query {
        let mut inline = generator.settings().clone();
        inline.inline_subschemas = true;
        let schema = query(&mut inline.into_generator()).to_value();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            parameters.push(
                json!({"name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": property}),
            );
        }
    }
    parameters
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator, problem: &Schema) -> Value {
    let success = match operation.answer {
        Some(answer) => {
            json!({"description": "Success", "content": {"application/json": {"schema": answer(generator)}}})
        }
        None => json!({"description": "Success"}),
    };
    let refused = json!({"description": "A problem: what is wrong and what to do",
        "content": {"application/problem+json": {"schema": problem}}});
    let mut responses = json!({"default": refused});
    responses[operation.status.to_string()] = success;
    responses
}
