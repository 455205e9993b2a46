//! What one does with loans. Each action takes a slice of commands: it loads all their loans at once, decides one after the
//! other in memory, and saves with the same few statements however many there are.

pub mod record;

mod each;

pub mod dates;

pub mod offer_product;

pub mod apply;

pub mod approve;

pub mod end_application;

pub mod disburse;

pub mod repay;

pub mod reverse;

pub mod renegotiate;
