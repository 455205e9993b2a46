//! The ledger against a real Postgres: what the statements do, what the guards refuse, what verify sees.

mod guards;
mod journal;
mod periods;
mod support;
mod turnover;
