//! Errors as a caller sees them: RFC 9457 problem+json with a stable code, the place in the request, and what to do.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use db::caller::Denied;
use db::fault::{Fault, Remedy};
use kernel::refusal::{Kind, Refusal};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Where the list of error codes is served; a code is an anchor in it.
pub const ERROR_CODES: &str = "/docs/error-codes";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    pub code: &'static str,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after: Option<u32>,
}

/// One place in the request that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON pointer into the body, or the name of a parameter.
    pub pointer: String,
    pub code: String,
    pub detail: String,
}

/// The body of a problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: String,
    /// Stable; see the list of error codes.
    code: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    request_id: Uuid,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into(), errors: Vec::new(), retry_after: None }
    }

    pub fn at(mut self, pointer: impl Into<String>, code: impl Into<String>, detail: impl Into<String>) -> Problem {
        self.errors.push(FieldError { pointer: pointer.into(), code: code.into(), detail: detail.into() });
        self
    }

    pub fn retry_after(mut self, seconds: u32) -> Problem {
        self.retry_after = Some(seconds);
        self
    }

    pub fn of_refusal(refusal: &(dyn Refusal + Send + Sync)) -> Problem {
        let status = match refusal.kind() {
            Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Stale => StatusCode::PRECONDITION_FAILED,
            Kind::Absent => StatusCode::NOT_FOUND,
        };
        let mut problem = Problem::new(status, refusal.code(), refusal.to_string());
        problem.retry_after = refusal.retry_after();
        match refusal.pointer() {
            Some(pointer) => problem.at(pointer, refusal.code(), refusal.to_string()),
            None => problem,
        }
    }

    pub fn of_denied(denied: Denied) -> Problem {
        match denied {
            Denied::SignInAgain => {
                Problem::unauthenticated("this user may no longer sign in, or the sessions were ended: sign in again")
            }
            Denied::Lacks(permission) => Problem::new(
                StatusCode::FORBIDDEN,
                "access.forbidden",
                format!("this needs the permission {permission}: ask an administrator for a role that grants it"),
            ),
        }
    }

    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "access.unauthenticated", detail)
    }

    pub fn not_found() -> Problem {
        Problem::new(
            StatusCode::NOT_FOUND,
            "resource.not_found",
            "there is no such record, or it is outside your branches",
        )
    }

    pub fn malformed(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "request.malformed", detail)
    }

    pub fn unavailable() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "service.unavailable",
            "nothing was done: send the same request, with the same key, again",
        )
        .retry_after(1)
    }

    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal.invariant",
            "this is our fault and nothing was stored: tell your administrator the request_id",
        )
    }

    /// The JSON text. `request_id` names this one occurrence.
    pub fn body(&self, request_id: Uuid) -> String {
        let body = ProblemBody {
            kind: format!("{}#{}", ERROR_CODES, self.code),
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            instance: format!("urn:uuid:{request_id}"),
            code: self.code,
            errors: &self.errors,
            request_id,
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    /// Carries the problem to the layer, which knows the request's id and writes the body.
    pub fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status);
        response.extensions_mut().insert(self);
        response
    }

    pub fn into_response_for(self, request_id: Uuid) -> HttpResponse {
        let mut response = HttpResponse::build(self.status).body(self.body(request_id));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.clone().into_response()
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        if fault.remedy() == Remedy::Halve {
            tracing::error!(%fault, "a request could not be answered");
            Problem::internal()
        } else {
            tracing::warn!(%fault, "the database is not available");
            Problem::unavailable()
        }
    }
}
