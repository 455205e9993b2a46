//! What happened to a loan, as it was recorded: append-only, and all that a replay reads beside the agreement.
//!
//! An event says a fact and its two dates, never a computed amount: how a payment was split, what interest had accrued
//! and whether the loan was then closed are derived (`replay.rs`). Fees and withheld savings stand in the disbursement
//! because they are facts of that day: the money that was not handed out.

use chrono::NaiveDate;
use kernel::amount::Amount;
use kernel::text_enum;
use uuid::Uuid;

/// One recorded fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub id: Uuid,
    /// When it counts for the borrower. A reversal has the date of what it reverses.
    pub value_on: NaiveDate,
    /// The business day on which the institution knew it.
    pub booked_on: NaiveDate,
    pub kind: EventKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The institution has bound itself to lend `amount`.
    Approved {
        amount: Amount,
    },
    /// It no longer is: the approval ran out, was withdrawn or rejected after all.
    ApprovalLapsed,
    /// `amount` is owed; the client took away what was neither deducted nor withheld.
    Disbursed {
        amount: Amount,
        /// Fees kept back, income of the day.
        deducted_fees: Amount,
        /// Compulsory savings kept back: still the client's money.
        withheld: Amount,
    },
    Repaid {
        amount: Amount,
    },
    /// Whether the loan counts as renegotiated from here on; `false` is the cure.
    Renegotiated {
        flag: bool,
    },
    /// The event named never happened.
    Reversed {
        reverses: Uuid,
    },
}

text_enum! {
    /// Which kind of event: the word in the API, in `loan_event.kind`, and what the order of replay goes by.
    pub enum EventName {
        Approved = "approved",
        ApprovalLapsed = "approval_lapsed",
        Disbursed = "disbursed",
        Repaid = "repaid",
        Renegotiated = "renegotiated",
        Reversed = "reversed",
    }
}

impl EventKind {
    pub const fn name(&self) -> EventName {
        match self {
            EventKind::Approved { .. } => EventName::Approved,
            EventKind::ApprovalLapsed => EventName::ApprovalLapsed,
            EventKind::Disbursed { .. } => EventName::Disbursed,
            EventKind::Repaid { .. } => EventName::Repaid,
            EventKind::Renegotiated { .. } => EventName::Renegotiated,
            EventKind::Reversed { .. } => EventName::Reversed,
        }
    }

    /// The money that came in (positive) or went out (negative). A reversal's own is found with what it reverses
    /// (`position::cash_leg`).
    pub fn cash(&self) -> Amount {
        match *self {
            EventKind::Disbursed { amount, deducted_fees, withheld } => deducted_fees + withheld - amount,
            EventKind::Repaid { amount } => amount,
            EventKind::Approved { .. }
            | EventKind::ApprovalLapsed
            | EventKind::Renegotiated { .. }
            | EventKind::Reversed { .. } => Amount::ZERO,
        }
    }
}

/// Why an event cannot be what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    #[error("the loan is not approved on that date")]
    NotApproved,
    #[error("the loan is already approved on that date")]
    AlreadyApproved,
    #[error("the loan is already disbursed on that date")]
    AlreadyDisbursed,
    #[error("the loan is not disbursed on that date")]
    NotDisbursed,
    #[error("more would be disbursed than is approved")]
    AboveApproved { approved: Amount },
    #[error("no schedule can be made for that disbursement")]
    NoSchedule,
    #[error("what it reverses is not an event of this loan")]
    NothingToReverse,
    #[error("what it reverses is reversed already")]
    AlreadyReversed,
    #[error("a reversal is not itself reversed: record the event anew")]
    ReversesReversal,
}

/// The new event, or a recorded one because of it, would be impossible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("event {event} would be impossible: {why}")]
pub struct HistoryWouldBreak {
    pub event: Uuid,
    pub why: Impossible,
}

impl Impossible {
    /// The stable public word.
    pub const fn code(self) -> &'static str {
        match self {
            Impossible::NotApproved => "not_approved",
            Impossible::AlreadyApproved => "already_approved",
            Impossible::AlreadyDisbursed => "already_disbursed",
            Impossible::NotDisbursed => "not_disbursed",
            Impossible::AboveApproved { .. } => "above_approved",
            Impossible::NoSchedule => "no_schedule",
            Impossible::NothingToReverse => "nothing_to_reverse",
            Impossible::AlreadyReversed => "already_reversed",
            Impossible::ReversesReversal => "reverses_reversal",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disbursement_pays_out_what_is_not_kept_back() {
        let amount = Amount::of_minor;
        let cases = [
            (EventKind::Disbursed { amount: amount(1_000), deducted_fees: amount(20), withheld: amount(100) }, -880),
            (EventKind::Repaid { amount: amount(55) }, 55),
            (EventKind::Approved { amount: amount(1_000) }, 0),
        ];
        for (kind, cash) in cases {
            assert_eq!(kind.cash(), amount(cash), "{kind:?}");
        }
    }
}
