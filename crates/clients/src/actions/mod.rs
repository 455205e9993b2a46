//! What one does with clients.

pub mod activate;

pub mod register;
