//! Entries of the journal as they are read. They are written by `post` and never change.

use chrono::{DateTime, NaiveDate, Utc};
use db::fault::Fault;
use db::narrow::narrow;
use kernel::amount::Amount;
use kernel::currency::Currency;
use uuid::Uuid;

use crate::books::Books;
use crate::draft::Draft;

/// An entry without its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHead {
    pub id: Uuid,
    pub booked_on: NaiveDate,
    pub value_on: NaiveDate,
    pub branch_id: Uuid,
    pub event: String,
    pub subject_id: Option<Uuid>,
    pub description: Option<String>,
    pub line_count: i32,
    pub user_id: Uuid,
    pub recorded_at: DateTime<Utc>,
    pub reverses: Option<Uuid>,
    pub reversed_by: Option<Uuid>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub head: EntryHead,
    pub lines: Vec<EntryLine>,
}

/// Debit positive, credit negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine {
    pub line_no: i16,
    pub account_id: Uuid,
    pub account: String,
    pub account_name: String,
    pub branch_id: Uuid,
    pub product_id: Option<Uuid>,
    pub currency: Currency,
    pub amount: Amount,
    pub subject_id: Option<Uuid>,
}

/// A line with what its entry says, as an account lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLine {
    pub entry_id: Uuid,
    pub line_no: i16,
    pub booked_on: NaiveDate,
    pub value_on: NaiveDate,
    pub branch_id: Uuid,
    pub event: String,
    pub description: Option<String>,
    pub product_id: Option<Uuid>,
    pub currency: Currency,
    pub amount: Amount,
    pub subject_id: Option<Uuid>,
    pub user_id: Uuid,
    pub recorded_at: DateTime<Utc>,
}

impl Entry {
    /// The entry that a draft becomes.
    pub(crate) fn of_draft(draft: &Draft, books: &Books, now: DateTime<Utc>) -> Result<Entry, Fault> {
        let heading = draft.heading();
        let mut lines = Vec::with_capacity(draft.lines().len());
        for (line, line_no) in draft.lines().iter().zip(1_i16..) {
            let account = books
                .account(line.account_id)
                .ok_or_else(|| Fault::Invariant(format!("the chart has no account {}", line.account_id)))?;
            lines.push(EntryLine {
                line_no,
                account_id: account.id,
                account: account.code.clone(),
                account_name: account.name.clone(),
                branch_id: line.branch_id,
                product_id: line.product_id,
                currency: line.currency,
                amount: line.amount,
                subject_id: line.subject_id,
            });
        }
        let head = EntryHead {
            id: heading.id,
            booked_on: heading.booked_on,
            value_on: heading.value_on,
            branch_id: heading.branch_id,
            event: heading.event.to_owned(),
            subject_id: heading.subject_id,
            description: heading.description.clone(),
            line_count: narrow(lines.len(), "journal_entry.line_count")?,
            user_id: heading.user_id,
            recorded_at: now,
            reverses: heading.reverses,
            reversed_by: None,
        };
        Ok(Entry { head, lines })
    }

    /// The sum of the debits.
    pub fn total(&self) -> Amount {
        self.lines.iter().map(|line| line.amount.or_zero()).sum()
    }
}
