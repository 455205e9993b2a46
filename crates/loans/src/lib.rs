//! Loans: what was promised, what was paid, what it means for the books.
//!
//! Read in this order. The first half is pure: a loan is a function of its events and a clock, and whatever is booked is a
//! difference of two positions. The second half keeps it in tables.

pub mod terms;

pub mod periodic_rate;

pub mod schedule;

pub mod disclosure;

pub mod product;

pub mod event;

pub mod loan;

pub mod allocation;

pub mod accrual;

pub mod payoff;

pub mod in_part;

pub mod position;

pub mod postings;

pub mod error;

pub mod record;

pub mod actions;

pub mod store;

pub mod store_write;

mod store_columns;

pub mod store_product;

pub mod store_close;

pub mod store_list;

pub mod verify;
