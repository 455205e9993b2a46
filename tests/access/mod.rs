//! Who may do what: the matrix of operations and roles, changes that count at the next request, tokens that are none.

mod matrix;
mod sessions;
