//! Loan products, quotes, loans.

pub mod terms;

pub mod charges;

pub mod quotes;

pub mod products;

pub mod views;

pub mod show;

pub mod history;

pub mod applications;

pub mod transactions;

pub mod repayments;

pub mod breakdown;
