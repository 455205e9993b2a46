//! Loans: what was promised, what was paid, what it means for the books.
//!
//! Read in this order: a module names only modules above it. The first half is pure: a loan is a function of its events and a
//! clock, and whatever is booked is a difference of two positions. The second half, from `record` on, keeps it in tables.

pub mod terms;

pub mod periodic_rate;

pub mod schedule;

pub mod disclosure;

pub mod product;

pub mod loan;

pub mod event;

pub mod accrual;

pub mod allocation;

pub mod payoff;

pub mod replay;

pub mod in_part;

pub mod position;

pub mod postings;

pub mod record;

pub mod error;

pub mod store;

pub mod touch;

pub mod shelf;

pub mod action;

mod book;

pub mod actions;

pub mod command;

pub mod verify;
