//! What a request says beside its body: who is at the other end, the parameters of its path and its query, its headers.

use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::problem::Problem;

/// The id of the request, in its answer, its logs and its audit row.
#[derive(Debug, Clone, Copy)]
pub struct RequestId(pub Uuid);

impl RequestId {
    /// That of a request which passed the layer.
    pub fn of(request: &HttpRequest) -> RequestId {
        request.extensions().get::<RequestId>().copied().unwrap_or(RequestId(Uuid::nil()))
    }
}

impl FromRequest for RequestId {
    type Error = Problem;
    type Future = Ready<Result<RequestId, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(RequestId::of(request)))
    }
}

/// The address of the other side, for the throttle of sign-ins.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Option<SocketAddr>);

impl FromRequest for Peer {
    type Error = Problem;
    type Future = Ready<Result<Peer, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Peer(request.peer_addr())))
    }
}

/// The media types that the caller would take, as sent.
#[derive(Debug, Clone, Default)]
pub struct Accept(pub String);

impl Accept {
    /// Whether a media type is named before JSON or any other.
    pub fn names_first(&self, kind: &str) -> bool {
        let first = self.0.split(',').next().unwrap_or_default();
        first.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
    }
}

impl FromRequest for Accept {
    type Error = Problem;
    type Future = Ready<Result<Accept, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Accept(text_header(request.headers(), header::ACCEPT.as_str()).unwrap_or_default())))
    }
}

/// The ETag that the caller has, as sent.
#[derive(Debug, Clone)]
pub struct IfNoneMatch(pub Option<String>);

impl FromRequest for IfNoneMatch {
    type Error = Problem;
    type Future = Ready<Result<IfNoneMatch, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(IfNoneMatch(text_header(request.headers(), header::IF_NONE_MATCH.as_str()))))
    }
}

/// The text of a header, where it has one.
pub fn text_header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The parameters of the path, in the order of its template.
pub fn path_of(request: &HttpRequest) -> Result<Vec<String>, Problem> {
    let parts = request.match_info().iter().map(|(_, part)| {
        // The router leaves %25, %2B and %2F as they were sent.
        percent_decode_str(part).decode_utf8().map(|part| part.into_owned()).map_err(|_| Problem::not_found())
    });
    parts.collect()
}

/// The first parameter of the path. One that cannot be read names nothing.
pub fn first_part<T: FromStr>(request: &HttpRequest) -> Result<T, Problem> {
    request.match_info().iter().next().and_then(|(_, text)| text.parse().ok()).ok_or_else(Problem::not_found)
}

/// Query parameters, as strict as a body.
#[derive(Debug)]
pub struct Parameters<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Parameters<T> {
    type Error = Problem;
    type Future = Ready<Result<Parameters<T>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parameters(request.query_string()).map(Parameters))
    }
}

fn parameters<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    if query.contains("%00") {
        return Err(Problem::malformed("a query parameter has a NUL character, which no stored text has"));
    }
    serde_urlencoded::from_str(query).map_err(|error| Problem::malformed(format!("the query parameters: {error}")))
}

/// The id in the path. One that is no id names nothing.
#[derive(Debug, Clone, Copy)]
pub struct Id(pub Uuid);

impl FromRequest for Id {
    type Error = Problem;
    type Future = Ready<Result<Id, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(first_part(request).map(Id))
    }
}
