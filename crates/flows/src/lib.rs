//! What spans several parts of the house: decisions of a second person.
//!
//! Read in this order.

pub mod approvals;

pub mod close_of_day;

pub mod verify;
