//! Applying for a loan.

use std::sync::Arc;

use chrono::NaiveDate;
use clients::client::{Client, ClientStatus};
use db::caller::{Caller, Scope};
use db::deciding::{Effect, NotDone};
use db::keys::Claim;
use db::lane::About;
use kernel::amount::Amount;
use kernel::plain_amount::PlainAmount;
use org::places::Places;
use serde_json::json;
use uuid::Uuid;

use crate::action::{AtLoans, LoanAction, LoanDone};
use crate::error::LoanError;
use crate::loan::{Agreement, Loan};
use crate::product::{Product, kept_back};
use crate::record::{Application, Applied, LoanRecord, LoanStatus};
use crate::schedule::schedule;
use crate::store::applications;
use crate::terms::Contract;
use crate::touch::{LoanTouch, Need};

#[derive(Debug, Clone)]
pub struct Apply {
    pub id: Uuid,
    pub client_id: Uuid,
    pub product_id: Uuid,
    pub principal: PlainAmount,
    pub instalments: u32,
    pub expected_disbursed_on: NaiveDate,
    pub first_due_on: Option<NaiveDate>,
    pub officer_id: Option<Uuid>,
    pub applied_on: Option<NaiveDate>,
}

impl LoanAction for Apply {
    fn about(&self) -> About {
        About {
            rows: vec![self.id, self.client_id],
            claims: vec![Claim::of("id", &self.id.to_string())],
            ..About::of("loan.apply")
        }
    }

    fn touch(&self, scope: Scope) -> LoanTouch<'_> {
        LoanTouch {
            id: self.id,
            scope,
            event: None,
            value_on: None,
            pays: None,
            receipt: None,
            need: Need::New,
            application: false,
            client_id: Some(self.client_id),
            product_id: Some(self.product_id),
            officer_id: self.officer_id,
        }
    }

    fn decide(&self, at: &mut AtLoans<'_>, caller: &Caller) -> Result<Effect<LoanDone>, NotDone> {
        let number = at.loans.next_number();
        if at.loans.is_id_taken(self.id) {
            return Err(LoanError::IdTaken(self.id).into());
        }
        let today = at.sheet.today;
        let client = at
            .clients
            .find(self.client_id, &caller.scope, &at.sheet.places)
            .ok_or(LoanError::ReferenceNotFound { pointer: "/client_id" })?;
        if client.status != ClientStatus::Active {
            return Err(LoanError::ClientNotActive.into());
        }
        let product =
            at.loans.product(self.product_id).ok_or(LoanError::ReferenceNotFound { pointer: "/product_id" })?;
        let officer_id = officer(self, client, caller, &at.sheet.places)?;
        let applied_on = at.value_date(self.applied_on, caller, "/applied_on")?;
        let principal = principal_within(self.principal, product)?;
        instalments_within(self.instalments, product)?;
        let contract = Contract {
            principal,
            instalments: self.instalments,
            disbursed_on: self.expected_disbursed_on,
            first_due_on: self.first_due_on,
        };
        schedule(&product.terms, &contract).map_err(LoanError::from)?;
        kept_back(&product.charges, &product.withholds, principal).ok_or(LoanError::NothingPaidOut)?;
        let agreement = Agreement {
            terms: product.terms.clone().into(),
            instalments: self.instalments,
            first_due_on: self.first_due_on,
        };
        let record = LoanRecord {
            id: self.id,
            number,
            client_id: client.id,
            product_id: product.id,
            branch_id: client.branch_id,
            officer_id,
            terms_id: applications::terms_id(&product.terms)?,
            currency: product.currency,
            status: LoanStatus::Applied,
            schedule_version: 0,
            since_on: today.business_date,
            created_at: today.now,
            version: 1,
            loan: Loan::new(Arc::new(agreement)),
        };
        let application = Application {
            loan_id: self.id,
            principal,
            expected_disbursed_on: self.expected_disbursed_on,
            charges: product.charges.clone(),
            withholds: product.withholds.clone(),
            applied_on,
            applied_by: caller.user_id,
            approved_on: None,
            approved_by: None,
            approved: None,
            valid_until: None,
            conditions: None,
            closed_reason: None,
            created_at: today.now,
            applied_by_staff: caller.staff_id,
        };
        at.loans.insert(record.clone(), application.clone());
        at.sheet.tell("loan.applied", record.id, json!({"number": record.number}));
        Ok(Effect::on(LoanDone::Applied(Box::new(Applied { record, application })), "/applied_on", applied_on))
    }
}

/// The officer that was named, else the client's; a user who sees only an own portfolio applies within it.
fn officer(command: &Apply, client: &Client, caller: &Caller, places: &Places) -> Result<Option<Uuid>, LoanError> {
    let own = caller.scope.officer_id;
    match command.officer_id {
        None => Ok(client.officer_id.or(own).or(caller.staff_id)),
        Some(officer) if places.has_officer(&caller.scope, officer) && own.is_none_or(|own| own == officer) => {
            Ok(Some(officer))
        }
        Some(_) => Err(LoanError::ReferenceNotFound { pointer: "/officer_id" }),
    }
}

pub(crate) fn principal_within(principal: PlainAmount, product: &Product) -> Result<Amount, LoanError> {
    let principal = principal.in_currency(product.currency).map_err(LoanError::Principal)?;
    let limits = &product.limits;
    if principal < limits.principal_least || principal > limits.principal_most {
        let (least, most) = (limits.principal_least, limits.principal_most);
        return Err(LoanError::PrincipalOutsideLimits { least, most, currency: product.currency });
    }
    Ok(principal)
}

pub(crate) fn instalments_within(instalments: u32, product: &Product) -> Result<(), LoanError> {
    let limits = &product.limits;
    if (limits.instalments_fewest..=limits.instalments_most).contains(&instalments) {
        return Ok(());
    }
    let (fewest, most) = (limits.instalments_fewest, limits.instalments_most);
    Err(LoanError::InstalmentsOutsideLimits { fewest, most })
}
