//! Rejecting an application, or withdrawing one that was perhaps approved already: no money has moved.

use db::caller::Caller;
use db::fault::Fault;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::Tx;
use uuid::Uuid;

use crate::actions::each::decide_each;
use crate::actions::record::{Concern, NotRecorded, Recording, Wish};
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::record::{LoanStatus, LoanSummary};
use crate::store;
use crate::store_product::{self, Decision};

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

impl Command for EndApplication {
    type Done = LoanSummary;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.end_application";

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
                name: EventName::ApprovalLapsed,
                value_on: None,
                pays: None,
                receipt: None,
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let mut decisions = Vec::new();
        let mut ended = Vec::new();
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| {
                let summary = end(tx, recording, caller, command)?;
                let closed_reason = command.reason.clone();
                decisions.push(Decision { loan_id: command.loan_id, closed_reason, ..Decision::default() });
                ended.push((summary.id, summary.status));
                Ok(summary)
            },
        )?;
        recording.save(tx).await?;
        store_product::loans_end(tx, &ended).await?;
        store_product::applications_decide(tx, &decisions).await?;
        Ok(outcomes)
    }
}

fn end(
    tx: &Tx,
    recording: &mut Recording,
    caller: &Caller,
    command: &EndApplication,
) -> Result<LoanSummary, NotRecorded> {
    let status = recording.loans.record_mut(command.loan_id)?.status;
    let ended = match command.ending {
        Ending::Reject => LoanStatus::Rejected,
        Ending::Withdraw => LoanStatus::Withdrawn,
    };
    match status {
        LoanStatus::Applied => {}
        // The commitment falls away: that is an event of its books.
        LoanStatus::Approved => {
            let wish =
                Wish { kind: Some(EventKind::ApprovalLapsed), reason: command.reason.clone(), ..Wish::default() };
            recording.book(tx, caller, command.loan_id, wish)?;
        }
        found => return Err(LoanError::WrongStatus { found, wanted: "applied or approved" }.into()),
    }
    let record = recording.loans.record_mut(command.loan_id)?;
    if status == LoanStatus::Applied {
        record.version += 1;
    }
    record.status = ended;
    Ok(record.summary(tx.business_date))
}
