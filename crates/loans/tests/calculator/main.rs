//! The calculator: terms in, instalments and rates out. Reference cases first, then what must always hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should stop")]

mod support;

mod reference;

mod golden;

mod rates;

mod words;

mod refusals;

mod naive;

mod properties;
