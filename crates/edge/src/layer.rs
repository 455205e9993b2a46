//! The one layer that every request passes.
//!
//! It gives the request its id, reads its body, and turns what the handler says (an answer, a problem, a panic) into what the caller
//! gets, with a log line and measures.

use std::any::Any;
use std::cell::Cell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use futures::FutureExt;
use uuid::Uuid;

use crate::body;
use crate::problem::Problem;
use crate::request::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The template of a path, beside its routes: what logs and measures name.
#[derive(Debug, Clone, Copy)]
pub struct Template(pub &'static str);

/// The template of the path that a request was routed to: noted on the way in, since a handler that panics leaves no request.
#[derive(Debug, Clone)]
struct Routed(Rc<Cell<&'static str>>);

/// Notes where a request was routed to.
pub fn note_route(request: &HttpRequest) {
    let routed = request.extensions().get::<Routed>().cloned();
    if let (Some(routed), Some(template)) = (routed, request.app_data::<Template>()) {
        routed.0.set(template.0);
    }
}

/// Logged are the route and the outcome, never a path value, a query or a body: those may be personal.
///
/// # Errors
/// Where nothing is left of the request (its handler panicked), the answer is in the error.
pub async fn observe(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let request_id = Uuid::now_v7();
    let method = request.method().clone();
    let routed = Routed(Rc::new(Cell::new("unknown")));
    request.extensions_mut().insert(RequestId(request_id));
    request.extensions_mut().insert(routed.clone());
    body::receive(&mut request).await;
    // The request is not cloned before it is routed: its router needs it alone.
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(answered)) => {
            let route = answered.request().app_data::<Template>().map_or("unknown", |template| template.0);
            let (request, response) = answered.map_into_boxed_body().into_parts();
            let response = finished(response, request_id);
            record(&method, route, response.status(), began.elapsed(), request_id);
            Ok(ServiceResponse::new(request, response))
        }
        Ok(Err(error)) => Err(in_error(error.error_response(), (&method, routed.0.get()), began, request_id)),
        Err(panic) => {
            tracing::error!(%request_id, panic = panic_text(panic.as_ref()), "a handler panicked");
            Err(in_error(Problem::internal().into_response(), (&method, routed.0.get()), began, request_id))
        }
    }
}

fn in_error(
    response: HttpResponse,
    (method, route): (&Method, &'static str),
    began: Instant,
    request_id: Uuid,
) -> Error {
    let response = finished(response, request_id);
    record(method, route, response.status(), began.elapsed(), request_id);
    InternalError::from_response("no answer of a handler", response).into()
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("without words")
}

/// The answer with the body of its problem and the headers that every answer has.
fn finished(mut response: HttpResponse, request_id: Uuid) -> HttpResponse {
    let mut problem = response.extensions_mut().remove::<Problem>();
    // What is to be compressed by none of our means is refused without a problem of ours.
    if response.status() == StatusCode::NOT_ACCEPTABLE {
        problem = Some(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "request.not_acceptable",
            "answers come as they are or by gzip",
        ));
    }
    if let Some(problem) = problem {
        response = keep_headers(&response, problem.into_response_for(request_id));
    }
    if let Ok(value) = HeaderValue::from_str(&request_id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    // Answers are not kept by anybody on the way; files that say so may be.
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A refusal of a method says in a header which ones are allowed.
fn keep_headers(from: &HttpResponse, mut to: HttpResponse) -> HttpResponse {
    if let Some(allow) = from.headers().get(header::ALLOW) {
        to.headers_mut().insert(header::ALLOW, allow.clone());
    }
    to
}

const STANDARD_METHODS: [Method; 7] =
    [Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS];

fn record(method: &Method, route: &'static str, status: StatusCode, took: Duration, request_id: Uuid) {
    // A caller may invent methods; a measure has a closed list of them.
    let known = if STANDARD_METHODS.contains(method) { method.as_str() } else { "other" };
    let labels = [("method", known.to_owned()), ("route", route.to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!("ayni_http_requests", &labels).increment(1);
    metrics::histogram!("ayni_http_seconds", "route" => route).record(took);
    tracing::info!(
        %request_id, %method, route, status = status.as_u16(), microseconds = took.as_micros() as u64, "request"
    );
}
