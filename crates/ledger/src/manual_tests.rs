use std::sync::Arc;

use super::*;
use crate::setup;
use crate::sheet::DaySheet;
use crate::shelf::EntryShelf;
use chrono::DateTime;
use db::ids::Ids;
use db::tx::Today;
use kernel::refusal::{Kind, Refusal};
use org::places::Places;
use org::settings::Settings;

const HEAD: Uuid = Uuid::from_u128(10);
const NORTH: Uuid = Uuid::from_u128(11);
const EAST: Uuid = Uuid::from_u128(12);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An entry is there already, January is closed.
fn at_hand(business_date: &str) -> (EntryShelf, DaySheet) {
    let ways = [(HEAD, vec![HEAD]), (NORTH, vec![HEAD, NORTH]), (EAST, vec![HEAD, EAST])];
    let books = Books::new(setup::sample_rows(), Some(day("2026-01-31")));
    let settings = Settings {
        base_currency: "KES".parse().unwrap(),
        backdating_limit_days: None,
        journal_approval_limit: Some(Amount::of_minor(100_000)),
        version: 1,
    };
    let today = Today { now: DateTime::UNIX_EPOCH, business_date: day(business_date) };
    let mut sheet = DaySheet::new(today, Arc::new(settings), books, Ids::starting_at(today.now));
    sheet.places = Places { branches: ways.into(), ..Places::default() };
    (EntryShelf::of(Vec::new(), [Uuid::from_u128(99)].into()), sheet)
}

fn line(account: &str, amount: i64) -> ManualLine {
    let side = |wanted: bool| wanted.then_some(Amount::of_minor(amount.abs()));
    ManualLine { account: account.into(), branch_id: None, debit: side(amount >= 0), credit: side(amount < 0) }
}

fn command() -> PostManualEntry {
    PostManualEntry {
        id: Uuid::from_u128(1),
        booked_on: None,
        value_on: None,
        branch_id: NORTH,
        description: "Rent of March".into(),
        currency: "KES".parse().unwrap(),
        lines: vec![line("5310", 20_000), line("1040", -20_000)],
    }
}

fn decided_on(business_date: &str, command: &PostManualEntry, scope: Uuid) -> Result<Decided, LedgerError> {
    let (mut entries, mut sheet) = at_hand(business_date);
    let at = AtEntries { entries: &mut entries, sheet: &mut sheet };
    decide(command, &Scope { branch_id: scope, officer_id: None }, &at)
}

/// On 5 March.
fn decided(command: &PostManualEntry, scope: Uuid) -> Result<Decided, LedgerError> {
    decided_on("2026-03-05", command, scope)
}

fn drafted(command: &PostManualEntry, scope: Uuid) -> Draft {
    let (_, sheet) = at_hand("2026-03-05");
    decided(command, scope).unwrap().draft(command, Uuid::from_u128(7), &sheet.books).unwrap()
}

#[test]
fn an_entry_is_booked_on_the_open_day_unless_it_says_another() {
    let entry = decided(&command(), NORTH).unwrap();
    assert_eq!((entry.booked_on, entry.value_on), (day("2026-03-05"), day("2026-03-05")));
    assert_eq!(entry.total, Amount::of_minor(20_000));
    let earlier = PostManualEntry { booked_on: Some(day("2026-02-28")), ..command() };
    let entry = decided(&earlier, HEAD).unwrap();
    assert_eq!((entry.booked_on, entry.value_on), (day("2026-02-28"), day("2026-02-28")));
    let for_january = PostManualEntry { value_on: Some(day("2026-01-31")), ..command() };
    let entry = decided(&for_january, HEAD).unwrap();
    assert_eq!((entry.booked_on, entry.value_on), (day("2026-03-05"), day("2026-01-31")));
}

