//! Signing in, users, roles, API clients, approvals.

use access::password::PasswordFault;
use edge::problem::Problem;

pub mod secret;

pub mod token;

pub mod me;

pub mod users;

pub mod roles;

pub mod api_clients;

pub mod approvals;

/// What a caller hears when a password could be neither kept nor checked.
fn of_password_fault(fault: &PasswordFault) -> Problem {
    match fault {
        PasswordFault::Busy => Problem::unavailable(),
        fault => {
            tracing::error!(%fault, "a password could be neither kept nor checked");
            Problem::internal()
        }
    }
}
