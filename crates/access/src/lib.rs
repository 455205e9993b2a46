//! Who may do what: permissions, roles, users, sign-in, tokens, API clients, approvals.
//!
//! Read in this order. A token names a user and grants nothing: what the user may do is read with every request, so that a
//! change applies at the next one.

pub mod permission;

pub mod tokens;