#[test]
fn what_is_wrong_is_refused_with_its_code_and_place() {
    let lines = |lines: &[ManualLine]| PostManualEntry { lines: lines.to_vec(), ..command() };
    let days = |booked_on: &str, value_on: &str| PostManualEntry {
        booked_on: Some(day(booked_on)),
        value_on: Some(day(value_on)),
        ..command()
    };
    let rent = || line("5310", 20_000);
    let both = ManualLine { credit: Some(Amount::of_minor(1)), ..rent() };
    let neither = ManualLine { debit: None, ..rent() };
    let elsewhere = ManualLine { branch_id: Some(EAST), ..line("1040", -20_000) };
    let cases = [
        (PostManualEntry { id: Uuid::from_u128(99), ..command() }, "id.taken", "/id"),
        (PostManualEntry { branch_id: EAST, ..command() }, "reference.not_found", "/branch_id"),
        (PostManualEntry { branch_id: Uuid::nil(), ..command() }, "reference.not_found", "/branch_id"),
        (lines(&[rent(), elsewhere]), "reference.not_found", "/lines/1/branch_id"),
        (lines(&[rent(), line("1041", -20_000)]), "reference.not_found", "/lines/1/account"),
        (lines(&[rent(), line("3040", -20_000)]), "journal.header_account", "/lines/1/account"),
        (lines(&[rent(), line("2380", -20_000)]), "journal.control_account", "/lines/1/account"),
        (lines(&[rent()]), "journal.line_count", "/lines"),
        (lines(&vec![rent(); MOST_LINES + 1]), "journal.line_count", "/lines"),
        (lines(&[rent(), both]), "journal.line_side", "/lines/1"),
        (lines(&[rent(), neither]), "journal.line_side", "/lines/1"),
        (lines(&[line("5310", 0), line("1040", -20_000)]), "journal.line_amount", "/lines/0/debit"),
        (lines(&[rent(), line("1040", -19_999)]), "journal.unbalanced", "/lines"),
        (days("2026-03-06", "2026-03-05"), "journal.booked_in_future", "/booked_on"),
        (days("2026-03-04", "2026-03-05"), "journal.value_after_booking", "/value_on"),
        (days("2026-01-31", "2026-01-31"), "period.closed", "/booked_on"),
        (days("1999-06-30", "1999-06-30"), "period.closed", "/booked_on"),
    ];
    for (command, code, pointer) in cases {
        let refused = decided(&command, NORTH).unwrap_err();
        assert_eq!((refused.code(), refused.pointer().as_deref()), (code, Some(pointer)), "{refused}");
        let conflict = matches!(code, "id.taken" | "period.closed");
        assert_eq!(refused.kind() == Kind::Conflict, conflict, "{code}");
    }
}

#[test]
fn an_unbalanced_entry_hears_by_how_much() {
    let command = PostManualEntry { lines: vec![line("5310", 20_000), line("1040", -19_999)], ..command() };
    let text = decided(&command, NORTH).unwrap_err().to_string();
    assert_eq!(text, "debits are 200.00 and credits 199.99: the entry is off by 0.01");
}

#[test]
fn lines_of_one_account_stay_as_they_were_written() {
    let lines = vec![line("5310", 100), line("5310", 50), line("1040", -150)];
    let command = PostManualEntry { lines, ..command() };
    let draft = drafted(&command, HEAD);
    let amounts: Vec<i64> = draft.lines().iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [100, 50, -150]);
}

/// What waits is said by the table of limits, which stands above: it compares the total, and that holds no lines between branches. The
/// decision itself lets everything through.
#[test]
fn above_the_limit_an_entry_waits() {
    for (currency, amount) in [("KES", 100_000), ("KES", 100_001), ("USD", 1)] {
        let elsewhere = ManualLine { branch_id: Some(EAST), ..line("1040", -amount) };
        let lines = vec![line("5310", amount), elsewhere];
        let command = PostManualEntry { currency: currency.parse().unwrap(), lines, ..command() };
        assert_eq!(decided(&command, HEAD).unwrap().total, Amount::of_minor(amount), "{currency}");
        assert_eq!(drafted(&command, HEAD).lines().len(), 4);
    }
}

#[test]
fn whoever_decides_sees_every_branch_of_the_entry() {
    let (_, sheet) = at_hand("2026-03-05");
    let elsewhere = ManualLine { branch_id: Some(EAST), ..line("1040", -20_000) };
    let cases = [
        (command(), NORTH),
        (PostManualEntry { lines: vec![line("5310", 20_000), elsewhere.clone()], ..command() }, HEAD),
        // All lines lie in another branch than the entry.
        (PostManualEntry { lines: vec![elsewhere.clone(), elsewhere], ..command() }, HEAD),
    ];
    for (command, expect) in cases {
        let branches = command.touch().branches;
        assert_eq!(sheet.places.common_branch(branches.into_iter()), Some(expect), "{command:?}");
    }
}

/// It is kept as it was sent, and the value date that was left out is written in: on a later day the same is decided, only the day of
/// booking is the open one.
#[test]
fn a_held_command_comes_back_as_it_was() {
    let held = decided(&command(), NORTH).unwrap();
    let kept = PostManualEntry { value_on: Some(held.value_on), ..command() };
    assert_eq!(decided(&kept, NORTH), Ok(held));
    let approved = decided_on("2026-03-09", &kept, NORTH).unwrap();
    assert_eq!((approved.booked_on, approved.value_on), (day("2026-03-09"), day("2026-03-05")));
    let held = decided(&command(), NORTH).unwrap();
    assert_eq!((approved.lines, approved.total), (held.lines, held.total));

    let earlier = PostManualEntry { booked_on: Some(day("2026-02-28")), ..command() };
    let held = decided(&earlier, NORTH).unwrap();
    let kept = PostManualEntry { value_on: Some(held.value_on), ..earlier };
    assert_eq!(decided_on("2026-03-09", &kept, NORTH), Ok(held));
}
