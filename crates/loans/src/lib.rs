//! Loans: what was promised, what was paid, what it means for the books.

pub mod terms;

pub mod periodic_rate;

pub mod schedule;

pub mod disclosure;
