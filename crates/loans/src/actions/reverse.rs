//! Reversing a disbursement or a repayment: it never happened. The reversal has the original's value date and is booked today; the
//! money goes back the way it came.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone, about_loan};
use crate::book::Wish;
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::touch::{LoanTouch, Need};

#[derive(Debug, Clone)]
pub struct Reverse {
    pub loan_id: Uuid,
    pub transaction_id: Uuid,
    pub reason: Option<String>,
}

impl LoanAction for Reverse {
    fn about(&self) -> About {
        about_loan("loan.reverse", self.loan_id)
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        LoanTouch { need: Need::History, ..LoanTouch::of(self.loan_id, scope, EventName::Reversed, None) }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?;
        let mut known = at.loans.history(self.loan_id).unwrap_or_default().iter();
        let original = known.find(|known| known.event.id == self.transaction_id);
        let value_on = match original.map(|known| known.event) {
            None => return Err(NotDone::Absent),
            Some(event) if matches!(event.kind, EventKind::Disbursed { .. } | EventKind::Repaid { .. }) => {
                event.value_on
            }
            Some(_) => return Err(LoanError::NotReversible.into()),
        };
        let kind = EventKind::Reversed { reverses: self.transaction_id };
        let wish = Wish { reason: self.reason.clone(), ..Wish::of(kind, value_on) };
        let recorded = at.record(caller, self.loan_id, wish)?;
        Ok(Effect::of(LoanDone::Recorded(Box::new(recorded))))
    }
}
