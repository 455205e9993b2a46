//! What spans several parts of the house: the desk and the office, decisions of a second person, the close of days, `verify`.
//!
//! Read in this order. This crate alone knows all products.

pub mod desk_command;

pub mod held;

pub mod atomic;

pub mod visible;

mod touches;

pub mod desk;

pub mod close_of_day;

pub mod office;

pub mod verify;
