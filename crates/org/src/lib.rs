//! The institution: its branches and staff, its holidays, its settings, its business day.
//!
//! Read in this order. `places`, `numbers` and `settings` are what all others read of the institution.

mod record;

pub mod error;

pub mod branches;

pub mod places;

pub mod staff;

pub mod numbers;

pub mod holidays;

pub mod settings;

pub mod business_day;

pub mod store;

pub mod setup;
