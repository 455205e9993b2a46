//! The life of a loan, from outside the crate: worked examples, properties, and the theorem of the books.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that is surprised should stop, helpers too")]

mod allocation;
mod examples;
mod fold;
mod golden;
mod history;
mod posting_rules;
mod random;
mod rules;
mod support;
mod theorem;
mod worked_through;
