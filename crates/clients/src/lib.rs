//! Clients: persons and organisations that the institution lends to.
//!
//! Read in this order. Personal data stands in the client's row and nowhere else: not in events, journal or logs.

pub mod error;

pub mod client;

pub mod store;

pub mod shelf;

pub mod action;

pub mod actions;

pub mod command;
