//! Why a command about a loan or a product is refused.

use chrono::NaiveDate;
use kernel::amount::{Amount, AmountError};
use kernel::currency::Currency;
use kernel::refusal::{Kind, Refusal};
use uuid::Uuid;

use crate::event::{HistoryWouldBreak, Impossible};
use crate::record::LoanStatus;
use crate::schedule::ScheduleError;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoanError {
    #[error("the id {0} is taken: send a new id, or none")]
    IdTaken(Uuid),
    #[error("there is no such record, or it is outside your branches")]
    ReferenceNotFound { pointer: &'static str },
    #[error("the code {0} is taken by another product: choose another")]
    ProductCodeTaken(String),
    #[error("the slot {0} has no account: name one in accounting that exists in the chart and takes postings")]
    SlotUnmapped(&'static str),
    #[error("\"{0}\" is no slot of a loan product: see docs/posting-rules.md for their names")]
    SlotUnknown(String),
    #[error(
        "the account {code} of the slot {slot} has entries made by hand, which no sub-ledger explains, even if they were reversed: choose another account"
    )]
    PostedByHand { slot: &'static str, code: String },
    #[error("the least is above the most: mend the limits")]
    LimitsCrossed { pointer: &'static str },
    #[error("the client is not active: activate the client first")]
    ClientNotActive,
    #[error("the principal must lie between {least} and {most}", least = least.format(*currency), most = most.format(*currency))]
    PrincipalOutsideLimits { least: Amount, most: Amount, currency: Currency },
    #[error("the number of instalments must lie between {fewest} and {most}")]
    InstalmentsOutsideLimits { fewest: u32, most: u32 },
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error("what is kept back is not less than the principal: nothing would be paid out")]
    NothingPaidOut,
    #[error("the loan is {found}, not {wanted}")]
    WrongStatus { found: LoanStatus, wanted: &'static str },
    #[error("the loan was not disbursed, or is already closed: it takes no repayments (it is {0})")]
    NotActive(LoanStatus),
    #[error("a loan is never approved by the person who applied for it: ask a colleague, or the branch above")]
    SamePerson,
    #[error("the approval was valid until {0}: withdraw the loan and apply again")]
    ApprovalExpired(NaiveDate),
    #[error("the amount is {approved} at most, as approved", approved = approved.format(*currency))]
    AboveApproved { approved: Amount, currency: Currency },
    #[error("the amount must be more than zero")]
    AmountNotPositive,
    #[error("{0}")]
    Amount(AmountError),
    #[error("{0}")]
    Principal(AmountError),
    #[error("{value_on} lies after the business date {business_date}")]
    InTheFuture { value_on: NaiveDate, business_date: NaiveDate, pointer: &'static str },
    #[error("{value_on} lies more than {days} days before the business date, the limit for back-dating")]
    BackDatedTooFar { value_on: NaiveDate, days: i32, pointer: &'static str },
    #[error("the payment is more than the {payoff} that settle the loan on that date, and the request says to refuse a surplus", payoff = payoff.format(*currency))]
    ExceedsPayoff { payoff: Amount, currency: Currency },
    #[error("{0}. Reverse the later event first, or choose another date")]
    HistoryWouldBreak(HistoryWouldBreak),
    #[error("{0}: choose another date")]
    ImpossibleThen(Impossible),
    #[error("only a disbursement or a repayment is reversed: this is neither")]
    NotReversible,
    #[error("this transaction is reversed already")]
    ReversedAlready,
    #[error("the receipt number {0} is taken by another payment: each receipt is used once")]
    ReceiptTaken(String),
    #[error("the loan counts as {0} already")]
    FlaggedAlready(&'static str),
    #[error("the dates do not fit: {0}")]
    ExpectedAfterFirstDue(&'static str),
}

impl Refusal for LoanError {
    fn code(&self) -> &'static str {
        match self {
            LoanError::IdTaken(_) => "id.taken",
            LoanError::ReferenceNotFound { .. } => "reference.not_found",
            LoanError::ProductCodeTaken(_) => "product.code_taken",
            LoanError::SlotUnmapped(_) => "product.slot_unmapped",
            LoanError::SlotUnknown(_) => "product.slot_unknown",
            LoanError::PostedByHand { .. } => "product.account_posted_by_hand",
            LoanError::LimitsCrossed { .. } => "product.limits_crossed",
            LoanError::ClientNotActive => "client.not_active",
            LoanError::PrincipalOutsideLimits { .. } => "product.principal_outside_limits",
            LoanError::InstalmentsOutsideLimits { .. } => "product.instalments_outside_limits",
            LoanError::Schedule(error) => error.code(),
            LoanError::NothingPaidOut => "loan.nothing_paid_out",
            LoanError::WrongStatus { .. } => "loan.wrong_status",
            LoanError::NotActive(_) => "loan.not_active",
            LoanError::SamePerson => "approval.same_person",
            LoanError::ApprovalExpired(_) => "loan.approval_expired",
            LoanError::AboveApproved { .. } => "loan.above_approved",
            LoanError::AmountNotPositive => "amount.not_positive",
            LoanError::Amount(AmountError::Malformed) | LoanError::Principal(AmountError::Malformed) => {
                "amount.malformed"
            }
            LoanError::Amount(AmountError::TooFine { .. }) | LoanError::Principal(AmountError::TooFine { .. }) => {
                "amount.too_fine"
            }
            LoanError::Amount(AmountError::TooLarge) | LoanError::Principal(AmountError::TooLarge) => {
                "amount.too_large"
            }
            LoanError::InTheFuture { .. } => "date.in_the_future",
            LoanError::BackDatedTooFar { .. } => "date.back_dated_too_far",
            LoanError::ExceedsPayoff { .. } => "loan.amount_exceeds_payoff",
            LoanError::HistoryWouldBreak(_) | LoanError::ImpossibleThen(_) => "loan.history_would_break",
            LoanError::NotReversible => "loan.not_reversible",
            LoanError::ReversedAlready => "loan.reversed_already",
            LoanError::ReceiptTaken(_) => "receipt.taken",
            LoanError::FlaggedAlready(_) => "loan.flagged_already",
            LoanError::ExpectedAfterFirstDue(_) => "loan.dates_crossed",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            LoanError::IdTaken(_)
            | LoanError::ProductCodeTaken(_)
            | LoanError::PostedByHand { .. }
            | LoanError::ClientNotActive
            | LoanError::WrongStatus { .. }
            | LoanError::NotActive(_)
            | LoanError::ApprovalExpired(_)
            | LoanError::HistoryWouldBreak(_)
            | LoanError::ImpossibleThen(_)
            | LoanError::ReversedAlready
            | LoanError::ReceiptTaken(_)
            | LoanError::FlaggedAlready(_) => Kind::Conflict,
            LoanError::SamePerson => Kind::Forbidden,
            LoanError::ReferenceNotFound { .. }
            | LoanError::SlotUnmapped(_)
            | LoanError::SlotUnknown(_)
            | LoanError::LimitsCrossed { .. }
            | LoanError::PrincipalOutsideLimits { .. }
            | LoanError::InstalmentsOutsideLimits { .. }
            | LoanError::Schedule(_)
            | LoanError::NothingPaidOut
            | LoanError::AboveApproved { .. }
            | LoanError::AmountNotPositive
            | LoanError::Amount(_)
            | LoanError::Principal(_)
            | LoanError::InTheFuture { .. }
            | LoanError::BackDatedTooFar { .. }
            | LoanError::ExceedsPayoff { .. }
            | LoanError::NotReversible
            | LoanError::ExpectedAfterFirstDue(_) => Kind::Unprocessable,
        }
    }

    fn pointer(&self) -> Option<String> {
        let pointer = match self {
            LoanError::IdTaken(_) => "/id",
            LoanError::ReferenceNotFound { pointer }
            | LoanError::LimitsCrossed { pointer }
            | LoanError::InTheFuture { pointer, .. }
            | LoanError::BackDatedTooFar { pointer, .. } => pointer,
            LoanError::ProductCodeTaken(_) => "/code",
            LoanError::SlotUnmapped(slot) | LoanError::PostedByHand { slot, .. } => {
                return Some(format!("/accounting/{slot}"));
            }
            LoanError::SlotUnknown(_) => "/accounting",
            LoanError::ClientNotActive => "/client_id",
            LoanError::Principal(_) | LoanError::PrincipalOutsideLimits { .. } => "/principal",
            LoanError::InstalmentsOutsideLimits { .. } => "/instalments",
            LoanError::AboveApproved { .. }
            | LoanError::AmountNotPositive
            | LoanError::Amount(_)
            | LoanError::ExceedsPayoff { .. } => "/amount",
            LoanError::ReceiptTaken(_) => "/receipt",
            LoanError::Schedule(_)
            | LoanError::NothingPaidOut
            | LoanError::WrongStatus { .. }
            | LoanError::NotActive(_)
            | LoanError::SamePerson
            | LoanError::ApprovalExpired(_)
            | LoanError::HistoryWouldBreak(_)
            | LoanError::ImpossibleThen(_)
            | LoanError::NotReversible
            | LoanError::ReversedAlready
            | LoanError::FlaggedAlready(_)
            | LoanError::ExpectedAfterFirstDue(_) => return None,
        };
        Some(pointer.to_owned())
    }
}
