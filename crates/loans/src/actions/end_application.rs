//! Rejecting an application, or withdrawing one that was perhaps approved already: no money has moved.

use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::lane::About;
use serde_json::json;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone, about_loan};
use crate::book::Wish;
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::record::LoanStatus;
use crate::touch::LoanTouch;

kernel::text_enum! {
    pub enum Ending {
        /// The institution declines what was applied for.
        Reject = "reject",
        /// The client no longer wants it.
        Withdraw = "withdraw",
    }
}

#[derive(Debug, Clone)]
pub struct EndApplication {
    pub loan_id: Uuid,
    pub ending: Ending,
    pub reason: Option<String>,
}

impl LoanAction for EndApplication {
    fn about(&self) -> About {
        let operation = match self.ending {
            Ending::Reject => "loan.reject",
            Ending::Withdraw => "loan.withdraw",
        };
        about_loan(operation, self.loan_id)
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        LoanTouch { application: true, ..LoanTouch::of(self.loan_id, scope, EventName::ApprovalLapsed, None) }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let status = at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?.status;
        let (ended, told) = match self.ending {
            Ending::Reject => (LoanStatus::Rejected, "loan.rejected"),
            Ending::Withdraw => (LoanStatus::Withdrawn, "loan.withdrawn"),
        };
        let business_date = at.sheet.today.business_date;
        match status {
            LoanStatus::Applied => at.loans.change(self.loan_id)?.version += 1,
            // The commitment falls away: that is an event of its books.
            LoanStatus::Approved => {
                let wish = Wish::of(EventKind::ApprovalLapsed, business_date);
                at.record(caller, self.loan_id, Wish { reason: self.reason.clone(), ..wish })?;
            }
            found => return Err(LoanError::WrongStatus { found, wanted: "applied or approved" }.into()),
        }
        if let Some(reason) = &self.reason {
            at.loans.change_application(self.loan_id)?.closed_reason = Some(reason.clone());
        }
        let record = at.loans.change(self.loan_id)?;
        record.status = ended;
        let summary = record.summary(business_date);
        at.sheet.tell(told, self.loan_id, json!({}));
        Ok(Effect::of(LoanDone::Ended(Box::new(summary))))
    }
}
