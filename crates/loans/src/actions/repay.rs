//! What happens when one repays.
//!
//! The amount is split by the rule of `allocation.rs`; at least the payoff (`payoff.rs`) settles the loan; a surplus is taken
//! and owed to the client. The entry is the difference of two positions and the money that came in (`postings.rs`).

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
use crate::payoff::payoff;
use crate::record::LoanStatus;
use crate::store;

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

impl Command for Repay {
    type Done = Recorded;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.repay";

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

impl Repay {
    async fn decide_all(tx: &Tx, asked: &[Asked<'_, Self>]) -> Result<(Recording, Vec<OutcomeOf<Self>>), Fault> {
        let concerns: Vec<Concern<'_>> = asked
            .iter()
            .map(|asked| Concern {
                loan_id: asked.command.loan_id,
                scope: asked.caller.scope,
                name: EventName::Repaid,
                value_on: asked.command.paid_on,
                pays: Some(asked.command.amount),
                receipt: asked.command.receipt.as_deref(),
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| repay(tx, recording, caller, command),
        )?;
        Ok((recording, outcomes))
    }
}

fn repay(tx: &Tx, recording: &mut Recording, caller: &Caller, command: &Repay) -> Result<Recorded, NotRecorded> {
    let limit = recording.backdating_limit;
    let record = recording.loans.record_mut(command.loan_id)?;
    if record.status != LoanStatus::Active {
        return Err(LoanError::NotActive(record.status).into());
    }
    let amount = command.amount.in_currency(record.currency).map_err(LoanError::Amount)?;
    if !amount.is_positive() {
        return Err(LoanError::AmountNotPositive.into());
    }
    let paid_on = value_date(command.paid_on, tx.business_date, caller, limit, "/paid_on")?;
    let settles = payoff(&record.loan, paid_on).total();
    if command.overpayment == Overpayment::Refuse && amount > settles {
        return Err(LoanError::ExceedsPayoff { payoff: settles, currency: record.currency }.into());
    }
    let wish = Wish {
        kind: Some(EventKind::Repaid { amount }),
        value_on: Some(paid_on),
        channel: Some(command.channel),
        receipt: command.receipt.clone(),
        reason: None,
    };
    recording.book(tx, caller, command.loan_id, wish)
}
