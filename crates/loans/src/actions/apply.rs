//! Applying for a loan.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use clients::client::{Client, ClientStatus};
use clients::store::Places;
use db::caller::{Caller, Scope};
use db::fault::Fault;
use db::keys::Claim;
use db::lane::{Asked, Command, OutcomeOf};
use db::tx::{Today, Tx};
use kernel::amount::Amount;
use kernel::plain_amount::PlainAmount;
use uuid::Uuid;

use crate::actions::dates::{NotTaken, backdating_limit, value_date};
use crate::actions::each::outcome;
use crate::actions::record::NotRecorded;
use crate::error::LoanError;
use crate::loan::{Agreement, Loan};
use crate::product::{Product, kept_back};
use crate::record::{LoanRecord, LoanStatus};
use crate::schedule::schedule;
use crate::store_product::{self, Application};
use crate::terms::Contract;

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

/// A loan that was applied for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub record: LoanRecord,
    pub application: Application,
}

/// What the decisions of a batch look at.
struct Known {
    clients: HashMap<Uuid, Client>,
    products: HashMap<Uuid, Product>,
    places: Places,
    backdating_limit: Option<i32>,
}

impl Command for Apply {
    type Done = Applied;
    type Refused = LoanError;
    const OPERATION: &'static str = "loan.apply";

    fn claims(&self) -> Vec<Claim> {
        vec![Claim::of("id", &self.id.to_string())]
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<OutcomeOf<Self>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let mut taken = store_product::loan_ids_taken(tx, &ids).await?;
        let known = Known::read(tx, asked).await?;
        let mut numbers = store_product::loan_numbers(tx, asked.len()).await?.into_iter();
        let mut applied = Vec::new();
        let mut outcomes = Vec::new();
        for Asked { caller, command, .. } in asked {
            let number = numbers.next().unwrap_or_default();
            let decision = if taken.contains(&command.id) {
                Err(LoanError::IdTaken(command.id).into())
            } else {
                decide(command, caller, &known, tx.today(), number)
            };
            if let Ok(done) = &decision {
                taken.push(command.id);
                applied.push((done.record.clone(), done.application.clone()));
            }
            outcomes.push(outcome(decision)?);
        }
        store_product::loans_insert(tx, &applied).await?;
        for (record, _) in &applied {
            tx.emit("loan.applied", record.id, serde_json::json!({"number": record.number}));
        }
        Ok(outcomes)
    }
}

impl Known {
    async fn read(tx: &Tx, asked: &[Asked<'_, Apply>]) -> Result<Known, Fault> {
        let clients: Vec<Uuid> = asked.iter().map(|asked| asked.command.client_id).collect();
        let products: Vec<Uuid> = asked.iter().map(|asked| asked.command.product_id).collect();
        let clients = clients::store::clients_by_ids(tx, &clients).await?;
        let branches: Vec<Uuid> = clients.iter().map(|client| client.branch_id).collect();
        let officers: Vec<Uuid> = asked.iter().filter_map(|asked| asked.command.officer_id).collect();
        Ok(Known {
            places: clients::store::places(tx, &branches, &officers).await?,
            clients: clients.into_iter().map(|client| (client.id, client)).collect(),
            products: store_product::products_by_ids(tx, &products).await?,
            backdating_limit: backdating_limit(tx).await?,
        })
    }

    /// The client, where the scope covers it.
    fn client(&self, id: Uuid, scope: &Scope) -> Result<&Client, LoanError> {
        self.clients
            .get(&id)
            .filter(|client| self.places.covers(scope, client.branch_id))
            .filter(|client| scope.officer_id.is_none() || client.officer_id == scope.officer_id)
            .ok_or(LoanError::ReferenceNotFound { pointer: "/client_id" })
    }
}

fn decide(
    command: &Apply,
    caller: &Caller,
    known: &Known,
    today: Today,
    number: String,
) -> Result<Applied, NotRecorded> {
    let client = known.client(command.client_id, &caller.scope)?;
    if client.status != ClientStatus::Active {
        return Err(LoanError::ClientNotActive.into());
    }
    let product =
        known.products.get(&command.product_id).ok_or(LoanError::ReferenceNotFound { pointer: "/product_id" })?;
    let officer_id = officer(command, client, caller, known)?;
    let applied_on = applied_on(command, caller, known, today)?;
    let principal = principal_within(command.principal, product)?;
    instalments_within(command.instalments, product)?;
    let contract = Contract {
        principal,
        instalments: command.instalments,
        disbursed_on: command.expected_disbursed_on,
        first_due_on: command.first_due_on,
    };
    schedule(&product.terms, &contract).map_err(LoanError::from)?;
    kept_back(&product.charges, &product.withholds, principal).ok_or(LoanError::NothingPaidOut)?;
    let agreement = Agreement {
        terms: product.terms.clone().into(),
        instalments: command.instalments,
        first_due_on: command.first_due_on,
    };
    let record = LoanRecord {
        id: command.id,
        number,
        client_id: client.id,
        product_id: product.id,
        branch_id: client.branch_id,
        officer_id,
        terms_id: store_product::terms_id(&product.terms)?,
        currency: product.currency,
        status: LoanStatus::Applied,
        schedule_version: 0,
        since_on: today.business_date,
        created_at: today.now,
        version: 1,
        loan: Loan::new(Arc::new(agreement)),
    };
    let application = Application {
        loan_id: command.id,
        principal,
        expected_disbursed_on: command.expected_disbursed_on,
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
    Ok(Applied { record, application })
}

/// The officer that was named, else the client's; whoever sees only an own portfolio applies within it.
fn officer(command: &Apply, client: &Client, caller: &Caller, known: &Known) -> Result<Option<Uuid>, LoanError> {
    let own = caller.scope.officer_id;
    match command.officer_id {
        None => Ok(client.officer_id.or(own).or(caller.staff_id)),
        Some(officer) if known.places.officers.contains_key(&officer) && own.is_none_or(|own| own == officer) => {
            Ok(Some(officer))
        }
        Some(_) => Err(LoanError::ReferenceNotFound { pointer: "/officer_id" }),
    }
}

fn applied_on(command: &Apply, caller: &Caller, known: &Known, today: Today) -> Result<NaiveDate, NotTaken> {
    value_date(command.applied_on, today.business_date, caller, known.backdating_limit, "/applied_on")
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
