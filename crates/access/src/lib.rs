//! Who may do what: permissions, roles, users, sign-in, tokens, API clients, approvals.
//!
//! Read in this order. A token names a user and grants nothing: what the user may do is read with every request, so that a
//! change applies at the next one.

pub mod permission;

pub mod error;

pub mod roles;

mod record;

pub mod users;

pub mod api_clients;

pub mod password;

pub mod throttle;

pub mod refresh;

mod ed25519;

pub mod tokens;

pub mod sign_in;

pub mod approvals;

pub mod limits;

pub mod shelf;

pub mod setup;

pub mod store;

pub mod store_sign_in;

pub mod store_approvals;
