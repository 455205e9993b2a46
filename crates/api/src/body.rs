//! Bodies as handlers take them. Who may not ask at all hears that before what is wrong with the body.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use edge::body::{RawBody, read};
use edge::problem::Problem;
use futures::FutureExt;
use futures::future::LocalBoxFuture;
use serde::de::DeserializeOwned;

use crate::asking::Asking;

/// A JSON body, with the text that its fingerprint is made from.
#[derive(Debug)]
pub struct Body<T> {
    pub value: T,
    /// The parsed body as sent, written back with sorted names: absent stays absent.
    pub canonical: String,
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Body<T>, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let body = RawBody::of_request(request)
            .and_then(|body| Ok(Body { value: read(body.text.as_bytes())?, canonical: body.canonical }));
        told(request, body)
    }
}

/// A JSON body that its handler reads itself.
#[derive(Debug)]
pub struct Unread(pub RawBody);

impl FromRequest for Unread {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Unread, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        told(request, RawBody::of_request(request).map(Unread))
    }
}

/// The body, or what is wrong with it, unless its caller may not ask at all.
fn told<T: 'static>(request: &HttpRequest, body: Result<T, Problem>) -> LocalBoxFuture<'static, Result<T, Problem>> {
    let problem = match body {
        Ok(body) => return futures::future::ready(Ok(body)).boxed_local(),
        Err(problem) => problem,
    };
    let asking = Asking::of(request);
    async move {
        match asking {
            Ok(asking) if asking.operation.permission().is_some() => Err(asking.after_permission(problem).await),
            Ok(_) => Err(problem),
            Err(unauthenticated) => Err(unauthenticated),
        }
    }
    .boxed_local()
}
