//! The posting rules of loans: one table that an accountant can review; `docs/posting-rules.md` is made from it.
//!
//! An entry is booked as the difference of two positions (`position.rs`), so the table is not what computes it: it says which
//! lines may come out, and a test holds every entry of thousands of random histories against it.

use chrono::NaiveDate;
use db::fault::Fault;
use kernel::amount::Amount;
use kernel::currency::Currency;
use ledger::books::Books;
use ledger::draft::{Draft, DraftLine, Drafting, Heading};
use ledger::slots::Channel;
use uuid::Uuid;

use crate::position::{Position, Slot};

/// One side of a rule: the money's channel, or a slot of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leg {
    Channel,
    Slot(Slot),
}

use Leg::Channel as Money;
use Slot as S;

/// When what is booked, from where to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub event: &'static str,
    pub part: &'static str,
    pub debit: Leg,
    pub credit: Leg,
}

const fn rule(event: &'static str, part: &'static str, debit: Leg, credit: Leg) -> Rule {
    Rule { event, part, debit, credit }
}

pub const APPROVED: &str = "loan.approved";
pub const LAPSED: &str = "loan.approval_lapsed";
pub const DISBURSED: &str = "loan.disbursed";
pub const REPAID: &str = "loan.repaid";
pub const RENEGOTIATED: &str = "loan.renegotiated";
pub const REVERSED: &str = "loan.reversed";
pub const CLOSE_OF_DAY: &str = "loan.accrued";

/// The table. A reversal, and the corrections that a back-dated event brings, are these rules the other way round.
pub const RULES: &[Rule] = &[
    rule(APPROVED, "amount committed", Leg::Slot(S::Commitment), Leg::Slot(S::CommitmentContra)),
    rule(LAPSED, "amount no longer committed", Leg::Slot(S::CommitmentContra), Leg::Slot(S::Commitment)),
    rule(DISBURSED, "amount no longer committed", Leg::Slot(S::CommitmentContra), Leg::Slot(S::Commitment)),
    rule(DISBURSED, "principal paid out", Leg::Slot(S::LoanPortfolio), Money),
    rule(DISBURSED, "fees kept back", Leg::Slot(S::LoanPortfolio), Leg::Slot(S::FeeIncome)),
    rule(DISBURSED, "savings kept back", Leg::Slot(S::LoanPortfolio), Leg::Slot(S::CompulsorySavings)),
    rule(REPAID, "principal", Money, Leg::Slot(S::LoanPortfolio)),
    rule(REPAID, "interest earned", Money, Leg::Slot(S::InterestReceivable)),
    rule(REPAID, "interest paid ahead", Money, Leg::Slot(S::Unearned)),
    rule(REPAID, "interest on a non-accrual or cash-basis loan", Money, Leg::Slot(S::InterestIncome)),
    rule(REPAID, "surplus", Money, Leg::Slot(S::Overpayment)),
    rule(REPAID, "paid ahead, used by a settlement", Leg::Slot(S::Unearned), Leg::Slot(S::LoanPortfolio)),
    rule(
        REPAID,
        "the same on the cash basis, where it was income",
        Leg::Slot(S::InterestIncome),
        Leg::Slot(S::LoanPortfolio),
    ),
    rule(REPAID, "interest at the true rate, at a settlement", Money, Leg::Slot(S::InterestIncome)),
    rule(REPAID, "the same, of what was paid ahead", Leg::Slot(S::Unearned), Leg::Slot(S::InterestIncome)),
    rule(REPAID, "cure: interest is income again", Leg::Slot(S::InterestReceivable), Leg::Slot(S::InterestIncome)),
    rule(REPAID, "cure, or collected: out of the memo", Leg::Slot(S::NonAccrualContra), Leg::Slot(S::NonAccrualMemo)),
    rule(CLOSE_OF_DAY, "interest of the night", Leg::Slot(S::InterestReceivable), Leg::Slot(S::InterestIncome)),
    rule(CLOSE_OF_DAY, "interest of the night, paid ahead", Leg::Slot(S::Unearned), Leg::Slot(S::InterestIncome)),
    rule(
        CLOSE_OF_DAY,
        "non-accrual: unpaid interest taken back",
        Leg::Slot(S::InterestIncome),
        Leg::Slot(S::InterestReceivable),
    ),
    rule(CLOSE_OF_DAY, "interest of a non-accrual loan", Leg::Slot(S::NonAccrualMemo), Leg::Slot(S::NonAccrualContra)),
];

/// What a slot is for the chart: the account of the standard chart, and whether loans keep a sub-ledger of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotAccount {
    pub slot: Slot,
    pub standard_code: &'static str,
    /// Nobody posts to the account by hand once a product uses it so.
    pub control: bool,
}

const fn account(slot: Slot, standard_code: &'static str, control: bool) -> SlotAccount {
    SlotAccount { slot, standard_code, control }
}

/// Every slot with its account in the standard chart. Income is no control account: corrections are made by hand.
pub const SLOTS: [SlotAccount; Slot::ALL.len()] = [
    account(S::LoanPortfolio, "1210", true),
    account(S::InterestReceivable, "1310", true),
    account(S::Unearned, "2395", true),
    account(S::InterestIncome, "4010", false),
    account(S::FeeIncome, "4020", false),
    account(S::Overpayment, "2340", true),
    account(S::CompulsorySavings, "2020", false),
    account(S::Commitment, "9020", true),
    account(S::CommitmentContra, "9021", true),
    account(S::NonAccrualMemo, "9050", true),
    account(S::NonAccrualContra, "9051", true),
];

/// What an entry of one loan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    pub entry_id: Uuid,
    pub event: &'static str,
    pub loan_id: Uuid,
    pub product_id: Uuid,
    pub branch_id: Uuid,
    pub currency: Currency,
    pub booked_on: NaiveDate,
    pub value_on: NaiveDate,
    pub user_id: Uuid,
    pub reverses: Option<Uuid>,
    /// What the event changed in the loan's slots.
    pub change: &'a Position,
    /// The money that it moved, in positive.
    pub cash: Amount,
    pub channel: Option<Channel>,
}

/// The entry of one event; `None` where it moves nothing.
pub fn draft(booking: &Booking<'_>, books: &Books) -> Result<Option<Draft>, Fault> {
    let mut drafting = Drafting::new(Heading {
        id: booking.entry_id,
        booked_on: booking.booked_on,
        value_on: booking.value_on,
        branch_id: booking.branch_id,
        event: booking.event,
        subject_id: Some(booking.loan_id),
        description: None,
        user_id: booking.user_id,
        reverses: booking.reverses,
    });
    let mut line = |account_id: Uuid, amount: Amount| {
        drafting.add(DraftLine {
            account_id,
            branch_id: booking.branch_id,
            product_id: Some(booking.product_id),
            currency: booking.currency,
            amount,
            subject_id: None,
        });
    };
    if !booking.cash.is_zero() {
        let channel =
            booking.channel.ok_or_else(|| Fault::Invariant(format!("{} moves money by no channel", booking.event)))?;
        line(books.channel(channel, booking.branch_id)?, booking.cash);
    }
    for (slot, amount) in booking.change.lines() {
        line(books.slot(booking.product_id, slot.as_str())?, amount);
    }
    drafting.finish(books)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_an_account_and_a_rule() {
        for &slot in Slot::ALL {
            assert!(SLOTS.iter().any(|account| account.slot == slot), "{slot:?}");
            let used = |leg: Leg| leg == Leg::Slot(slot);
            assert!(RULES.iter().any(|rule| used(rule.debit) || used(rule.credit)), "{slot:?}");
        }
    }
}
