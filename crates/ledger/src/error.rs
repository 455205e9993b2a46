//! Why the ledger refuses a command. Posting itself never refuses.

use chrono::NaiveDate;
use kernel::refusal::{Kind, Refusal};
use uuid::Uuid;

use crate::month::Month;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    #[error("the id {0} is taken: send a new id, or none")]
    IdTaken(Uuid),
    #[error("the code {0} is taken by another account: choose another")]
    AccountCodeTaken(String),
    #[error("there is no such branch, or it is outside your branches")]
    BranchNotFound { pointer: String },
    #[error("there is no account {code} in the chart: see GET /v1/gl-accounts")]
    AccountNotFound { pointer: String, code: String },
    #[error("the account {code} takes no postings: it groups others or is computed; post to one that is not a header")]
    HeaderAccount { pointer: String, code: String },
    #[error(
        "the account {code} is kept by a sub-ledger, so that nobody posts to it by hand: record the event itself instead"
    )]
    ControlAccount { pointer: String, code: String },
    #[error("a manual entry has 2 to {most} lines, this one has {lines}")]
    LineCount { lines: usize, most: usize },
    #[error("a line has exactly one of debit and credit")]
    LineSide { pointer: String },
    #[error("an amount of a line is above zero: take the other side instead of a negative amount")]
    LineAmount { pointer: String },
    #[error("debits are {debits} and credits {credits}: the entry is off by {difference}")]
    Unbalanced { debits: String, credits: String, difference: String },
    #[error("the business day is {business_date}: nothing is booked on a later day such as {booked_on}")]
    BookedInFuture { booked_on: NaiveDate, business_date: NaiveDate },
    #[error("the value date {value_on} lies after the day of booking {booked_on}: it can be that day or one before")]
    ValueAfterBooking { value_on: NaiveDate, booked_on: NaiveDate },
    #[error("{month} is closed: book on a day of an open month, the value date may stay, or have the month reopened")]
    PeriodClosed { month: Month },
    #[error("{month} is being closed: send it again in a moment, and read what became of it")]
    PeriodClosing { month: Month },
    #[error("this entry was made by {event}, not by hand: reverse the transaction that made it")]
    NotManual { event: String },
    #[error("this entry is itself a reversal: post a new entry instead")]
    IsReversal,
    #[error("this entry was reversed by {by}: an entry is reversed once")]
    AlreadyReversed { by: Uuid },
    #[error("the entry has lines in branches outside yours: ask somebody whose branches cover them all")]
    OutOfScope,
    #[error("months are closed for the whole institution: ask a user of the head office")]
    HeadOfficeOnly,
    #[error(
        "{month} is not over: the business day is {business_date}; close all its days first (POST /v1/business-date/close)"
    )]
    MonthNotOver { month: Month, business_date: NaiveDate },
    #[error("the close of {day} is not booked yet: wait until it is (GET /v1/day-closes/{day})")]
    DayNotBooked { day: NaiveDate },
    #[error("{month} is still open: months are closed in order, close it first")]
    EarlierMonthOpen { month: Month },
    #[error("{month} is closed already")]
    MonthClosed { month: Month },
    #[error("{month} is open: there is nothing to reopen")]
    MonthOpen { month: Month },
    #[error("{month} is closed too: months are reopened from the last one back, reopen it first")]
    LaterMonthClosed { month: Month },
}

