//! Reports: read only. Each is of one snapshot, as of a day, and the same for ever once that day is closed.
//!
//! Read in this order.

pub mod trial_balance;

pub mod portfolio_at_risk;

pub mod csv_text;
