//! Answers as handlers give them.

use actix_web::body::BoxBody;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;

pub use actix_web::http::{StatusCode, header};

use crate::problem::Problem;

/// A whole answer: status, headers and body.
pub type Response = HttpResponse;

/// A view, as the JSON body of a 200.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> Json<T> {
    pub fn into_response(self) -> Response {
        self.with_status(StatusCode::OK)
    }

    pub fn with_status(self, status: StatusCode) -> Response {
        match serde_json::to_string(&self.0) {
            Ok(text) => written(status, "application/json", text),
            Err(error) => {
                tracing::error!(%error, "a view cannot be written");
                Problem::internal().into_response()
            }
        }
    }
}

impl<T: Serialize> Responder for Json<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> Response {
        self.into_response()
    }
}

/// A body that is written already, of its kind.
pub fn written(status: StatusCode, kind: &'static str, text: impl Into<String>) -> Response {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(kind)));
    response.body(text.into())
}

/// A resource with its version as ETag.
pub fn versioned<T: Serialize>(version: i64, view: T) -> Response {
    with(Json(view).into_response(), header::ETAG, &format!("\"{version}\""))
}

/// The answer with one more header. A value that no header can have is left out.
pub fn with(mut response: Response, name: header::HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
