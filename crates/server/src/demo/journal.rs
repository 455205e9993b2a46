//! What the accountant writes: capital, equipment, and at the end of each month salaries, rent, interest, depreciation and
//! the allowance for loans that may not come back.
//!
//! The figures are those of an institution of six hundred clients, in whole units; a smaller one has its part of them.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use kernel::amount::Amount;
use kernel::currency::Currency;

use crate::demo::institution::{BRANCHES, HEAD_OFFICE, later, units};
use crate::demo::payments::{Course, Worth};

pub const VAULT: &str = "1010";
pub const TELLER_CASH: &str = "1020";
pub const OFFICER_CASH: &str = "1030";
pub const BANK: &str = "1040";
pub const WALLET: &str = "1050";
const ALLOWANCE: &str = "1290";
const EQUIPMENT: &str = "1510";
const DEPRECIATED: &str = "1590";
const COMPULSORY_SAVINGS: &str = "2020";
const INTEREST_PAYABLE: &str = "2120";
pub const BORROWINGS: &str = "2210";
const SHARES: &str = "3010";
const DONATED: &str = "3020";
const INTEREST_ON_BORROWINGS: &str = "5020";
const IMPAIRMENT: &str = "5110";
const PERSONNEL: &str = "5210";
const ADMINISTRATION: &str = "5310";
const DEPRECIATION: &str = "5320";
const CHANNEL_FEES: &str = "5330";

#[derive(Debug, Clone)]
pub struct Entry {
    pub on: NaiveDate,
    pub branch: usize,
    pub description: String,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub account: &'static str,
    pub branch: usize,
    /// Debit positive.
    pub amount: Amount,
}

/// An entry of one branch with one debit and one credit.
pub fn simple(
    on: NaiveDate,
    branch: usize,
    description: impl Into<String>,
    debit: &'static str,
    credit: &'static str,
    amount: Amount,
) -> Entry {
    let lines = vec![Line { account: debit, branch, amount }, Line { account: credit, branch, amount: -amount }];
    Entry { on, branch, description: description.into(), lines }
}

/// The part of the figures for six hundred clients.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    pub currency: Currency,
    pub clients: usize,
}

impl Scale {
    /// In whole hundreds, at least one.
    pub fn of(self, figure: i64) -> Amount {
        let part = figure * i64::try_from(self.clients).unwrap_or(600) / 600;
        units(self.currency, (part / 100).max(1) * 100)
    }
}

/// Per branch: salaries, rent, and what else an office needs in a month.
const MONTHLY: [(i64, i64, i64); BRANCHES.len()] =
    [(210_000, 30_000, 24_000), (62_000, 18_000, 14_000), (32_000, 12_000, 9_000)];

const EQUIPMENT_BOUGHT: i64 = 1_440_000;
/// Months.
const EQUIPMENT_LASTS: i64 = 48;

/// Equity, and what is bought before the first client comes.
pub fn opening(first: NaiveDate, scale: Scale) -> Vec<Entry> {
    let entry = |description: &str, debit, credit, figure| {
        simple(first, HEAD_OFFICE, description, debit, credit, scale.of(figure))
    };
    vec![
        entry("Shares paid in by the founders", BANK, SHARES, 9_000_000),
        entry("Grant for the first branches", BANK, DONATED, 2_500_000),
        entry("Cash drawn to the vault", VAULT, BANK, 150_000),
        entry("Motorbikes, computers and furniture", EQUIPMENT, BANK, EQUIPMENT_BOUGHT),
    ]
}

/// What is paid out at the end of a month from the bank account of a branch: with each line its account.
pub fn expenses(branch: usize, scale: Scale) -> [(&'static str, &'static str, Amount); 3] {
    let (salaries, rent, other) = MONTHLY[branch];
    [
        ("Salaries", PERSONNEL, scale.of(salaries)),
        ("Rent", ADMINISTRATION, scale.of(rent)),
        ("Transport, airtime and stationery", ADMINISTRATION, scale.of(other)),
    ]
}

