//! Loans: what was promised, what was paid, what it means for the books.

pub mod terms;
