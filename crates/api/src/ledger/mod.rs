//! The chart of accounts, the journal, periods, and what a second person decides.

pub mod accounts;

pub mod account_lines;

pub mod journal;

pub mod periods;

pub mod decisions;
