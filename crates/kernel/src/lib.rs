//! The words that every part of Ayni shares: amounts, currencies, rates, dates, permissions. No I/O, no async, no clock.
//!
//! Read in this order.

/// For `text_enum!`, wherever it is called.
pub use utoipa;

pub mod currency;

pub mod amount;

pub mod rate;

pub mod date;

pub mod day_count;

pub mod calendar;

pub mod plain_amount;

pub mod refusal;

pub mod text_enum;

pub mod permission;
