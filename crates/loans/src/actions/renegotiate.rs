//! Flagging a loan as renegotiated, and its cure. A renegotiated loan counts as at risk, however current it is, until it is
//! cured.

use chrono::NaiveDate;
use db::caller::Caller;
use db::fault::Fault;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::Tx;
use uuid::Uuid;

use crate::actions::dates::value_date;
use crate::actions::each::decide_each;
use crate::actions::record::{Concern, NotRecorded, Recorded, Recording, Wish};
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::record::LoanStatus;
use crate::store;

#[derive(Debug, Clone)]
pub struct Renegotiate {
    pub loan_id: Uuid,
    pub on: Option<NaiveDate>,
    pub reason: String,
    /// False: the loan is cured.
    pub renegotiated: bool,
}

impl Command for Renegotiate {
    type Done = Recorded;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.renegotiate";

    fn rows(&self) -> Vec<Uuid> {
        vec![self.loan_id]
    }

    fn subject(&self) -> Option<Uuid> {
        Some(self.loan_id)
    }

    async fn in_scope(tx: &Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<bool>, Fault> {
        let wanted: Vec<_> = asked.iter().map(|asked| (asked.command.loan_id, asked.caller.scope)).collect();
        store::loans_visible(tx, &wanted).await
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let concerns: Vec<Concern<'_>> = asked
            .iter()
            .map(|asked| Concern {
                loan_id: asked.command.loan_id,
                scope: asked.caller.scope,
                name: EventName::Renegotiated,
                value_on: asked.command.on,
                pays: None,
                receipt: None,
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| renegotiate(tx, recording, caller, command),
        )?;
        recording.save_with_commit(tx)?;
        Ok(outcomes)
    }
}

fn renegotiate(
    tx: &Tx,
    recording: &mut Recording,
    caller: &Caller,
    command: &Renegotiate,
) -> Result<Recorded, NotRecorded> {
    let limit = recording.backdating_limit;
    let record = recording.loans.record_mut(command.loan_id)?;
    if record.status != LoanStatus::Active {
        return Err(LoanError::NotActive(record.status).into());
    }
    if record.loan.renegotiated_since.is_some() == command.renegotiated {
        let already = if command.renegotiated { "renegotiated" } else { "not renegotiated" };
        return Err(LoanError::FlaggedAlready(already).into());
    }
    let value_on = value_date(command.on, tx.business_date, caller, limit, "/on")?;
    let wish = Wish {
        kind: Some(EventKind::Renegotiated { flag: command.renegotiated }),
        value_on: Some(value_on),
        reason: Some(command.reason.clone()),
        ..Wish::default()
    };
    recording.book(tx, caller, command.loan_id, wish)
}
