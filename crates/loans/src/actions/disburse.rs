//! Paying a loan out: once, at most what was approved. Fees and compulsory savings are kept back as the loan's own copy of
//! the product says.

use std::collections::HashMap;

use chrono::NaiveDate;
use db::caller::Caller;
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::Tx;
use kernel::plain_amount::PlainAmount;
use ledger::slots::Channel;
use uuid::Uuid;

use crate::actions::dates::value_date;
use crate::actions::each::decide_each;
use crate::actions::record::{Concern, NotRecorded, Recorded, Recording, Wish};
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::product::kept_back;
use crate::record::LoanStatus;
use crate::schedule::schedule;
use crate::store;
use crate::store_product::{self, Application};
use crate::terms::Contract;

#[derive(Debug, Clone)]
pub struct Disburse {
    pub loan_id: Uuid,
    pub disbursed_on: Option<NaiveDate>,
    /// Left out: what was approved.
    pub amount: Option<PlainAmount>,
    pub channel: Channel,
    pub receipt: Option<String>,
}

impl Command for Disburse {
    type Done = Recorded;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.disburse";

    fn rows(&self) -> Vec<Uuid> {
        vec![self.loan_id]
    }

    fn claims(&self) -> Vec<Claim> {
        self.receipt.iter().map(|receipt| Claim::of("receipt", receipt)).collect()
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.loan_id)
    }

    async fn in_scope(tx: &Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<bool>, Fault> {
        let wanted: Vec<_> = asked.iter().map(|asked| (asked.command.loan_id, asked.caller.scope)).collect();
        store::loans_visible(tx, &wanted).await
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let (recording, outcomes) = Self::decide_all(tx, asked).await?;
        recording.save_with_commit(tx)?;
        Ok(outcomes)
    }

    async fn preview(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        Ok(Self::decide_all(tx, asked).await?.1)
    }
}

impl Disburse {
    async fn decide_all(tx: &Tx, asked: &[Asked<'_, Self>]) -> Result<(Recording, Vec<OutcomeOf<Self>>), Fault> {
        let concerns: Vec<Concern<'_>> = asked
            .iter()
            .map(|asked| Concern {
                loan_id: asked.command.loan_id,
                scope: asked.caller.scope,
                name: EventName::Disbursed,
                value_on: asked.command.disbursed_on,
                pays: None,
                receipt: asked.command.receipt.as_deref(),
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let ids: Vec<Uuid> = concerns.iter().map(|concern| concern.loan_id).collect();
        let applications = store_product::applications_by_loans(tx, &ids).await?;
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| disburse(tx, recording, caller, command, &applications),
        )?;
        Ok((recording, outcomes))
    }
}

fn disburse(
    tx: &Tx,
    recording: &mut Recording,
    caller: &Caller,
    command: &Disburse,
    applications: &HashMap<Uuid, Application>,
) -> Result<Recorded, NotRecorded> {
    let limit = recording.backdating_limit;
    let record = recording.loans.record_mut(command.loan_id)?;
    let application = applications
        .get(&command.loan_id)
        .ok_or_else(|| Fault::Invariant(format!("the application of the loan {} is missing", command.loan_id)))?;
    if record.status != LoanStatus::Approved {
        return Err(LoanError::WrongStatus { found: record.status, wanted: "approved" }.into());
    }
    let disbursed_on = value_date(command.disbursed_on, tx.business_date, caller, limit, "/disbursed_on")?;
    if let Some(valid_until) = application.valid_until.filter(|valid_until| *valid_until < disbursed_on) {
        return Err(LoanError::ApprovalExpired(valid_until).into());
    }
    let approved = record.loan.committed;
    let amount = match command.amount {
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
    let wish = Wish {
        kind: Some(EventKind::Disbursed { amount, deducted_fees, withheld }),
        value_on: Some(disbursed_on),
        channel: Some(command.channel),
        receipt: command.receipt.clone(),
        reason: None,
    };
    recording.book(tx, caller, command.loan_id, wish)
}
