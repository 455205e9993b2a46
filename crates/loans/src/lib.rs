//! Loans: what was promised, what was paid, what it means for the books.

pub mod terms;

pub mod periodic_rate;

pub mod schedule;

pub mod disclosure;

pub mod event;

pub mod loan;

pub mod allocation;

pub mod accrual;

pub mod payoff;

pub mod position;
