//! Branches, staff, holidays, settings, the business day.

pub mod branches;

pub mod business_date;

pub mod holidays;

pub mod settings;

pub mod staff;
