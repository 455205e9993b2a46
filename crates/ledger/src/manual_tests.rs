use super::*;
use crate::setup;
use chrono::DateTime;
use kernel::refusal::{Kind, Refusal};

const HEAD: Uuid = Uuid::from_u128(10);
const NORTH: Uuid = Uuid::from_u128(11);
const EAST: Uuid = Uuid::from_u128(12);

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The business day is 5 March, January is closed.
fn desk() -> Desk {
    Desk {
        books: Books::new(setup::sample_rows(), Some(day("2026-01-31"))),
        ways: HashMap::from([(HEAD, vec![HEAD]), (NORTH, vec![HEAD, NORTH]), (EAST, vec![HEAD, EAST])]),
        taken: HashSet::from([Uuid::from_u128(99)]),
        limit: Some(Amount::of_minor(100_000)),
        today: Today { now: DateTime::UNIX_EPOCH, business_date: day("2026-03-05") },
    }
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

fn decided(command: &PostManualEntry, scope: Uuid) -> Result<Decided, LedgerError> {
    decide(command, &Scope { branch_id: scope, officer_id: None }, &desk())
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
    let order = Order {
        command: &command,
        scope: Scope { branch_id: HEAD, officer_id: None },
        user_id: Uuid::from_u128(7),
        approved: false,
    };
    let draft = decided(&command, HEAD).unwrap().draft(&order, &desk().books).unwrap();
    let amounts: Vec<i64> = draft.lines().iter().map(|line| line.amount.minor()).collect();
    assert_eq!(amounts, [100, 50, -150]);
}

#[test]
fn above_the_limit_an_entry_waits() {
    let desk = desk();
    let (base, other) = ("KES".parse().unwrap(), "USD".parse().unwrap());
    assert!(!desk.waits(base, Amount::of_minor(100_000)));
    assert!(desk.waits(base, Amount::of_minor(100_001)));
    assert!(desk.waits(other, Amount::of_minor(1)));
    let without = Desk { limit: None, ..desk };
    assert!(!without.waits(other, Amount::of_minor(i64::MAX)));
}

#[test]
fn whoever_decides_sees_every_branch_of_the_entry() {
    let desk = desk();
    assert_eq!(desk.common_branch([NORTH, NORTH].into_iter()), Some(NORTH));
    assert_eq!(desk.common_branch([NORTH, EAST].into_iter()), Some(HEAD));
}

#[test]
fn a_held_command_comes_back_as_it_was() {
    let command = PostManualEntry { booked_on: Some(day("2026-02-28")), ..command() };
    let kept = serde_json::to_value(&command).unwrap();
    assert_eq!(serde_json::from_value::<PostManualEntry>(kept).unwrap(), command);
}
