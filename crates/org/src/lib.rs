//! The institution: its branches and staff, its holidays, its settings, its business day.
//!
//! Read in this order.

pub mod error;

pub mod branches;

pub mod staff;

pub mod holidays;

pub mod settings;

pub mod business_day;

pub mod store;

pub mod setup;
