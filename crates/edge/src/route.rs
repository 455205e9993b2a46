//! Routes: a method and a handler.

use actix_web::guard::{Any, Get, Head};
use actix_web::{FromRequest, Handler, Responder, web};

pub use actix_web::Route;

/// A handler that reads. It answers HEAD as well, without the body.
pub fn get<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::route().guard(Any(Get()).or(Head())).to(handler)
}

pub fn post<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::post().to(handler)
}

pub fn patch<F, Args>(handler: F) -> Route
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::patch().to(handler)
}
