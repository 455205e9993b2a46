//! Charges and withheld savings on the wire.

use edge::problem::Problem;
use edge::wire::{AmountText, Choice, Name, Percent};
use kernel::currency::Currency;
use kernel::text_enum;
use loans::product::{Charge, Price, Withhold};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::loans::terms::{percent, unprocessable};

text_enum! {
    pub enum ChargeKind {
        Fee = "fee",
    }
}

text_enum! {
    pub enum ChargeWhen {
        Disbursement = "disbursement",
    }
}

text_enum! {
    pub enum ChargeOf {
        Principal = "principal",
    }
}

text_enum! {
    pub enum ChargeTreatment {
        Deducted = "deducted",
    }
}

text_enum! {
    pub enum WithholdSlot {
        CompulsorySavings = "compulsory_savings",
    }
}

/// A fee that is kept back from the disbursement: an amount, or a percentage of the principal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChargeRequest {
    #[schema(value_type = ChargeKind)]
    kind: Choice<ChargeKind>,
    name: Name,
    #[schema(value_type = ChargeWhen)]
    when: Choice<ChargeWhen>,
    amount: Option<AmountText>,
    percent: Option<Percent>,
    #[schema(value_type = Option<ChargeOf>)]
    of: Option<Choice<ChargeOf>>,
    #[schema(value_type = ChargeTreatment)]
    treatment: Choice<ChargeTreatment>,
}

/// What is kept back and stays the client's.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithholdRequest {
    #[schema(value_type = WithholdSlot)]
    slot: Choice<WithholdSlot>,
    amount: Option<AmountText>,
    percent: Option<Percent>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ChargeView {
    kind: ChargeKind,
    name: String,
    when: ChargeWhen,
    #[serde(flatten)]
    price: PriceView,
    treatment: ChargeTreatment,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct WithholdView {
    slot: WithholdSlot,
    #[serde(flatten)]
    price: PriceView,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PriceView {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
}

pub fn read_charges(requests: Vec<ChargeRequest>, currency: Currency, at: &str) -> Result<Vec<Charge>, Problem> {
    let read = |(index, request): (usize, ChargeRequest)| {
        let at = format!("{at}/{index}");
        request.kind.read(&format!("{at}/kind"))?;
        request.when.read(&format!("{at}/when"))?;
        request.treatment.read(&format!("{at}/treatment"))?;
        request.of.map(|of| of.read(&format!("{at}/of"))).transpose()?;
        Ok(Charge { name: request.name.0, price: read_price(request.amount, request.percent, currency, &at)? })
    };
    requests.into_iter().enumerate().map(read).collect()
}

pub fn read_withholds(requests: Vec<WithholdRequest>, currency: Currency, at: &str) -> Result<Vec<Withhold>, Problem> {
    let read = |(index, request): (usize, WithholdRequest)| {
        let at = format!("{at}/{index}");
        request.slot.read(&format!("{at}/slot"))?;
        Ok(Withhold { price: read_price(request.amount, request.percent, currency, &at)? })
    };
    requests.into_iter().enumerate().map(read).collect()
}

fn read_price(
    amount: Option<AmountText>,
    percent: Option<Percent>,
    currency: Currency,
    at: &str,
) -> Result<Price, Problem> {
    match (amount, percent) {
        (Some(amount), None) => {
            let amount = amount.read(currency, &format!("{at}/amount"))?;
            let refused = || {
                unprocessable("charge.not_positive", "an amount kept back is more than zero", &format!("{at}/amount"))
            };
            if amount.is_positive() { Ok(Price::AmountMinor(amount)) } else { Err(refused()) }
        }
        (None, Some(Percent(percent))) if percent > Decimal::ZERO && percent < Decimal::ONE_HUNDRED => {
            Ok(Price::Percent(percent))
        }
        (None, Some(_)) => Err(unprocessable(
            "charge.percent_out_of_range",
            "a percentage kept back lies between 0 and 100",
            &format!("{at}/percent"),
        )),
        _ => Err(unprocessable("charge.price_missing", "name either amount or percent", at)),
    }
}

impl ChargeView {
    pub fn of(charge: &Charge, currency: Currency) -> ChargeView {
        ChargeView {
            kind: ChargeKind::Fee,
            name: charge.name.clone(),
            when: ChargeWhen::Disbursement,
            price: PriceView::of(charge.price, currency),
            treatment: ChargeTreatment::Deducted,
        }
    }
}

impl WithholdView {
    pub fn of(withhold: &Withhold, currency: Currency) -> WithholdView {
        WithholdView { slot: WithholdSlot::CompulsorySavings, price: PriceView::of(withhold.price, currency) }
    }
}

impl PriceView {
    fn of(price: Price, currency: Currency) -> PriceView {
        match price {
            Price::AmountMinor(amount) => PriceView { amount: Some(amount.format(currency)), percent: None },
            Price::Percent(rate) => PriceView { amount: None, percent: Some(percent(rate)) },
        }
    }
}
