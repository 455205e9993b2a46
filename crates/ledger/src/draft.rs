//! Entries before they are posted. Pure.
//!
//! A [`Drafting`] collects lines; [`Drafting::finish`] gives a [`Draft`], which balances per currency and branch: where lines lie
//! on several branches it adds what they owe each other. There is no other way to make one, so an entry that does not balance
//! cannot be posted. That a draft balances is our own promise: the difference is a fault, never a refusal.
//!
//! Nothing is netted silently: a debit and a credit of one account stay two lines.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use db::fault::Fault;
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::books::Books;

/// Lines are numbered in 15 bits: an entry that sums up more is booked as several.
pub const MOST_LINES: usize = i16::MAX as usize;

/// What an entry says apart from its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    pub id: Uuid,
    pub booked_on: NaiveDate,
    pub value_on: NaiveDate,
    pub branch_id: Uuid,
    /// [`POSTED`], [`REVERSED`], or the event of a product.
    pub event: &'static str,
    /// The loan, or another record, that it is about; `None` where it sums up many.
    pub subject_id: Option<Uuid>,
    /// Free text: on manual entries, and only there.
    pub description: Option<String>,
    pub user_id: Uuid,
    /// The entry that it reverses.
    pub reverses: Option<Uuid>,
}

/// The event of an entry that a person writes.
pub const POSTED: &str = "journal_entry.posted";
/// The event of an entry that a person reverses another with.
pub const REVERSED: &str = "journal_entry.reversed";

/// Whether people write entries of this event; they alone carry free text.
pub fn is_manual(event: &str) -> bool {
    [POSTED, REVERSED].contains(&event)
}

/// One line: debit positive, credit negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DraftLine {
    pub account_id: Uuid,
    pub branch_id: Uuid,
    pub product_id: Option<Uuid>,
    pub currency: Currency,
    pub amount: Amount,
    pub subject_id: Option<Uuid>,
}

impl DraftLine {
    fn joins(&self, other: &DraftLine) -> bool {
        let place =
            |line: &DraftLine| (line.account_id, line.branch_id, line.product_id, line.currency, line.subject_id);
        place(self) == place(other) && self.amount.is_negative() == other.amount.is_negative()
    }
}

/// An entry that is being written.
#[derive(Debug, Clone)]
pub struct Drafting {
    heading: Heading,
    lines: Vec<DraftLine>,
}

/// An entry that may be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    heading: Heading,
    lines: Vec<DraftLine>,
    /// The command that made it; `None`: the system did, by itself.
    command_id: Option<Uuid>,
}

impl Drafting {
    pub fn new(heading: Heading) -> Drafting {
        Drafting { heading, lines: Vec::new() }
    }

    /// Adds a line as it is. A zero says nothing and is left out.
    pub fn keep(&mut self, line: DraftLine) {
        if !line.amount.is_zero() {
            self.lines.push(line);
        }
    }

    /// Adds to the line of the same side, account, branch, product, currency and subject, where there is one. Looks through all
    /// lines: for an entry of thousands take [`keep`](Drafting::keep).
    pub fn add(&mut self, line: DraftLine) {
        match self.lines.iter_mut().find(|known| known.joins(&line)) {
            Some(known) => known.amount += line.amount,
            None => self.keep(line),
        }
    }

    /// The finished entry; `None` where there is nothing to book.
    pub fn finish(mut self, books: &Books) -> Result<Option<Draft>, Fault> {
        if self.lines.is_empty() {
            return Ok(None);
        }
        let heading = &self.heading;
        if let Some(line) =
            self.lines.iter().find(|line| books.account(line.account_id).is_none_or(|known| known.header))
        {
            return Err(wrong(heading, &format!("posts to {}, which takes no postings", line.account_id)));
        }
        // Over all branches first: what is missing altogether must not pass for what branches owe each other.
        if !adds_up(&self.lines, |line| line.currency) {
            return Err(wrong(heading, "does not balance"));
        }
        let between = between_branches(&self.lines, books)?;
        self.lines.extend(between);
        if !adds_up(&self.lines, |line| (line.currency, line.branch_id)) {
            return Err(wrong(heading, "does not balance in each branch"));
        }
        if self.lines.len() > MOST_LINES {
            return Err(wrong(heading, "has too many lines"));
        }
        Ok(Some(Draft { heading: self.heading, lines: self.lines, command_id: None }))
    }
}

impl Draft {
    pub(crate) fn of_command(self, command_id: Uuid) -> Draft {
        Draft { command_id: Some(command_id), ..self }
    }

    pub fn command_id(&self) -> Option<Uuid> {
        self.command_id
    }

    pub fn heading(&self) -> &Heading {
        &self.heading
    }

    pub fn lines(&self) -> &[DraftLine] {
        &self.lines
    }
}

fn wrong(heading: &Heading, what: &str) -> Fault {
    Fault::Invariant(format!("the entry {} ({}) {what}", heading.id, heading.event))
}

/// Debits less credits per place.
fn balances<Place: Ord>(lines: &[DraftLine], place: impl Fn(&DraftLine) -> Place) -> BTreeMap<Place, Amount> {
    let mut sums = BTreeMap::new();
    for line in lines {
        *sums.entry(place(line)).or_insert(Amount::ZERO) += line.amount;
    }
    sums
}

fn adds_up<Place: Ord>(lines: &[DraftLine], place: impl Fn(&DraftLine) -> Place) -> bool {
    balances(lines, place).values().all(|sum| sum.is_zero())
}

