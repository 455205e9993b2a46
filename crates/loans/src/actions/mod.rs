//! What one does with loans, one file a verb. A loan officer reads an action from top to bottom: what it needs, what it refuses, what it
//! records.

pub mod offer_product;

pub mod apply;

pub mod approve;

pub mod end_application;

pub mod disburse;

pub mod repay;

pub mod reverse;

pub mod renegotiate;
