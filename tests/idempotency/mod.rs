//! A command that is sent again is carried out once.

pub mod bulk;
pub mod keys;
mod traces;
