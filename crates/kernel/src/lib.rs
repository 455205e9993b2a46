//! The words that every part of Ayni shares: amounts, currencies, rates, dates. No I/O, no async, no clock.
//!
//! Read in this order.

pub mod currency;

pub mod amount;