/// The lines that let each branch balance: a branch that gave more than it got is owed the rest by the others, one that got more
/// owes it. Empty where all lines lie on one branch.
fn between_branches(lines: &[DraftLine], books: &Books) -> Result<Vec<DraftLine>, Fault> {
    if lines.iter().all(|line| line.branch_id == lines[0].branch_id) {
        return Ok(Vec::new());
    }
    let (due_from, due_to) = books.between_branches()?;
    let open = balances(lines, |line| (line.currency, line.branch_id)).into_iter();
    Ok(open
        .filter(|(_, sum)| !sum.is_zero())
        .map(|((currency, branch_id), sum)| DraftLine {
            account_id: if sum.is_negative() { due_from } else { due_to },
            branch_id,
            product_id: None,
            currency,
            amount: -sum,
            subject_id: None,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setup;
    use proptest::prelude::*;

    fn books() -> Books {
        Books::new(setup::sample_rows(), None)
    }

    fn account(code: &str) -> Uuid {
        books().account_by_code(code).unwrap().id
    }

    fn line(code: &str, branch: u128, amount: i64) -> DraftLine {
        DraftLine {
            account_id: account(code),
            branch_id: Uuid::from_u128(branch),
            product_id: None,
            currency: "KES".parse().unwrap(),
            amount: Amount::of_minor(amount),
            subject_id: None,
        }
    }

    fn drafting() -> Drafting {
        let day = "2026-02-28".parse().unwrap();
        Drafting::new(Heading {
            id: Uuid::from_u128(1),
            booked_on: day,
            value_on: day,
            branch_id: Uuid::from_u128(10),
            event: "loan.repaid",
            subject_id: None,
            description: None,
            user_id: Uuid::from_u128(2),
            reverses: None,
        })
    }

    fn finished(lines: &[DraftLine]) -> Vec<DraftLine> {
        let mut drafting = drafting();
        lines.iter().for_each(|line| drafting.add(*line));
        drafting.finish(&books()).unwrap().map(|draft| draft.lines).unwrap_or_default()
    }

    #[test]
    fn lines_of_one_place_and_side_become_one_and_zeros_fall_away() {
        let lines = [line("1020", 10, 70), line("1020", 10, 30), line("1210", 10, -100), line("4010", 10, 0)];
        assert_eq!(finished(&lines), [line("1020", 10, 100), line("1210", 10, -100)]);
    }

    #[test]
    fn a_debit_and_a_credit_of_one_account_stay_two_lines() {
        let lines = [line("1020", 10, 70), line("1020", 10, -70)];
        assert_eq!(finished(&lines), lines);
    }

    #[test]
    fn nothing_to_book_is_no_entry() {
        assert_eq!(drafting().finish(&books()).unwrap(), None);
    }

    #[test]
    fn a_loan_of_one_branch_repaid_in_another_goes_between_them() {
        let lines = [line("1020", 11, 100), line("1210", 10, -100)];
        let between = [line("1440", 10, 100), line("2380", 11, -100)];
        assert_eq!(finished(&lines), [lines, between].concat());
    }

    #[test]
    fn what_can_not_be_posted_is_a_fault() {
        let mut unbalanced = drafting();
        unbalanced.add(line("1020", 10, 100));
        assert!(matches!(unbalanced.finish(&books()), Err(Fault::Invariant(_))));
        let mut unbalanced_over_branches = drafting();
        unbalanced_over_branches.add(line("1020", 10, 100));
        unbalanced_over_branches.add(line("1210", 11, -99));
        assert!(matches!(unbalanced_over_branches.finish(&books()), Err(Fault::Invariant(_))));
        let mut unknown = drafting();
        unknown.add(DraftLine { account_id: Uuid::from_u128(999), ..line("1020", 10, 5) });
        assert!(matches!(unknown.finish(&books()), Err(Fault::Invariant(_))));
        let mut header = drafting();
        header.add(line("3040", 10, 5));
        assert!(matches!(header.finish(&books()), Err(Fault::Invariant(_))));
    }

    const CODES: [&str; 5] = ["1020", "1040", "1210", "4010", "2340"];

    fn any_line() -> impl Strategy<Value = DraftLine> {
        (0..CODES.len(), 10..14_u128, prop_oneof!["KES", "USD", "JPY"], -1_000_000..1_000_000_i64, 0..3_u128).prop_map(
            |(code, branch, currency, amount, subject)| DraftLine {
                currency: currency.parse().unwrap(),
                subject_id: (subject > 0).then_some(Uuid::from_u128(subject)),
                ..line(CODES[code], branch, amount)
            },
        )
    }

    proptest! {
        #[test]
        fn every_draft_balances_per_currency_and_branch(mut lines in prop::collection::vec(any_line(), 0..30)) {
            // Whatever was drawn, each currency is brought to zero somewhere, as rules of a product are.
            for currency in ["KES", "USD", "JPY"] {
                let currency = currency.parse().unwrap();
                let rest: Amount = lines.iter().filter(|line| line.currency == currency).map(|line| line.amount).sum();
                lines.push(DraftLine { currency, ..line("2340", 13, -rest.minor()) });
            }
            let built = finished(&lines);
            for (place, sum) in balances(&built, |line| (line.currency, line.branch_id)) {
                prop_assert!(sum.is_zero(), "{place:?} is off by {sum:?}");
            }
            prop_assert!(built.iter().all(|line| !line.amount.is_zero()));
            // What was asked for is all there: apart from the lines between branches every account moves as it was told.
            for code in CODES {
                let moved = |lines: &[DraftLine]| -> Amount {
                    lines.iter().filter(|line| line.account_id == account(code)).map(|line| line.amount).sum()
                };
                prop_assert_eq!(moved(&built), moved(&lines));
            }
        }
    }
}
