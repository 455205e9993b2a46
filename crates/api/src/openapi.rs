//! The OpenAPI 3.1 document, made from the list of operations.

use edge::problem::ProblemBody;
use edge::wire::text;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use db::keys::short_digest;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::path::{
    HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, PathItemBuilder, PathsBuilder,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, Schema, Server,
};

use crate::operation::{Access, Method, Operation, Repeat, Schemas, schema};
use crate::operations::all;

const ABOUT: &str = "The back office of a microfinance institution. Money is a decimal string, dates are business dates, \
                     every command carries an Idempotency-Key. What is refused has a stable code: [the list of error codes](/docs/error-codes).";

/// The ETag of the document and its text, made once.
pub fn served() -> &'static (String, String) {
    static SERVED: LazyLock<(String, String)> = LazyLock::new(|| {
        let text = document().to_string();
        let digest: String = short_digest("openapi", &text).iter().map(|byte| format!("{byte:02x}")).collect();
        (format!("\"{digest}\""), text)
    });
    &SERVED
}

/// The document as a JSON value, the same on every run.
pub fn document() -> Value {
    // Written by way of a value, whose names are sorted.
    serde_json::to_value(typed()).unwrap_or_default()
}

fn typed() -> OpenApi {
    let mut schemas = Schemas::new();
    schema::<ProblemBody<'static>>(&mut schemas);
    let mut paths: BTreeMap<&str, PathItemBuilder> = BTreeMap::new();
    for operation in all() {
        let described = describe(operation, &mut schemas);
        let path = paths.remove(operation.path).unwrap_or_default();
        paths.insert(operation.path, path.operation(method(operation.method), described.build()));
    }
    let paths = paths.into_iter().fold(PathsBuilder::new(), |paths, (path, item)| paths.path(path, item.build()));
    let token = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    let components = ComponentsBuilder::new().schemas_from_iter(schemas);
    let components = components.security_scheme("token", SecurityScheme::Http(token));
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0"));
    let info = InfoBuilder::new().title("Ayni").version("1").description(Some(ABOUT)).license(Some(license.build()));
    OpenApiBuilder::new()
        .info(info.build())
        .servers(Some([Server::new("/")]))
        .paths(paths.build())
        .components(Some(components.build()))
        .build()
}

fn method(method: Method) -> HttpMethod {
    match method {
        Method::Get => HttpMethod::Get,
        Method::Post => HttpMethod::Post,
        Method::Patch => HttpMethod::Patch,
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> OperationBuilder {
    let mut described = OperationBuilder::new()
        .operation_id(Some(operation.operation_id()))
        .tag(operation.tag)
        .summary(Some(operation.summary))
        .description(Some(description(operation)))
        .response("default", problem())
        .response(operation.status.to_string(), success(operation, schemas));
    let query = operation.query.map(|query| query()).unwrap_or_default();
    let given = parameters(operation).into_iter().map(ParameterBuilder::build).chain(query);
    described = described.parameters(Some(given));
    if operation.access != Access::Public {
        described = described.security(SecurityRequirement::new("token", Vec::<String>::new()));
    }
    match operation.body {
        Some(body) => {
            let example = operation.example.and_then(|example| serde_json::from_str(example).ok());
            let content = ContentBuilder::new().schema(Some(body(schemas))).example(example).build();
            let body = RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content);
            described.request_body(Some(body.build()))
        }
        None => described,
    }
}

fn description(operation: &Operation) -> String {
    match operation.access {
        Access::Public => "Needs no token.".to_owned(),
        Access::SignedIn => "Every signed-in user.".to_owned(),
        Access::Needs(permission) => format!("Needs the permission `{permission}`."),
    }
}

/// Those of the path and the headers, and the dry run.
fn parameters(operation: &Operation) -> Vec<ParameterBuilder> {
    let known = |format| text().format(Some(SchemaFormat::KnownFormat(format)));
    let mut parameters: Vec<ParameterBuilder> = operation
        .path_names()
        .map(|name| {
            let schema = match name {
                "id" | "transaction_id" => known(KnownFormat::Uuid),
                "date" => known(KnownFormat::Date),
                _ => text(),
            };
            parameter(name, ParameterIn::Path, Required::True, schema)
        })
        .collect();
    match operation.repeat {
        Repeat::ByKey => {
            let key = text().min_length(Some(1)).max_length(Some(255)).pattern(Some("^[!-~]+$"));
            let about = "New for each new command, the same when a command is sent again.";
            let key = parameter("Idempotency-Key", ParameterIn::Header, Required::True, key);
            parameters.push(key.description(Some(about)));
        }
        Repeat::ByVersion => {
            let version = parameter("If-Match", ParameterIn::Header, Required::True, text());
            parameters.push(version.description(Some("The ETag of the record as it was read.")));
        }
        Repeat::Freely | Repeat::ByItemKeys => {}
    }
    if operation.has_dry_run() {
        let about = "true: shows what the command would do, and does nothing. Needs no Idempotency-Key.";
        let wanted = Object::builder().schema_type(Type::Boolean);
        let wanted = parameter("dry_run", ParameterIn::Query, Required::False, wanted);
        parameters.push(wanted.description(Some(about)));
    }
    parameters
}

fn parameter(name: &str, within: ParameterIn, required: Required, schema: ObjectBuilder) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(within).required(required).schema(Some(schema))
}

fn success(operation: &Operation, schemas: &mut Schemas) -> Response {
    let success = ResponseBuilder::new().description("Success");
    match operation.answer {
        Some(answer) => answers(success, "application/json", answer(schemas)),
        None => success.build(),
    }
}

fn problem() -> Response {
    let problem = ResponseBuilder::new().description("A problem: what is wrong and what to do");
    let schema = Ref::from_schema_name(ProblemBody::name()).into();
    answers(problem, "application/problem+json", schema)
}

fn answers(response: ResponseBuilder, kind: &str, schema: RefOr<Schema>) -> Response {
    response.content(kind, ContentBuilder::new().schema(Some(schema)).build()).build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_schema_is_referred_to() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let named: BTreeSet<String> = schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
        assert_eq!(found, named);
    }

    #[test]
    fn no_two_types_share_a_name() {
        let mut schemas = Schemas::new();
        for operation in all() {
            operation.body.map(|body| body(&mut schemas));
            operation.answer.map(|answer| answer(&mut schemas));
        }
        let mut known = BTreeMap::new();
        for (name, schema) in schemas {
            let schema = serde_json::to_value(&schema).unwrap();
            let before = known.insert(name.clone(), schema.clone());
            assert!(before.is_none_or(|before| before == schema), "two types are called {name}");
        }
    }
}
