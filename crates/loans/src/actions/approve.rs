//! Approving an application: by somebody else than who made it, by any path. It binds the institution, so the amount stands in
//! the commitments from then on.

use std::sync::Arc;

use chrono::NaiveDate;
use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::fault::Fault;
use db::lane::About;
use kernel::plain_amount::PlainAmount;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone, about_loan};
use crate::actions::apply::{instalments_within, principal_within};
use crate::book::Wish;
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::loan::Agreement;
use crate::product::kept_back;
use crate::record::LoanStatus;
use crate::schedule::schedule;
use crate::terms::Contract;
use crate::touch::LoanTouch;

#[derive(Debug, Clone)]
pub struct Approve {
    pub loan_id: Uuid,
    pub approved_on: Option<NaiveDate>,
    /// Left out: as applied for.
    pub principal: Option<PlainAmount>,
    pub instalments: Option<u32>,
    pub conditions: Option<String>,
    pub valid_until: Option<NaiveDate>,
}

impl LoanAction for Approve {
    fn about(&self) -> About {
        about_loan("loan.approve", self.loan_id)
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        LoanTouch { application: true, ..LoanTouch::of(self.loan_id, scope, EventName::Approved, self.approved_on) }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let record = at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?;
        let application = at.loans.application(self.loan_id)?;
        let missing = || Fault::Invariant(format!("the product of the loan {} is missing", self.loan_id));
        let product = at.loans.product(record.product_id).ok_or_else(missing)?;
        if record.status != LoanStatus::Applied {
            return Err(LoanError::WrongStatus { found: record.status, wanted: "applied" }.into());
        }
        if caller.is_same_person(application.applied_by, application.applied_by_staff) {
            return Err(LoanError::SamePerson.into());
        }
        let approved_on = at.value_date(self.approved_on, caller, "/approved_on")?;
        let principal = match self.principal {
            Some(principal) => principal_within(principal, product)?,
            None => application.principal,
        };
        let instalments = self.instalments.unwrap_or(record.loan.agreement.instalments);
        instalments_within(instalments, product)?;
        let agreement = Agreement { instalments, ..(*record.loan.agreement).clone() };
        let contract = Contract {
            principal,
            instalments,
            disbursed_on: application.expected_disbursed_on,
            first_due_on: agreement.first_due_on,
        };
        schedule(&agreement.terms, &contract).map_err(LoanError::from)?;
        kept_back(&application.charges, &application.withholds, principal).ok_or(LoanError::NothingPaidOut)?;
        at.loans.change(self.loan_id)?.loan.agreement = Arc::new(agreement);
        let application = at.loans.change_application(self.loan_id)?;
        application.approved_on = Some(approved_on);
        application.approved_by = Some(caller.user_id);
        application.approved = Some(principal);
        application.valid_until = self.valid_until;
        application.conditions = self.conditions.clone();
        let wish = Wish::of(EventKind::Approved { amount: principal }, approved_on);
        let recorded = at.record(caller, self.loan_id, Wish { reason: self.conditions.clone(), ..wish })?;
        Ok(Effect::on(LoanDone::Recorded(Box::new(recorded)), "/approved_on", approved_on))
    }
}
