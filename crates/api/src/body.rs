//! Bodies as handlers take them.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use edge::body::{RawBody, read};
use edge::problem::Problem;
use serde::de::DeserializeOwned;

/// A JSON body, with the text that its fingerprint is made from.
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    /// The parsed body as sent, written back with sorted names: absent stays absent.
    pub canonical: String,
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Ready<Result<Body<T>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let body = RawBody::of_request(request);
        ready(body.and_then(|body| Ok(Body { value: read(body.text.as_bytes())?, canonical: body.canonical })))
    }
}

/// A JSON body that its handler reads itself.
#[derive(Debug)]
pub struct Unread(pub RawBody);

impl FromRequest for Unread {
    type Error = Problem;
    type Future = Ready<Result<Unread, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(RawBody::of_request(request).map(Unread))
    }
}