/// Whether a month ends with this day.
pub fn ends_month(day: NaiveDate) -> bool {
    later(day, 1).month() != day.month()
}

/// Interest on what is borrowed, 9 % a year: booked each month, paid each quarter. Gives both entries.
pub fn interest(on: NaiveDate, borrowed: Amount, owed: &mut Amount) -> (Option<Entry>, Option<Entry>) {
    let interest = Amount::of_minor(borrowed.minor() * 9 / 1_200);
    if !interest.is_positive() {
        return (None, None);
    }
    *owed += interest;
    let booked = simple(on, HEAD_OFFICE, "Interest on borrowings", INTEREST_ON_BORROWINGS, INTEREST_PAYABLE, interest);
    if !on.month().is_multiple_of(3) {
        return (Some(booked), None);
    }
    let paid = simple(on, HEAD_OFFICE, "Interest paid to the funder", INTEREST_PAYABLE, BANK, *owed);
    *owed = Amount::ZERO;
    (Some(booked), Some(paid))
}

pub fn depreciation(on: NaiveDate, scale: Scale) -> Entry {
    let part = scale.of(EQUIPMENT_BOUGHT / EQUIPMENT_LASTS);
    simple(on, HEAD_OFFICE, "Depreciation of equipment", DEPRECIATION, DEPRECIATED, part)
}

/// What the operator of the wallet takes, 0.5 % of what came in.
pub fn wallet_fee(on: NaiveDate, branch: usize, came_in: Amount) -> Option<Entry> {
    let fee = Amount::of_minor(came_in.minor() / 200);
    fee.is_positive().then(|| simple(on, branch, "Fees of the mobile-money operator", CHANNEL_FEES, WALLET, fee))
}

/// The compulsory savings of clients whose loans were repaid in the month.
pub fn savings_returned(on: NaiveDate, branch: usize, amount: Amount) -> Option<Entry> {
    let description = "Compulsory savings returned with the last instalment";
    amount.is_positive().then(|| simple(on, branch, description, COMPULSORY_SAVINGS, BANK, amount))
}

/// Percent of the balance by days overdue (the generic template of microfinance texts): up to so many days, so much.
const BANDS: [(i64, i64); 6] = [(0, 1), (30, 5), (60, 25), (90, 50), (180, 75), (i64::MAX, 100)];

/// The allowance that a branch needs at the close of a day, for loans in these courses.
pub fn allowance<'a>(on: NaiveDate, courses: impl Iterator<Item = &'a Course>) -> Amount {
    let worth = courses.filter_map(|course| course.worth.iter().rev().find(|worth| worth.since <= on));
    worth.map(|worth| needed(on, worth)).sum()
}

fn needed(on: NaiveDate, worth: &Worth) -> Amount {
    let days = worth.oldest_unpaid_due_on.map_or(0, |due_on| (on - due_on).num_days().max(0));
    let percent = BANDS.iter().find(|(most, _)| days <= *most).map_or(100, |(_, percent)| *percent);
    Amount::of_minor(worth.outstanding.minor() * percent / 100)
}

/// From the allowance that is there to the one that is needed, branch by branch.
pub fn impairment(on: NaiveDate, changes: &BTreeMap<usize, Amount>) -> Option<Entry> {
    let lines: Vec<Line> = changes
        .iter()
        .filter(|(_, change)| !change.is_zero())
        .flat_map(|(branch, change)| {
            [
                Line { account: IMPAIRMENT, branch: *branch, amount: *change },
                Line { account: ALLOWANCE, branch: *branch, amount: -*change },
            ]
        })
        .collect();
    let description = "Allowance for loan losses, by days overdue".to_owned();
    (!lines.is_empty()).then_some(Entry { on, branch: HEAD_OFFICE, description, lines })
}
