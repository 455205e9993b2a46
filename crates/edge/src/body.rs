//! Bodies, read strictly: unknown fields, wrong types and broken JSON are refused with the place where they stand.
//!
//! The layer reads every body before anybody answers, within a limit and a time: an answer that came before its request was read
//! would end the connection, and the caller's next request on it would fail. A body beyond the limit or the time does end it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use actix_web::dev::ServiceRequest;
use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpMessage, HttpRequest};
use futures::StreamExt;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::problem::Problem;

/// The largest body: 1,000 commands of 4 kB each.
pub const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// How long a caller may take to send the whole body.
pub const BODY_TIME: Duration = Duration::from_secs(20);

/// What a body may have without a place among the large ones.
const SMALL: usize = 64 * 1024;

/// Large bodies that are in memory at a time: many callers who send as much as they may find room one after the other.
static LARGE: Semaphore = Semaphore::const_new(64);

/// What came of a request's body, and its place among the large ones.
struct Received {
    body: Result<Bytes, Problem>,
    _room: Option<SemaphorePermit<'static>>,
}

/// Reads the body, and keeps it with the request for its handler.
pub async fn receive(request: &mut ServiceRequest) {
    let headers = request.headers();
    if !headers.contains_key(header::CONTENT_LENGTH) && !headers.contains_key(header::TRANSFER_ENCODING) {
        return;
    }
    // Who shows no token at all is refused, or signs in: neither needs a large body.
    let limit = if headers.contains_key(header::AUTHORIZATION) { BODY_LIMIT } else { SMALL };
    let mut room = None;
    let collected = tokio::time::timeout(BODY_TIME, collect(request, limit, &mut room)).await;
    let body = collected.unwrap_or_else(|_| {
        let detail = format!("the body did not arrive within {} seconds", BODY_TIME.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request.too_slow", detail))
    });
    request.extensions_mut().insert(Received { body, _room: room });
}

async fn collect(
    request: &mut ServiceRequest,
    limit: usize,
    room: &mut Option<SemaphorePermit<'static>>,
) -> Result<Bytes, Problem> {
    let mut payload = request.take_payload();
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("the body broke off"))?;
        if body.len() + chunk.len() > limit {
            let detail = format!("a body may have {limit} bytes: split the request");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "request.too_large", detail));
        }
        if body.len() + chunk.len() > SMALL && room.is_none() {
            // It is never closed.
            *room = LARGE.acquire().await.ok();
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// A JSON body that nobody has read yet.
#[derive(Debug)]
pub struct RawBody {
    pub text: String,
    /// The parsed body as sent, written back with sorted names: absent stays absent.
    pub canonical: String,
}

impl RawBody {
    /// The body of a request that passed the layer.
    pub fn of_request(request: &HttpRequest) -> Result<RawBody, Problem> {
        let json = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split(';').next())
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
        let received = request.extensions_mut().remove::<Received>();
        let bytes = received.map_or_else(|| Ok(Bytes::new()), |received| received.body)?;
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
