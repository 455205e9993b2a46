use std::sync::Arc;

use super::*;
use crate::draft::POSTED;
use crate::journal::{EntryHead, EntryLine};
use crate::setup;
use crate::sheet::DaySheet;
use crate::shelf::EntryShelf;
use chrono::{DateTime, NaiveDate};
use db::ids::Ids;
use db::tx::Today;
use kernel::amount::Amount;
use kernel::refusal::Refusal;
use org::places::Places;
use org::settings::Settings;

const HEAD: Uuid = Uuid::from_u128(10);
const NORTH: Uuid = Uuid::from_u128(11);
const EAST: Uuid = Uuid::from_u128(12);

fn books() -> Books {
    Books::new(setup::sample_rows(), None)
}

fn business_date() -> NaiveDate {
    "2026-03-05".parse().unwrap()
}

/// What `try_it` finds where this entry is on the shelf.
fn at_hand<T>(entry: Entry, try_it: impl FnOnce(&mut AtEntries<'_>) -> T) -> T {
    let ways = [(HEAD, vec![HEAD]), (NORTH, vec![HEAD, NORTH]), (EAST, vec![HEAD, EAST])];
    let settings = Settings {
        base_currency: "KES".parse().unwrap(),
        backdating_limit_days: None,
        journal_approval_limit: Some(Amount::of_minor(100_000)),
        version: 1,
    };
    let today = Today { now: DateTime::UNIX_EPOCH, business_date: business_date() };
    let mut sheet = DaySheet::new(today, Arc::new(settings), books(), Ids::starting_at(today.now));
    sheet.places = Places { branches: ways.into(), ..Places::default() };
    let mut entries = EntryShelf::of(vec![entry], [Uuid::from_u128(99)].into());
    try_it(&mut AtEntries { entries: &mut entries, sheet: &mut sheet })
}

/// The rent of one branch, paid by another.
fn entry() -> Entry {
    let line = |line_no: i16, code: &str, branch_id, amount| {
        let account = books().account_by_code(code).unwrap().clone();
        EntryLine {
            line_no,
            account_id: account.id,
            account: account.code,
            account_name: account.name,
            branch_id,
            product_id: None,
            currency: "KES".parse().unwrap(),
            amount: Amount::of_minor(amount),
            subject_id: None,
        }
    };
    let lines = vec![
        line(1, "5310", NORTH, 500),
        line(2, "1040", EAST, -500),
        line(3, "2380", NORTH, -500),
        line(4, "1440", EAST, 500),
    ];
    let day = "2026-02-10".parse().unwrap();
    let head = EntryHead {
        id: Uuid::from_u128(5),
        booked_on: day,
        value_on: day,
        branch_id: NORTH,
        event: POSTED.into(),
        subject_id: None,
        description: Some("Rent".into()),
        line_count: 4,
        user_id: Uuid::from_u128(7),
        recorded_at: DateTime::UNIX_EPOCH,
        reverses: None,
        reversed_by: None,
    };
    Entry { head, lines }
}

fn command() -> ReverseEntry {
    ReverseEntry { entry_id: entry().head.id, id: Uuid::from_u128(6), description: None }
}

fn decided(command: &ReverseEntry, entry: &Entry, branch_id: Uuid) -> Result<(), LedgerError> {
    at_hand(entry.clone(), |at| decide(command, entry, &scope(branch_id), at))
}

fn scope(branch_id: Uuid) -> Scope {
    Scope { branch_id, officer_id: None }
}

#[test]
fn a_reversal_mirrors_every_line_and_keeps_the_value_date() {
    let command = command();
    let draft = at_hand(entry(), |at| {
        let description = description(&command, &entry());
        mirror(&command, &entry(), description, Uuid::from_u128(8), at).unwrap()
    });
    let amounts: Vec<i64> = draft.lines().iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [-500, 500, 500, -500]);
    let heading = draft.heading();
    assert_eq!(heading.value_on, entry().head.value_on);
    assert_eq!(heading.booked_on, business_date());
    assert_eq!(heading.user_id, Uuid::from_u128(8));
    assert_eq!(heading.reverses, Some(entry().head.id));
    assert_eq!(heading.description.as_deref(), Some("Reversal: Rent"));
}

#[test]
fn what_can_not_be_reversed_says_why() {
    let with = |change: fn(&mut EntryHead)| {
        let mut entry = entry();
        change(&mut entry.head);
        entry
    };
    let cases = [
        (with(|head| head.event = "loan.repaid".into()), HEAD, "journal.not_manual"),
        (with(|head| head.reverses = Some(Uuid::from_u128(1))), HEAD, "journal.is_reversal"),
        (with(|head| head.reversed_by = Some(Uuid::from_u128(1))), HEAD, "journal.already_reversed"),
        (entry(), EAST, "journal.out_of_scope"),
    ];
    for (entry, branch, code) in cases {
        assert_eq!(decided(&command(), &entry, branch).unwrap_err().code(), code);
    }
    let taken = ReverseEntry { id: Uuid::from_u128(99), ..command() };
    assert_eq!(decided(&taken, &entry(), HEAD).unwrap_err().code(), "id.taken");
    assert_eq!(decided(&command(), &entry(), HEAD), Ok(()));
}

#[test]
fn an_entry_is_seen_from_each_of_its_branches() {
    at_hand(entry(), |at| {
        assert!(is_visible(&entry(), &scope(NORTH), at));
        assert!(is_visible(&entry(), &scope(EAST), at));
        assert!(!is_visible(&entry(), &scope(Uuid::from_u128(13)), at));
    });
}
