//! Taking a disbursement or a repayment back: it never happened. The reversal has the original's value date and is booked
//! today; the money goes back the way it came.

use db::caller::Caller;
use db::fault::Fault;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::Tx;
use uuid::Uuid;

use crate::actions::each::decide_each;
use crate::actions::record::{Concern, NotRecorded, Recorded, Recording, Wish};
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::store;

#[derive(Debug, Clone)]
pub struct Reverse {
    pub loan_id: Uuid,
    pub transaction_id: Uuid,
    pub reason: Option<String>,
}

impl Command for Reverse {
    type Done = Recorded;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.reverse";

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
        let (recording, outcomes) = Self::decide_all(tx, asked).await?;
        recording.save_with_commit(tx)?;
        Ok(outcomes)
    }

    async fn preview(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        Ok(Self::decide_all(tx, asked).await?.1)
    }
}

impl Reverse {
    async fn decide_all(tx: &Tx, asked: &[Asked<'_, Self>]) -> Result<(Recording, Vec<OutcomeOf<Self>>), Fault> {
        let concerns: Vec<Concern<'_>> = asked
            .iter()
            .map(|asked| Concern {
                loan_id: asked.command.loan_id,
                scope: asked.caller.scope,
                name: EventName::Reversed,
                // The original may lie at the loan's beginning: nothing of it is left out.
                value_on: Some(kernel::date::EARLIEST),
                pays: None,
                receipt: None,
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| reverse(tx, recording, caller, command),
        )?;
        Ok((recording, outcomes))
    }
}

fn reverse(tx: &Tx, recording: &mut Recording, caller: &Caller, command: &Reverse) -> Result<Recorded, NotRecorded> {
    let original = recording.history(command.loan_id).iter().find(|known| known.event.id == command.transaction_id);
    let value_on = match original.map(|known| known.event) {
        None => return Err(NotRecorded::Absent),
        Some(event) if matches!(event.kind, EventKind::Disbursed { .. } | EventKind::Repaid { .. }) => event.value_on,
        Some(_) => return Err(LoanError::NotReversible.into()),
    };
    let wish = Wish {
        kind: Some(EventKind::Reversed { reverses: command.transaction_id }),
        value_on: Some(value_on),
        reason: command.reason.clone(),
        ..Wish::default()
    };
    recording.book(tx, caller, command.loan_id, wish)
}
