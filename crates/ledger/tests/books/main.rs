//! The ledger against a real Postgres: what the statements do, what the guards refuse, what verify sees.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that is surprised should stop, helpers too")]

mod guards;
mod journal;
mod periods;
mod races;
mod support;
mod turnover;