impl Refusal for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            LedgerError::IdTaken(_) => "id.taken",
            LedgerError::AccountCodeTaken(_) => "account.code_taken",
            LedgerError::BranchNotFound { .. } | LedgerError::AccountNotFound { .. } => "reference.not_found",
            LedgerError::HeaderAccount { .. } => "journal.header_account",
            LedgerError::ControlAccount { .. } => "journal.control_account",
            LedgerError::LineCount { .. } => "journal.line_count",
            LedgerError::LineSide { .. } => "journal.line_side",
            LedgerError::LineAmount { .. } => "journal.line_amount",
            LedgerError::Unbalanced { .. } => "journal.unbalanced",
            LedgerError::BookedInFuture { .. } => "journal.booked_in_future",
            LedgerError::ValueAfterBooking { .. } => "journal.value_after_booking",
            LedgerError::PeriodClosed { .. } => "period.closed",
            LedgerError::PeriodClosing { .. } => "period.closing",
            LedgerError::NotManual { .. } => "journal.not_manual",
            LedgerError::IsReversal => "journal.is_reversal",
            LedgerError::AlreadyReversed { .. } => "journal.already_reversed",
            LedgerError::OutOfScope => "journal.out_of_scope",
            LedgerError::HeadOfficeOnly => "period.head_office_only",
            LedgerError::MonthNotOver { .. } => "period.not_over",
            LedgerError::DayNotBooked { .. } => "period.day_not_booked",
            LedgerError::EarlierMonthOpen { .. } => "period.earlier_open",
            LedgerError::MonthClosed { .. } => "period.already_closed",
            LedgerError::MonthOpen { .. } => "period.not_closed",
            LedgerError::LaterMonthClosed { .. } => "period.later_closed",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            LedgerError::IdTaken(_)
            | LedgerError::AccountCodeTaken(_)
            | LedgerError::PeriodClosed { .. }
            | LedgerError::PeriodClosing { .. }
            | LedgerError::AlreadyReversed { .. }
            | LedgerError::MonthNotOver { .. }
            | LedgerError::DayNotBooked { .. }
            | LedgerError::EarlierMonthOpen { .. }
            | LedgerError::MonthClosed { .. }
            | LedgerError::MonthOpen { .. }
            | LedgerError::LaterMonthClosed { .. } => Kind::Conflict,
            LedgerError::OutOfScope | LedgerError::HeadOfficeOnly => Kind::Forbidden,
            LedgerError::BranchNotFound { .. }
            | LedgerError::AccountNotFound { .. }
            | LedgerError::HeaderAccount { .. }
            | LedgerError::ControlAccount { .. }
            | LedgerError::LineCount { .. }
            | LedgerError::LineSide { .. }
            | LedgerError::LineAmount { .. }
            | LedgerError::Unbalanced { .. }
            | LedgerError::BookedInFuture { .. }
            | LedgerError::ValueAfterBooking { .. }
            | LedgerError::NotManual { .. }
            | LedgerError::IsReversal => Kind::Unprocessable,
        }
    }

    fn pointer(&self) -> Option<String> {
        match self {
            LedgerError::IdTaken(_) => Some("/id".into()),
            LedgerError::AccountCodeTaken(_) => Some("/code".into()),
            LedgerError::BranchNotFound { pointer }
            | LedgerError::AccountNotFound { pointer, .. }
            | LedgerError::HeaderAccount { pointer, .. }
            | LedgerError::ControlAccount { pointer, .. }
            | LedgerError::LineSide { pointer }
            | LedgerError::LineAmount { pointer } => Some(pointer.clone()),
            LedgerError::LineCount { .. } | LedgerError::Unbalanced { .. } => Some("/lines".into()),
            LedgerError::BookedInFuture { .. }
            | LedgerError::PeriodClosed { .. }
            | LedgerError::PeriodClosing { .. } => Some("/booked_on".into()),
            LedgerError::ValueAfterBooking { .. } => Some("/value_on".into()),
            LedgerError::NotManual { .. }
            | LedgerError::IsReversal
            | LedgerError::AlreadyReversed { .. }
            | LedgerError::OutOfScope
            | LedgerError::HeadOfficeOnly
            | LedgerError::MonthNotOver { .. }
            | LedgerError::DayNotBooked { .. }
            | LedgerError::EarlierMonthOpen { .. }
            | LedgerError::MonthClosed { .. }
            | LedgerError::MonthOpen { .. }
            | LedgerError::LaterMonthClosed { .. } => None,
        }
    }

    fn retry_after(&self) -> Option<u32> {
        matches!(self, LedgerError::PeriodClosing { .. }).then_some(1)
    }
}
