//! HTTP without operations: requests as handlers read them, answers and problems as they give them, and the layer that every
//! request passes. The HTTP library is named here and in the few files of `api` that make routes or take a request apart.
//!
//! Read in this order.

pub mod problem;

pub mod answer;

pub mod route;

pub mod wire;

pub mod body;

pub mod request;

pub mod cursor;

pub mod layer;
