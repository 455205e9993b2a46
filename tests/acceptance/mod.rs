//! What the institution is for, through its public API: the fixtures of the domain's reference, whole lives of loans, random
//! histories, closes of days under fire.

#![allow(
    clippy::inconsistent_digit_grouping,
    clippy::mistyped_literal_suffixes,
    reason = "12_000_00 is read as 12,000.00: minor units, grouped as money is"
)]

mod accrual_sql;
pub mod bank;
mod close_of_day;
mod loan_books;
mod loan_dates;
mod loan_life;
mod mini_ledger;
mod non_accrual;
mod par_fixture;
mod product_accounts;
mod quotes;
mod quotes_refused;
mod random_life;
mod theorem;
