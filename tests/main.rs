//! The system from outside: real `ayni` processes on a real Postgres, and what must hold of the source as a whole.
//!
//! Read `harness` first. Everything runs in parallel, each test on a database of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that is surprised should stop, helpers too"
)]

mod acceptance;
mod access;
mod catalog;
mod desk;
mod faults;
mod harness;
mod house;
mod idempotency;
mod lane;
mod races;
mod source;
mod wrong;
