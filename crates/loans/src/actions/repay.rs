//! What happens when one repays.
//!
//! The amount is split by the rule of `allocation.rs`; at least the payoff (`payoff.rs`) settles the loan; a surplus is taken
//! and owed to the client. The entry is the difference of two positions and the money that came in (`postings.rs`).

use chrono::NaiveDate;
use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::keys::Claim;
use db::lane::About;
use kernel::plain_amount::PlainAmount;
use ledger::slots::Channel;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone, about_loan};
use crate::book::Wish;
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::payoff::payoff;
use crate::record::LoanStatus;
use crate::touch::LoanTouch;

kernel::text_enum! {
    /// What becomes of money beyond the payoff.
    #[derive(Default)]
    pub enum Overpayment {
        /// It is taken, and owed to the client.
        #[default]
        Take = "take",
        /// The repayment is refused.
        Refuse = "refuse",
    }
}

#[derive(Debug, Clone)]
pub struct Repay {
    pub loan_id: Uuid,
    pub amount: PlainAmount,
    pub paid_on: Option<NaiveDate>,
    pub channel: Channel,
    pub receipt: Option<String>,
    pub overpayment: Overpayment,
}

impl LoanAction for Repay {
    fn about(&self) -> About {
        let claims = self.receipt.iter().map(|receipt| Claim::of("receipt", receipt)).collect();
        About { claims, ..about_loan("loan.repay", self.loan_id) }
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        let touch = LoanTouch::of(self.loan_id, scope, EventName::Repaid, self.paid_on);
        LoanTouch { pays: Some(self.amount), receipt: self.receipt.as_deref(), ..touch }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let record = at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?;
        if record.status != LoanStatus::Active {
            return Err(LoanError::NotActive(record.status).into());
        }
        let amount = self.amount.in_currency(record.currency).map_err(LoanError::Amount)?;
        if !amount.is_positive() {
            return Err(LoanError::AmountNotPositive.into());
        }
        let paid_on = at.value_date(self.paid_on, caller, "/paid_on")?;
        if self.overpayment == Overpayment::Refuse {
            let settles = payoff(&record.loan, paid_on).total();
            if amount > settles {
                return Err(LoanError::ExceedsPayoff { payoff: settles, currency: record.currency }.into());
            }
        }
        let (channel, receipt) = (Some(self.channel), self.receipt.clone());
        let wish = Wish { channel, receipt, ..Wish::of(EventKind::Repaid { amount }, paid_on) };
        let recorded = at.record(caller, self.loan_id, wish)?;
        Ok(Effect::on(LoanDone::Recorded(Box::new(recorded)), "/paid_on", paid_on))
    }
}
