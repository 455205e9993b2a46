//! Flagging a loan as renegotiated, and its cure. A renegotiated loan counts as at risk, however current it is, until it is
//! cured.

use chrono::NaiveDate;
use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone, about_loan};
use crate::book::Wish;
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::record::LoanStatus;
use crate::touch::LoanTouch;

#[derive(Debug, Clone)]
pub struct Renegotiate {
    pub loan_id: Uuid,
    pub on: Option<NaiveDate>,
    pub reason: String,
    /// False: the loan is cured.
    pub renegotiated: bool,
}

impl LoanAction for Renegotiate {
    fn about(&self) -> About {
        about_loan("loan.renegotiate", self.loan_id)
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        LoanTouch::of(self.loan_id, scope, EventName::Renegotiated, self.on)
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let record = at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?;
        if record.status != LoanStatus::Active {
            return Err(LoanError::NotActive(record.status).into());
        }
        if record.loan.renegotiated_since.is_some() == self.renegotiated {
            let already = if self.renegotiated { "renegotiated" } else { "not renegotiated" };
            return Err(LoanError::FlaggedAlready(already).into());
        }
        let value_on = at.value_date(self.on, caller, "/on")?;
        let kind = EventKind::Renegotiated { flag: self.renegotiated };
        let wish = Wish { reason: Some(self.reason.clone()), ..Wish::of(kind, value_on) };
        let recorded = at.record(caller, self.loan_id, wish)?;
        Ok(Effect::on(LoanDone::Recorded(Box::new(recorded)), "/on", value_on))
    }
}
