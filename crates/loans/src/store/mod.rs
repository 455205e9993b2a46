//! Loans in tables: every statement that this crate sends, as constant text.
//!
//! Read in this order. Every function takes a slice, so a batch of commands costs the statements of one.

pub mod read;

pub mod write;

mod columns;

pub mod products;

pub mod applications;

pub mod close;

pub mod list;
