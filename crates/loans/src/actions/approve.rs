//! Approving an application: by somebody else than who made it, by any path. It binds the institution, so the amount stands in
//! the commitments from then on.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use db::caller::Caller;
use db::fault::Fault;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::Tx;
use kernel::plain_amount::PlainAmount;
use uuid::Uuid;

use crate::actions::apply::{instalments_within, principal_within};
use crate::actions::dates::value_date;
use crate::actions::each::decide_each;
use crate::actions::record::{Concern, NotRecorded, Recorded, Recording, Wish};
use crate::error::LoanError;
use crate::event::{EventKind, EventName};
use crate::loan::Agreement;
use crate::product::{Product, kept_back};
use crate::record::LoanStatus;
use crate::schedule::schedule;
use crate::store;
use crate::store_product::{self, Application, Decision};
use crate::terms::Contract;

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

impl Command for Approve {
    type Done = Recorded;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.approve";

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
                name: EventName::Approved,
                value_on: asked.command.approved_on,
                pays: None,
                receipt: None,
            })
            .collect();
        let mut recording = Recording::load(tx, &concerns).await?;
        let ids: Vec<Uuid> = concerns.iter().map(|concern| concern.loan_id).collect();
        let applications = store_product::applications_by_loans(tx, &ids).await?;
        let products: Vec<Uuid> =
            ids.iter().filter_map(|id| recording.loans.get(*id)).map(|record| record.product_id).collect();
        let products = store_product::products_by_ids(tx, &products).await?;
        let mut decisions = Vec::new();
        let mut counts = Vec::new();
        let outcomes = decide_each(
            &mut recording,
            asked,
            |command| command.loan_id,
            |recording, caller, command| {
                let (recorded, decision, instalments) =
                    approve(tx, recording, caller, command, &applications, &products)?;
                decisions.push(decision);
                counts.push((command.loan_id, instalments));
                Ok(recorded)
            },
        )?;
        recording.save(tx).await?;
        store_product::applications_decide(tx, &decisions).await?;
        store_product::loans_update_instalments(tx, &counts).await?;
        Ok(outcomes)
    }
}

fn approve(
    tx: &Tx,
    recording: &mut Recording,
    caller: &Caller,
    command: &Approve,
    applications: &HashMap<Uuid, Application>,
    products: &HashMap<Uuid, Product>,
) -> Result<(Recorded, Decision, u32), NotRecorded> {
    let limit = recording.backdating_limit;
    let record = recording.loans.record_mut(command.loan_id)?;
    let missing = || Fault::Invariant(format!("the application of the loan {} is missing", command.loan_id));
    let application = applications.get(&command.loan_id).ok_or_else(missing)?;
    let product = products.get(&record.product_id).ok_or_else(missing)?;
    if record.status != LoanStatus::Applied {
        return Err(LoanError::WrongStatus { found: record.status, wanted: "applied" }.into());
    }
    if is_same_person(caller, application) {
        return Err(LoanError::SamePerson.into());
    }
    let approved_on = value_date(command.approved_on, tx.business_date, caller, limit, "/approved_on")?;
    let principal = match command.principal {
        Some(principal) => principal_within(principal, product)?,
        None => application.principal,
    };
    let instalments = command.instalments.unwrap_or(record.loan.agreement.instalments);
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
    record.loan.agreement = Arc::new(agreement);
    let wish = Wish {
        kind: Some(EventKind::Approved { amount: principal }),
        value_on: Some(approved_on),
        reason: command.conditions.clone(),
        ..Wish::default()
    };
    let recorded = recording.book(tx, caller, command.loan_id, wish)?;
    let decision = Decision {
        loan_id: command.loan_id,
        approved_on: Some(approved_on),
        approved_by: Some(caller.user_id),
        approved: Some(principal),
        valid_until: command.valid_until,
        conditions: command.conditions.clone(),
        closed_reason: None,
    };
    Ok((recorded, decision, instalments))
}

/// Persons are compared by their staff record, over all their users; a user without one counts as itself.
fn is_same_person(caller: &Caller, application: &Application) -> bool {
    caller.user_id == application.applied_by
        || (caller.staff_id.is_some() && caller.staff_id == application.applied_by_staff)
}
