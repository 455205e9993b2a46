//! Offering a loan product: it is active when it is created, and every slot has its account or it is refused.

use std::collections::HashSet;

use db::fault::Fault;
use db::gates::Try;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::{Today, Tx};
use kernel::currency::Currency;
use ledger::books::Books;
use ledger::slots::{self, SlotMapping};
use uuid::Uuid;

use crate::error::LoanError;
use crate::postings::SLOTS;
use crate::product::{Charge, Limits, Product, Withhold};
use crate::store::products;
use crate::terms::Terms;

#[derive(Debug, Clone)]
pub struct OfferProduct {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub currency: Currency,
    pub terms: Terms,
    pub limits: Limits,
    pub charges: Vec<Charge>,
    pub withholds: Vec<Withhold>,
    /// Accounts by code for slots that are not to use the standard chart's.
    pub accounting: Vec<(String, String)>,
}

/// A slot with the account that it will post to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mapped {
    slot: &'static str,
    account_id: Uuid,
    code: String,
    control: bool,
}

impl SlicedCommand for OfferProduct {
    type Done = Product;

    fn about(&self) -> About {
        About {
            claims: vec![Claim::of("id", &self.id.to_string()), Claim::of("product.code", &self.code)],
            tries: vec![Try::TakeChart],
            ..About::of("loan_product.offer")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let codes: Vec<&str> = asked.iter().map(|asked| asked.command.code.as_str()).collect();
        let mut taken = products::products_taken(tx, &ids, &codes).await?;
        let books = Books::read(tx).await?;
        let mappings: Vec<_> = asked.iter().map(|asked| mapped(asked.command, &books)).collect();
        let new_controls: Vec<Uuid> = mappings
            .iter()
            .flatten()
            .flatten()
            .filter(|slot| is_new_control(slot, &books))
            .map(|slot| slot.account_id)
            .collect();
        let by_hand = slots::posted_by_hand(tx, &new_controls).await?;
        let mut outcomes = Vec::new();
        for (Asked { command, .. }, mapping) in asked.iter().zip(mappings) {
            match decide(command, mapping, &taken, &by_hand, tx.today()) {
                Ok((product, mapping)) => {
                    taken.push((product.id, product.code.clone()));
                    products::product_insert(tx, &product).await?;
                    let slots: Vec<SlotMapping<'_>> = mapping
                        .iter()
                        .map(|slot| SlotMapping { slot: slot.slot, account_id: slot.account_id, control: slot.control })
                        .collect();
                    slots::slots_insert(tx, product.id, &slots).await?;
                    outcomes.push(Outcome::Done(product));
                }
                Err(refused) => outcomes.push(Outcome::refused(refused)),
            }
        }
        Ok(outcomes)
    }
}

fn is_new_control(slot: &Mapped, books: &Books) -> bool {
    slot.control && books.account(slot.account_id).is_some_and(|account| !account.control)
}

/// Every slot with its account: the one that was named, or the standard chart's.
fn mapped(command: &OfferProduct, books: &Books) -> Result<Vec<Mapped>, LoanError> {
    let unknown = |(slot, _): &&(String, String)| !SLOTS.iter().any(|known| known.slot.as_str() == slot);
    if let Some((slot, _)) = command.accounting.iter().find(unknown) {
        return Err(LoanError::SlotUnknown(slot.clone()));
    }
    SLOTS
        .iter()
        .map(|known| {
            let slot = known.slot.as_str();
            let named = command.accounting.iter().find(|(named, _)| named == slot).map(|(_, code)| code.as_str());
            let code = named.unwrap_or(known.standard_code);
            let account =
                books.account_by_code(code).filter(|account| !account.header).ok_or(LoanError::SlotUnmapped(slot))?;
            Ok(Mapped { slot, account_id: account.id, code: code.to_owned(), control: known.control })
        })
        .collect()
}

fn decide(
    command: &OfferProduct,
    mapping: Result<Vec<Mapped>, LoanError>,
    taken: &[(Uuid, String)],
    by_hand: &HashSet<Uuid>,
    today: Today,
) -> Result<(Product, Vec<Mapped>), LoanError> {
    if taken.iter().any(|(id, _)| *id == command.id) {
        return Err(LoanError::IdTaken(command.id));
    }
    if taken.iter().any(|(_, code)| *code == command.code) {
        return Err(LoanError::ProductCodeTaken(command.code.clone()));
    }
    if command.limits.principal_least > command.limits.principal_most {
        return Err(LoanError::LimitsCrossed { pointer: "/limits/principal" });
    }
    if command.limits.instalments_fewest > command.limits.instalments_most {
        return Err(LoanError::LimitsCrossed { pointer: "/limits/instalments" });
    }
    let mapping = mapping?;
    if let Some(slot) = mapping.iter().find(|slot| slot.control && by_hand.contains(&slot.account_id)) {
        return Err(LoanError::PostedByHand { slot: slot.slot, code: slot.code.clone() });
    }
    let product = Product {
        id: command.id,
        code: command.code.clone(),
        name: command.name.clone(),
        currency: command.currency,
        terms: command.terms.clone(),
        limits: command.limits,
        charges: command.charges.clone(),
        withholds: command.withholds.clone(),
        created_at: today.now,
        version: 1,
    };
    Ok((product, mapping))
}
