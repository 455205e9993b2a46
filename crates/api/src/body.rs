//! Bodies and queries, read strictly: unknown fields, wrong types and broken JSON are refused with the place where they stand.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::problem::Problem;

/// The largest body: 1,000 commands of 4 kB each.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// How long a caller may take to send the whole body.
pub const BODY_TIME: Duration = Duration::from_secs(20);

/// A JSON body, with the text that its fingerprint is made from.
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    /// The parsed body as sent, written back with sorted names: absent stays absent.
    pub canonical: String,
}

impl<T: DeserializeOwned> Body<T> {
    pub async fn receive(headers: &HeaderMap, body: axum::body::Body) -> Result<Body<T>, Problem> {
        let body = RawBody::receive(headers, body).await?;
        Ok(Body { value: read(body.text.as_bytes())?, canonical: body.canonical })
    }
}

/// A JSON body that nobody has read yet.
#[derive(Debug)]
pub struct RawBody {
    pub text: String,
    /// The parsed body as sent, written back with sorted names: absent stays absent.
    pub canonical: String,
}

impl RawBody {
    pub async fn receive(headers: &HeaderMap, body: axum::body::Body) -> Result<RawBody, Problem> {
        let json = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let bytes = collect(body).await?;
        if !json && !bytes.is_empty() {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "request.not_json",
                "send a JSON body with the header Content-Type: application/json",
            ));
        }
        // A command without fields may come without a body.
        let bytes = if bytes.is_empty() { Bytes::from_static(b"{}") } else { bytes };
        RawBody::of(&bytes)
    }

    fn of(bytes: &[u8]) -> Result<RawBody, Problem> {
        let sent: serde_json::Value = serde_json::from_slice(bytes)
            .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
        if contains_nul(&sent) {
            return Err(Problem::malformed("a text of the body has a NUL character, which cannot be stored"));
        }
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
        Ok(RawBody { text, canonical: sent.to_string() })
    }
}

async fn collect(body: axum::body::Body) -> Result<Bytes, Problem> {
    let body = Limited::new(body, BODY_LIMIT);
    match tokio::time::timeout(BODY_TIME, body.collect()).await {
        Err(_) => Err(Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request.too_slow",
            format!("the body did not arrive within {} seconds", BODY_TIME.as_secs()),
        )),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request.too_large",
            format!("a body may have {BODY_LIMIT} bytes: split the request"),
        )),
        Ok(Err(_)) => Err(Problem::malformed("the body broke off")),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
    }
}

/// Reads a body strictly. From its bytes: a name that stands twice is seen.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // Fields are given by their names: an array would be taken for an object, field by field in the order of the declaration.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::malformed("the body is not a JSON object").at("", "field.invalid", "not a JSON object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer_of(error.path());
        let cause = error.into_inner().to_string();
        let detail = without_position(&cause);
        let code = field_code(&detail);
        Problem::malformed(format!("{}: {detail}", if pointer.is_empty() { "the body" } else { &pointer })).at(
            pointer.clone(),
            code,
            detail,
        )
    })
}

/// The members of an object as they were sent, each once.
#[derive(Debug)]
pub struct Members(pub BTreeMap<String, Box<RawValue>>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
                    }
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

impl Members {
    /// The object again.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(|value| serde_json::from_str(value.get()).ok())
    }
}

fn contains_nul(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains('\0'),
        serde_json::Value::Array(items) => items.iter().any(contains_nul),
        serde_json::Value::Object(fields) => {
            fields.iter().any(|(name, value)| name.contains('\0') || contains_nul(value))
        }
        _ => false,
    }
}

fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

/// The place is in the pointer; line and column would only repeat it.
fn without_position(detail: &str) -> String {
    detail.split(" at line ").next().unwrap_or(detail).to_owned()
}

fn field_code(detail: &str) -> &'static str {
    if detail.starts_with("unknown field") {
        "field.unknown"
    } else if detail.starts_with("missing field") {
        "field.required"
    } else if detail.starts_with("duplicate field") {
        "field.duplicate"
    } else {
        "field.invalid"
    }
}

/// Query parameters, as strict as a body.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("%00") {
            return Err(Problem::malformed("a query parameter has a NUL character, which no stored text has"));
        }
        serde_urlencoded::from_str(query)
            .map(Parameters)
            .map_err(|error| Problem::malformed(format!("the query parameters: {error}")))
    }
}

/// The id in the path. One that is no id names nothing.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub uuid::Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let first = path.ok().and_then(|path| path.0.into_iter().next());
        let id = first.and_then(|(_, text)| text.parse().ok()).ok_or_else(Problem::not_found)?;
        Ok(Id(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Sample {
        amount: crate::wire::AmountText,
        lines: Option<Vec<Sample>>,
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            (r#"{"amount":"1","amuont":"2"}"#, "/amuont", "field.unknown"),
            (r#"{}"#, "", "field.required"),
            (r#"{"amount":5}"#, "/amount", "field.invalid"),
            (r#"{"amount":"1,000.00"}"#, "/amount", "field.invalid"),
            (r#"{"amount":"1","lines":[{"amount":"1"},{"amount":"x"}]}"#, "/lines/1/amount", "field.invalid"),
            (r#"{"amount":"1","amount":"2"}"#, "", "field.duplicate"),
        ];
        for (text, pointer, code) in cases {
            let problem = read::<Sample>(text.as_bytes()).unwrap_err();
            assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{text}");
            assert_eq!(
                (problem.errors[0].pointer.as_str(), problem.errors[0].code.as_str()),
                (pointer, code),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["{", "", "nonsense", "{\"amount\":\"\\ud800\"}", "{\"amount\":\"\\u0000\"}", &deep] {
            assert!(RawBody::of(text.as_bytes()).and_then(|body| read::<Sample>(body.text.as_bytes())).is_err());
        }
    }

    #[test]
    fn order_and_spaces_make_no_other_request() {
        let one = RawBody::of(br#"{"a": 1, "b": 2}"#).unwrap();
        let other = RawBody::of(br#"{"b":2,"a":1}"#).unwrap();
        assert_eq!(one.canonical, other.canonical);
    }
}
