//! Paying a loan out: once, at most what was approved. Fees and compulsory savings are kept back as the loan's own copy of
//! the product says.

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
use crate::product::kept_back;
use crate::record::LoanStatus;
use crate::schedule::schedule;
use crate::terms::Contract;
use crate::touch::LoanTouch;

#[derive(Debug, Clone)]
pub struct Disburse {
    pub loan_id: Uuid,
    pub disbursed_on: Option<NaiveDate>,
    /// Left out: what was approved.
    pub amount: Option<PlainAmount>,
    pub channel: Channel,
    pub receipt: Option<String>,
}

impl LoanAction for Disburse {
    fn about(&self) -> About {
        let claims = self.receipt.iter().map(|receipt| Claim::of("receipt", receipt)).collect();
        About { claims, ..about_loan("loan.disburse", self.loan_id) }
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        let touch = LoanTouch::of(self.loan_id, scope, EventName::Disbursed, self.disbursed_on);
        LoanTouch { receipt: self.receipt.as_deref(), application: true, ..touch }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let record = at.loans.find(self.loan_id, &caller.scope, &at.sheet.places)?;
        let application = at.loans.application(self.loan_id)?;
        if record.status != LoanStatus::Approved {
            return Err(LoanError::WrongStatus { found: record.status, wanted: "approved" }.into());
        }
        let disbursed_on = at.value_date(self.disbursed_on, caller, "/disbursed_on")?;
        if let Some(valid_until) = application.valid_until.filter(|valid_until| *valid_until < disbursed_on) {
            return Err(LoanError::ApprovalExpired(valid_until).into());
        }
        let approved = record.loan.committed;
        let amount = match self.amount {
            Some(amount) => amount.in_currency(record.currency).map_err(LoanError::Amount)?,
            None => approved,
        };
        if !amount.is_positive() {
            return Err(LoanError::AmountNotPositive.into());
        }
        if amount > approved {
            return Err(LoanError::AboveApproved { approved, currency: record.currency }.into());
        }
        let (deducted_fees, withheld) =
            kept_back(&application.charges, &application.withholds, amount).ok_or(LoanError::NothingPaidOut)?;
        let agreement = &record.loan.agreement;
        let contract = Contract {
            principal: amount,
            instalments: agreement.instalments,
            disbursed_on,
            first_due_on: agreement.first_due_on,
        };
        schedule(&agreement.terms, &contract).map_err(LoanError::from)?;
        let kind = EventKind::Disbursed { amount, deducted_fees, withheld };
        let (channel, receipt) = (Some(self.channel), self.receipt.clone());
        let wish = Wish { channel, receipt, ..Wish::of(kind, disbursed_on) };
        let recorded = at.record(caller, self.loan_id, wish)?;
        Ok(Effect::on(LoanDone::Recorded(Box::new(recorded)), "/disbursed_on", disbursed_on))
    }
}
